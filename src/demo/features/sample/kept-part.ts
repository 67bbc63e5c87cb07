// The rectangle of the photo that all samples keep: drawn on the stage, or by number fields.

import type { Mask } from "../../../image/mask.ts";
import type { Point } from "../../../image/region.ts";
import { isSameRect, maskOfOutline, outlineOf, type Rect } from "../../../image/region.ts";
import { byId } from "../../dom.ts";
import type { StageHandler } from "../../stage.ts";
import type { Place } from "../feature.ts";
import { insidePicture, rectBetween } from "../geometry.ts";
import { drawOutline } from "../outline.ts";
import { RectFields } from "../rect-fields.ts";
import { valuesOf } from "../values.ts";

const HELP = "Press and move to draw the rectangle that stays as in the photo. The number fields do the same.";

/** The rectangle in the fields as the setting `keep`; empty where it is not valid. */
export function keptText(): string {
  const sides = Object.values(valuesOf({ x: "keep-x", y: "keep-y", width: "keep-width", height: "keep-height" }));
  return sides.length === 4 ? sides.join() : "";
}

function rectOf(text: string): Rect {
  const [x, y, width, height] = text.split(",").map(Number) as [number, number, number, number];
  return { x, y, width, height };
}

export class KeptPart implements StageHandler {
  readonly #box = byId("keep-part", HTMLElement);
  readonly #isOn = byId("keep", HTMLInputElement);
  readonly #fields: RectFields;
  #detach: (() => void) | null = null;
  #rect: Rect;
  /** The first point of a rectangle that is being drawn. */
  #start: Point | null = null;
  /** What is drawn; it may be nothing yet. */
  #drawn: Rect | null = null;
  /** Whether the pointer or the crosshair is on the stage. */
  #isPointed = false;

  /** `onChange` is called when another part is kept, or none any more. */
  constructor(
    private readonly place: Place,
    private readonly onChange: () => void,
  ) {
    const { source, settings } = place;
    const { width, height } = source.photo;
    this.#box.hidden = source.kind === "model" && !source.isSingan;
    const [side, other] = [Math.ceil(width / 2), Math.ceil(height / 2)];
    const middle = { x: Math.floor(width / 4), y: Math.floor(height / 4), width: side, height: other };
    this.#rect = (settings["keep"] && insidePicture(rectOf(settings["keep"]), source.photo)) || middle;
    this.#fields = new RectFields("keep", (rect) => this.#choose(insidePicture(rect, source.photo)), source.photo);
    this.#fields.show(this.#rect);
    for (const kind of ["focusin", "focusout"]) this.#box.addEventListener(kind, () => place.stage.redraw());
    this.#isOn.checked = settings["kept"] === "yes";
    this.#attach();
    this.#isOn.addEventListener("change", () => {
      this.#attach();
      this.onChange();
    });
  }

  /** Has the stage while a part is kept. */
  #attach(): void {
    this.#detach?.();
    this.#detach = this.#isOn.checked ? this.place.stage.attach(this, HELP) : null;
    byId("keep-fields", HTMLElement).hidden = !this.#isOn.checked;
  }

  readonly end = (): void => this.#detach?.();

  /** Set where the photo is kept; null where nothing is. */
  get mask(): Mask | null {
    return this.#isOn.checked ? maskOfOutline(this.place.source.photo, outlineOf(this.#rect)) : null;
  }

  down(point: Point): void {
    this.#start = point;
    this.#drawn = null;
    const { stage, source } = this.place;
    stage.show(source.photo, `The photo ${source.name}`);
  }

  move(point: Point, isDown: boolean): void {
    this.#isPointed = true;
    if (!isDown || !this.#start) return;
    this.#drawn = rectBetween(this.#start, point, this.place.source.photo);
    this.#fields.show(this.#drawn ?? this.#rect);
  }

  up(point: Point): void {
    this.move(point, true);
    this.#start = null;
    this.#choose(this.#drawn);
  }

  leave(): void {
    this.#isPointed = false;
  }

  /** Whether the visitor sets the rectangle; else it would only stand on the pictures. */
  get #isSet(): boolean {
    const { stage, source } = this.place;
    return this.#isPointed || this.#box.contains(document.activeElement) || stage.picture === source.photo;
  }

  draw(context: CanvasRenderingContext2D, onePixel: number): void {
    if (!this.#isSet) return;
    const rect = this.#start ? this.#drawn : this.#rect;
    drawOutline(context, onePixel, rect ? outlineOf(rect) : []);
  }

  /** Keeps a rectangle; the one before where there is none. The whole photo can't be kept: nothing would be made. */
  #choose(rect: Rect | null): void {
    const { photo } = this.place.source;
    if (rect && !isSameRect(rect, { ...photo, x: 0, y: 0 })) this.#rect = rect;
    this.#fields.show(this.#rect);
    this.onChange();
    this.place.stage.redraw();
  }
}
