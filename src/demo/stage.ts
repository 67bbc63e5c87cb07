// The stage: shows one picture as large as there is room, and gives a tool the pointer, the keyboard and a layer to draw on.

import type { Rgb8 } from "../image/planes.ts";
import { byId, showPicture } from "./dom.ts";

/** In pixels of the picture: (0,0) is its upper left corner, (0.5,0.5) the middle of the first pixel. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** What a tool does with the stage. Points may lie outside the picture. */
export interface StageHandler {
  down?(point: Point, event: PointerEvent | KeyboardEvent): void;
  /** Also while the pointer is up: `isDown` tells. */
  move?(point: Point, isDown: boolean): void;
  up?(point: Point): void;
  /** A key that is pressed while the stage has the focus. Returns whether the tool has used it. */
  key?(event: KeyboardEvent): boolean;
  /** The stage shows another picture now. */
  show?(picture: Rgb8): void;
  undo?(): void;
  redo?(): void;
  /** Draws over the picture. The context's unit is a pixel of the picture; `onePixel` is the length of one on the screen. */
  draw?(context: CanvasRenderingContext2D, onePixel: number): void;
}

export class Stage {
  readonly #element = byId("stage", HTMLElement);
  readonly #canvas = byId("picture", HTMLCanvasElement);
  readonly #layer = byId("stage-layer", HTMLCanvasElement);
  #picture: Rgb8 | null = null;
  #handler: StageHandler | null = null;
  #isDown = false;

  constructor() {
    const layer = this.#layer;
    layer.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !this.#handler?.down) return;
      layer.setPointerCapture(event.pointerId);
      this.#isDown = true;
      this.#handler.down(this.#pointOf(event), event);
      this.redraw();
    });
    layer.addEventListener("pointermove", (event) => {
      for (const one of event.getCoalescedEvents?.() ?? [event]) this.#handler?.move?.(this.#pointOf(one), this.#isDown);
      if (this.#handler) this.redraw();
    });
    const end = (event: PointerEvent): void => {
      if (!this.#isDown) return;
      this.#isDown = false;
      this.#handler?.up?.(this.#pointOf(event));
      this.redraw();
    };
    layer.addEventListener("pointerup", end);
    layer.addEventListener("pointercancel", end);
    this.#element.addEventListener("keydown", (event) => {
      const isUndo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z";
      if (isUndo) this.#handler?.[event.shiftKey ? "redo" : "undo"]?.();
      else if (!this.#handler?.key?.(event)) return;
      event.preventDefault();
      this.redraw();
    });
    new ResizeObserver(() => this.redraw()).observe(this.#element);
  }

  get picture(): Rgb8 | null {
    return this.#picture;
  }

  /** Shows a picture; `label` describes it to those who don't see it. */
  show(picture: Rgb8, label: string): void {
    this.#picture = picture;
    this.#element.style.setProperty("--shape", `${picture.width} / ${picture.height}`);
    this.#element.dataset["filled"] = "";
    showPicture(this.#canvas, picture);
    this.#canvas.ariaLabel = label;
    this.#handler?.show?.(picture);
    this.redraw();
  }

  /** Gives the stage to a tool until the returned function is called. `help` tells screen readers which keys there are. */
  attach(handler: StageHandler, help: string): () => void {
    this.#handler = handler;
    this.#element.tabIndex = 0;
    this.#element.ariaDescription = help;
    this.redraw();
    return () => {
      if (this.#handler !== handler) return;
      this.#handler = null;
      this.#element.removeAttribute("tabindex");
      this.#element.ariaDescription = null;
      this.redraw();
    };
  }

  /** Draws the tool's layer anew. */
  redraw(): void {
    const context = this.#layer.getContext("2d");
    if (!context || !this.#picture) return;
    const { width, height } = this.#layer.getBoundingClientRect();
    this.#layer.hidden = this.#handler === null;
    if (this.#handler === null || width === 0) return;
    Object.assign(this.#layer, { width: Math.round(width * devicePixelRatio), height: Math.round(height * devicePixelRatio) });
    const onePixel = this.#picture.width / this.#layer.width;
    context.setTransform(1 / onePixel, 0, 0, 1 / onePixel, 0, 0);
    this.#handler.draw?.(context, onePixel * devicePixelRatio);
  }

  #pointOf({ clientX, clientY }: PointerEvent): Point {
    const { left, top, width, height } = this.#layer.getBoundingClientRect();
    const picture = this.#picture!;
    return { x: ((clientX - left) / width) * picture.width, y: ((clientY - top) / height) * picture.height };
  }
}
