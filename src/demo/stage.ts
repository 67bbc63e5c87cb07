// The stage: shows one picture as large as there is room, zooms and pans it, and gives a tool the pointer, the keyboard and a layer to draw
// on. A tool that works with a pointer works with the keyboard, too: arrows move a crosshair, and Space is the button.

import { isSameSize, type Rgb8 } from "../image/planes.ts";
import type { Point } from "../image/region.ts";
import { drawCrosshair, movedBy } from "./crosshair.ts";
import { byId, showPicture } from "./dom.ts";
import { panned, type Room, showing, WHOLE, type Zoom, zoomed } from "./zoom.ts";

/** What a tool does with the stage. Points may lie outside the picture. */
export interface StageHandler {
  down?(point: Point, event: PointerEvent | KeyboardEvent): void;
  /** Also while the pointer is up: `isDown` tells. */
  move?(point: Point, isDown: boolean): void;
  up?(point: Point): void;
  /** In the place of up(): what began with down() is not wanted, because a second finger has come to zoom. */
  cancel?(): void;
  /** The pointer is not on the stage any more. */
  leave?(): void;
  /** A key that is pressed while the stage has the focus. Returns whether the tool has used it. */
  key?(event: KeyboardEvent): boolean;
  /** The stage shows another picture now. */
  show?(picture: Rgb8): void;
  undo?(): void;
  redo?(): void;
  /** Draws over the picture. The context's unit is a pixel of the picture; `onePixel` is the length of one on the screen. */
  draw?(context: CanvasRenderingContext2D, onePixel: number): void;
}

const STAGE_KEYS = "Plus and minus zoom, 0 shows the whole picture.";
const CROSSHAIR_KEYS = "Arrows move the crosshair, with Shift faster. Space presses and releases.";
const KEY_ZOOM = 1.5;
/** Of a turn of the wheel by one px. */
const WHEEL_ZOOM = 1.005;
interface Position {
  readonly clientX: number;
  readonly clientY: number;
}

/** What a pointer that is down, or the key that stands for one, does at the moment. */
type Gesture =
  | { readonly kind: "draw"; readonly pointer: number }
  | { readonly kind: "pan"; readonly pointer: number; at: Position }
  | { readonly kind: "pinch" }
  | { readonly kind: "keys" };

export class Stage {
  readonly #element = byId("stage", HTMLElement);
  readonly #canvas = byId("picture", HTMLCanvasElement);
  readonly #layer = byId("stage-layer", HTMLCanvasElement);
  #picture: Rgb8 | null = null;
  #handler: StageHandler | null = null;
  #help = "";
  #zoom = WHOLE;
  #gesture: Gesture | null = null;
  /** The fingers on the stage. */
  readonly #touches = new Map<number, Position>();
  /** The crosshair; null until it is needed. */
  #aim: Point | null = null;
  #isAiming = false;
  #isRedrawn = false;

  constructor() {
    const element = this.#element;
    element.addEventListener("pointerdown", (event) => this.#press(event));
    element.addEventListener("pointermove", (event) => this.#move(event));
    element.addEventListener("pointerup", (event) => this.#release(event));
    element.addEventListener("pointercancel", (event) => this.#release(event));
    element.addEventListener("pointerleave", () => {
      if (this.#gesture) return;
      this.#handler?.leave?.();
      this.redraw();
    });
    // The browser's own ways to scroll: with the middle button, and with two fingers.
    element.addEventListener("mousedown", (event) => event.button === 1 && event.preventDefault());
    element.addEventListener("touchmove", (event) => event.touches.length > 1 && event.preventDefault(), { passive: false });
    element.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    element.addEventListener("keydown", (event) => this.#key(event));
    element.addEventListener("focus", () => {
      if (element.matches(":focus-visible")) this.#showCrosshair();
    });
    element.addEventListener("blur", () => {
      this.#endKeys();
      this.#hideCrosshair();
    });
    document.addEventListener("keydown", (event) => this.#undo(event));
    this.#layer.addEventListener("contextrestored", () => this.redraw());
    const pixels = byId("show-pixels", HTMLButtonElement);
    pixels.addEventListener("click", () => {
      pixels.ariaPressed = String(element.toggleAttribute("data-pixels"));
    });
    new ResizeObserver(() => this.#zoomTo(panned(this.#room, this.#zoom, 0, 0))).observe(element);
  }

  get picture(): Rgb8 | null {
    return this.#picture;
  }

  /** Shows a picture; `label` describes it to those who don't see it. */
  show(picture: Rgb8, label: string): void {
    const isOther = !this.#picture || !isSameSize(this.#picture, picture);
    this.#picture = picture;
    this.#element.style.setProperty("--shape", `${picture.width} / ${picture.height}`);
    this.#element.dataset["filled"] = "";
    showPicture(this.#canvas, picture);
    this.#canvas.ariaLabel = label;
    this.#handler?.show?.(picture);
    if (isOther) {
      this.#aim = null;
      this.#zoomTo(WHOLE);
      this.#describe();
    }
    this.redraw();
  }

  /** Gives the stage to a tool until the returned function is called. `help` tells screen readers which keys there are. */
  attach(handler: StageHandler, help: string): () => void {
    this.#handler = handler;
    this.#gesture = null;
    this.#help = help;
    this.#describe();
    return () => {
      if (this.#handler !== handler) return;
      this.#handler = null;
      this.#help = "";
      this.#gesture = null;
      this.#isAiming = false;
      this.#describe();
    };
  }

  /** Draws the tool's layer anew, with the next frame. */
  redraw(): void {
    if (this.#isRedrawn) return;
    this.#isRedrawn = true;
    requestAnimationFrame(() => {
      this.#isRedrawn = false;
      this.#draw();
    });
  }

  // ---- what is seen

  #describe(): void {
    const isDrawn = this.#handler?.down !== undefined;
    this.#layer.hidden = this.#handler === null;
    if (!this.#picture && !this.#handler) return;
    this.#element.tabIndex = 0;
    // Only in an application do screen readers leave the arrows and letters to the page.
    this.#element.role = isDrawn ? "application" : "group";
    this.#element.ariaLabel = "Stage";
    this.#element.ariaDescription = [this.#help, isDrawn ? CROSSHAIR_KEYS : "", STAGE_KEYS].filter(Boolean).join(" ");
    this.redraw();
  }

  #draw(): void {
    const context = this.#layer.getContext("2d");
    const { left, top, width, height } = this.#layer.getBoundingClientRect();
    if (!context || !this.#picture || !this.#handler || width === 0) return;
    Object.assign(this.#layer, { width: Math.round(width * devicePixelRatio), height: Math.round(height * devicePixelRatio) });
    const shown = this.#canvas.getBoundingClientRect();
    const onePixel = this.#picture.width / shown.width;
    const scale = devicePixelRatio / onePixel;
    context.setTransform(scale, 0, 0, scale, (shown.left - left) * devicePixelRatio, (shown.top - top) * devicePixelRatio);
    this.#handler.draw?.(context, onePixel);
    if (this.#isAiming && this.#handler.down) drawCrosshair(context, onePixel, this.#crosshair, this.#picture, this.#isDown);
  }

  get #room(): Room {
    const { clientWidth, clientHeight } = this.#element;
    const { offsetWidth, offsetHeight } = this.#canvas;
    return {
      stage: { width: clientWidth, height: clientHeight },
      picture: { width: offsetWidth, height: offsetHeight },
    };
  }

  #zoomTo(zoom: Zoom): void {
    this.#zoom = zoom;
    const { style } = this.#element;
    style.setProperty("--zoom", String(zoom.factor));
    style.setProperty("--pan-x", `${zoom.x}px`);
    style.setProperty("--pan-y", `${zoom.y}px`);
    this.#element.toggleAttribute("data-zoomed", zoom.factor > 1);
    this.redraw();
  }

  #zoomBy(by: number, { clientX, clientY }: Position): void {
    const { left, top, width, height } = this.#element.getBoundingClientRect();
    this.#zoomTo(zoomed(this.#room, this.#zoom, by, { x: clientX - left - width / 2, y: clientY - top - height / 2 }));
  }

  #panBy(dx: number, dy: number): void {
    this.#zoomTo(panned(this.#room, this.#zoom, dx, dy));
  }

  // ---- pointers

  get #isDown(): boolean {
    return this.#gesture?.kind === "draw" || this.#gesture?.kind === "keys";
  }

  #press(event: PointerEvent): void {
    const isOurs = event.target === this.#element || event.target instanceof HTMLCanvasElement;
    if (!isOurs || !this.#picture) return; // a control of a tool that lies on the stage
    this.#endKeys();
    this.#hideCrosshair();
    const { pointerId: pointer, button, clientX, clientY } = event;
    if (event.pointerType === "touch") this.#touches.set(pointer, { clientX, clientY });
    if (this.#touches.size > 1) {
      if (this.#gesture?.kind === "draw") (this.#handler?.cancel ?? this.#handler?.up)?.call(this.#handler, this.#pointOf(event));
      this.#gesture = { kind: "pinch" };
    } else if (this.#gesture) return;
    else if (button === 0 && this.#handler?.down) {
      this.#gesture = { kind: "draw", pointer };
      this.#handler.down(this.#pointOf(event), event);
    } else if (button === 1 || (button === 0 && this.#zoom.factor > 1)) {
      this.#gesture = { kind: "pan", pointer, at: event };
    } else return;
    this.#element.setPointerCapture(pointer);
    this.redraw();
  }

  #move(event: PointerEvent): void {
    const gesture = this.#gesture;
    const touched = this.#touches.get(event.pointerId);
    if (touched) this.#moveTouch(event);
    if (gesture?.kind === "pinch" || gesture?.kind === "keys") return;
    if (gesture?.kind === "pan") {
      if (event.pointerId !== gesture.pointer) return;
      this.#panBy(event.clientX - gesture.at.clientX, event.clientY - gesture.at.clientY);
      gesture.at = event;
      return;
    }
    if (gesture && gesture.pointer !== event.pointerId) return;
    if (!this.#handler) return;
    this.#hideCrosshair();
    const all = event.getCoalescedEvents?.() ?? [];
    for (const one of all.length > 0 ? all : [event]) this.#handler.move?.(this.#pointOf(one), gesture !== null);
    this.redraw();
  }

  /** Two fingers zoom by the change of their distance, and pan by that of their middle. */
  #moveTouch({ pointerId, clientX, clientY }: PointerEvent): void {
    const before = spanOf(this.#touches);
    this.#touches.set(pointerId, { clientX, clientY });
    const after = spanOf(this.#touches);
    if (!before || !after || this.#gesture?.kind !== "pinch") return;
    this.#panBy(after.middle.clientX - before.middle.clientX, after.middle.clientY - before.middle.clientY);
    if (before.length > 0) this.#zoomBy(after.length / before.length, after.middle);
  }

  #release(event: PointerEvent): void {
    this.#touches.delete(event.pointerId);
    const gesture = this.#gesture;
    if (gesture?.kind === "pinch") {
      if (this.#touches.size === 0) this.#gesture = null; // a finger that stays must not draw
      return;
    }
    if (!gesture || gesture.kind === "keys" || gesture.pointer !== event.pointerId) return;
    this.#gesture = null;
    if (gesture.kind === "draw") this.#handler?.up?.(this.#pointOf(event));
    if (event.pointerType === "touch") this.#handler?.leave?.();
    this.redraw();
  }

  /** With Ctrl, which also stands for two fingers on a touchpad that move apart, the wheel zooms; without, it pans what is zoomed. */
  #wheel(event: WheelEvent): void {
    const isZoom = event.ctrlKey || event.metaKey;
    if (!this.#picture || !(isZoom || this.#zoom.factor > 1)) return;
    event.preventDefault();
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : 16;
    if (isZoom) this.#zoomBy(WHEEL_ZOOM ** (-event.deltaY * unit), event);
    else this.#panBy(-event.deltaX * unit, -event.deltaY * unit);
  }

  #pointOf({ clientX, clientY }: Position): Point {
    const { left, top, width, height } = this.#canvas.getBoundingClientRect();
    const picture = this.#picture!;
    return { x: ((clientX - left) / width) * picture.width, y: ((clientY - top) / height) * picture.height };
  }

  // ---- keys

  #undo(event: KeyboardEvent): void {
    const key = event.key.toLowerCase();
    if (!(event.ctrlKey || event.metaKey) || event.altKey || (key !== "z" && key !== "y")) return;
    const target = event.target instanceof Element ? event.target : null;
    const hasOwn = target?.matches("textarea, input:is([type=text], [type=number], [type=search])") || target?.closest("dialog");
    const work = this.#handler?.[key === "y" || event.shiftKey ? "redo" : "undo"];
    if (hasOwn || !work || !this.#element.checkVisibility() || this.#gesture?.kind === "draw") return;
    event.preventDefault();
    this.#endKeys();
    work.call(this.#handler);
    this.redraw();
  }

  #key(event: KeyboardEvent): void {
    const isModified = event.ctrlKey || event.metaKey || event.altKey;
    const isUsed =
      (this.#handler?.key?.(event) ?? false) ||
      (!isModified && event.target === this.#element && (this.#crosshairKey(event) || this.#zoomKey(event)));
    if (!isUsed) return;
    event.preventDefault();
    this.redraw();
  }

  #zoomKey({ key }: KeyboardEvent): boolean {
    if (!this.#picture || !["+", "=", "-", "0"].includes(key)) return false;
    const { left, top, width, height } = (this.#isAiming ? this.#canvas : this.#element).getBoundingClientRect();
    const aim = this.#isAiming ? this.#crosshair : { x: this.#picture.width / 2, y: this.#picture.height / 2 };
    const share = { x: aim.x / this.#picture.width, y: aim.y / this.#picture.height };
    if (key === "0") this.#zoomTo(WHOLE);
    else
      this.#zoomBy(key === "-" ? 1 / KEY_ZOOM : KEY_ZOOM, {
        clientX: left + share.x * width,
        clientY: top + share.y * height,
      });
    return true;
  }

  #crosshairKey(event: KeyboardEvent): boolean {
    const handler = this.#handler;
    if (!handler?.down || !this.#picture || this.#gesture?.kind === "draw") return false;
    const moved = movedBy(event, this.#crosshair, this.#picture);
    if (event.key === "Escape" && this.#gesture?.kind === "keys") this.#endKeys();
    else if (event.key === " ") {
      if (event.repeat) return true;
      this.#showCrosshair();
      if (this.#gesture?.kind === "keys") this.#endKeys();
      else {
        this.#gesture = { kind: "keys" };
        handler.down(this.#crosshair, event);
      }
    } else if (moved) {
      this.#aim = moved;
      this.#showCrosshair();
    } else return false;
    return true;
  }

  get #crosshair(): Point {
    const { width, height } = this.#picture!;
    return this.#aim ?? { x: Math.floor(width / 2) + 0.5, y: Math.floor(height / 2) + 0.5 };
  }

  #showCrosshair(): void {
    if (!this.#handler?.down || !this.#picture) return;
    this.#isAiming = true;
    const { x, y } = this.#crosshair;
    const { width, height } = this.#picture;
    if (this.#zoom.factor > 1) this.#zoomTo(showing(this.#room, this.#zoom, { x: x / width, y: y / height }));
    this.#handler.move?.(this.#crosshair, this.#isDown);
    this.redraw();
  }

  #hideCrosshair(): void {
    if (!this.#isAiming) return;
    this.#isAiming = false;
    this.#handler?.leave?.();
    this.redraw();
  }

  /** Releases what Space has pressed. */
  #endKeys(): void {
    if (this.#gesture?.kind !== "keys") return;
    this.#gesture = null;
    this.#handler?.up?.(this.#crosshair);
    this.redraw();
  }
}

/** The distance of the first two fingers, and the point between them; null where there are fewer. */
function spanOf(touches: ReadonlyMap<number, Position>): { readonly length: number; readonly middle: Position } | null {
  const [a, b] = touches.values();
  if (!a || !b) return null;
  return {
    length: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY),
    middle: { clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 },
  };
}
