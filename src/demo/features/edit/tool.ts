// The tool Edit: parts of the photo are moved, copied or scaled, and the model blends them in.

import type { Rgb8 } from "../../../image/planes.ts";
import type { Point } from "../../../image/region.ts";
import { isSameRect, outlineOf, type Rect } from "../../../image/region.ts";
import { byId } from "../../dom.ts";
import type { StageHandler } from "../../stage.ts";
import { Results, refusalOf } from "../blend/results.ts";
import type { Place, Tool } from "../feature.ts";
import { cornerAt, insidePicture, isInRect, movedRect, rectBetween, scaledRect } from "../geometry.ts";
import { History } from "../history.ts";
import { drawHandles, drawOutline, reachOf } from "../outline.ts";
import { RectFields } from "../rect-fields.ts";
import { isChecked } from "../values.ts";
import { Edits } from "./edits.ts";

const HELP =
  "Press and move to select a part of the photo; press inside it and move to put it elsewhere, or at a corner to scale it. " +
  "Escape lets go of it. The number fields do the same.";

export const editTool: Tool = {
  id: "edit",
  isSplit: true,
  label: "Edit",
  icon: "M4 4h10v10H4zM17 10h3v10H10v-3",
  refusal: refusalOf,
  settings: () => ({ ...(isChecked("edit-lasso") && { shape: "lasso" }), ...(isChecked("edit-leave") && { leave: "yes" }) }),
  hasWork: ({ photo }) => kept.get(photo)?.history.canUndo ?? false,
  open: (place) => new Edit(place).end,
};

/** What a visitor does with a photo. */
interface Work {
  readonly history: History<Edits>;
  /** Of the pictures that are made of it. */
  seed: number;
}

/** By the source's photo: it outlives a look at another tool. */
const kept = new WeakMap<Rgb8, Work>();

/** What the pointer does while it is down. */
type Gesture =
  | { readonly kind: "move"; readonly start: Point; readonly from: Rect }
  | { readonly kind: "scale"; readonly corner: number; readonly from: Rect }
  | { readonly kind: "rectangle"; readonly start: Point; end: Point }
  | { readonly kind: "lasso"; readonly points: Point[] };

class Edit implements StageHandler {
  readonly #leave = byId("edit-leave", HTMLInputElement);
  readonly #lasso = byId("edit-lasso", HTMLInputElement);
  readonly #buttons = {
    undo: byId("edit-undo", HTMLButtonElement),
    redo: byId("edit-redo", HTMLButtonElement),
    reset: byId("edit-reset", HTMLButtonElement),
    more: byId("edit-more", HTMLButtonElement),
  };
  readonly #part: RectFields;
  readonly #to = new RectFields("edit-to", (rect) => this.#push(this.#edits.put(rect, this.#leave.checked)));
  readonly #results: Results;
  readonly #work: Work;
  readonly #detach: () => void;
  #gesture: Gesture | null = null;
  /** What the gesture makes of the edits. */
  #live: Edits | null = null;
  #onePixel = 1;

  constructor(private readonly place: Place) {
    this.#part = new RectFields("edit-part", (rect) => this.#takeRect(rect), place.source.photo);
    this.#results = new Results(place, "Your edit", "edit");
    const { photo } = place.source;
    this.#work = kept.get(photo) ?? { history: new History(Edits.of(photo)), seed: 0 };
    kept.set(photo, this.#work);
    this.#lasso.checked = place.settings["shape"] === "lasso";
    this.#leave.checked = place.settings["leave"] === "yes";
    const { undo, redo, reset, more } = this.#buttons;
    undo.addEventListener("click", () => this.undo());
    redo.addEventListener("click", () => this.redo());
    reset.addEventListener("click", () => this.#push(Edits.of(place.source.photo)));
    more.addEventListener("click", () => {
      this.#work.seed++;
      this.#make();
    });
    this.#leave.addEventListener("change", () => {
      const { taken } = this.#edits;
      if (taken) this.#push(this.#edits.put(taken.to, this.#leave.checked));
    });
    byId("edit-form", HTMLFormElement).addEventListener("submit", (event) => event.preventDefault());
    this.#detach = place.stage.attach(this, HELP);
    this.#make();
    this.#describe();
  }

  readonly end = (): void => this.#detach();

  get #history(): History<Edits> {
    return this.#work.history;
  }

  get #edits(): Edits {
    return this.#history.now;
  }

  down(point: Point): void {
    const { isOwnShown } = this.#results;
    this.#results.work();
    this.#live = null;
    const to = this.#edits.taken?.to;
    const corner = to ? cornerAt(outlineOf(to), point, reachOf(to, this.#onePixel)) : null;
    if (to && corner !== null) this.#gesture = { kind: "scale", corner, from: to };
    else if (to && isInRect(point, to)) this.#gesture = { kind: "move", start: point, from: to };
    else if (!isOwnShown)
      return; // who presses a result wants the handles back
    else if (this.#lasso.checked) this.#gesture = { kind: "lasso", points: [point] };
    else this.#gesture = { kind: "rectangle", start: point, end: point };
  }

  move(point: Point, isDown: boolean): void {
    const gesture = this.#gesture;
    if (!isDown || !gesture) return;
    if (gesture.kind === "lasso") gesture.points.push(point);
    else if (gesture.kind === "rectangle") gesture.end = point;
    else {
      const { from } = gesture;
      const to = gesture.kind === "move" ? movedRect(from, gesture.start, point) : scaledRect(from, gesture.corner, point);
      this.#live = this.#edits.put(to, this.#leave.checked);
      this.#to.show(to);
    }
  }

  /** Once a frame, however often the pointer moves in between. */
  #showLive(): void {
    const picture = this.#live?.result.picture;
    if (picture && picture !== this.place.stage.picture) this.#results.show(picture);
  }

  up(point: Point): void {
    this.move(point, true);
    this.#showLive();
    const [gesture, live] = [this.#gesture, this.#live];
    this.#gesture = null;
    this.#live = null;
    if (gesture?.kind === "move" || gesture?.kind === "scale") {
      if (live?.taken && !isSameRect(live.taken.to, gesture.from)) this.#push(live);
    } else if (gesture?.kind === "lasso") this.#take(gesture.points.length > 2 ? gesture.points : []);
    else if (gesture) {
      const rect = rectBetween(gesture.start, gesture.end, this.place.source.photo);
      this.#take(rect ? outlineOf(rect) : []);
    }
  }

  key({ key }: KeyboardEvent): boolean {
    if (key !== "Escape") return false;
    this.#gesture = null;
    this.#live = null;
    this.#take([]);
    return true;
  }

  undo(): void {
    this.#history.undo();
    this.#show();
  }

  redo(): void {
    this.#history.redo();
    this.#show();
  }

  draw(context: CanvasRenderingContext2D, onePixel: number): void {
    this.#onePixel = onePixel;
    this.#showLive();
    if (!this.#results.isOwnShown) return;
    const gesture = this.#gesture;
    const edits = this.#live ?? this.#edits;
    if (gesture?.kind === "lasso") drawOutline(context, onePixel, gesture.points, false);
    else if (gesture?.kind === "rectangle") {
      const rect = rectBetween(gesture.start, gesture.end, this.place.source.photo);
      drawOutline(context, onePixel, rect ? outlineOf(rect) : []);
    } else if (edits.taken) {
      drawOutline(context, onePixel, edits.outline);
      drawHandles(context, onePixel, outlineOf(edits.taken.to));
    }
  }

  #takeRect(rect: Rect): void {
    const inside = insidePicture(rect, this.place.source.photo);
    if (inside) this.#take(outlineOf(inside));
  }

  /** Takes a part, or lets go of the one in hand. */
  #take(outline: readonly Point[]): void {
    const next = this.#edits.take(outline, this.#leave.checked);
    if (next.taken || this.#edits.taken) this.#push(next);
  }

  #push(edits: Edits): void {
    this.#history.push(edits);
    this.#show();
  }

  /** Shows the current edits; has pictures made of them where they have changed. */
  #show(): void {
    const { picture } = this.#edits.result;
    this.#results.work();
    this.#leave.checked = this.#edits.taken?.leavesOriginal ?? this.#leave.checked;
    if (picture !== this.#results.made) this.#make();
    this.#describe();
    this.place.stage.redraw();
  }

  #make(): void {
    const [{ picture, mask }, seed] = [this.#edits.result, this.#work.seed];
    const request = { picture, mask, seed, steps: this.#results.steps };
    const { place } = this;
    this.#results.make(picture, seed, this.#edits.isChanged ? (onReply) => place.run("edit", request, onReply) : null);
  }

  #describe(): void {
    const { undo, redo, reset, more } = this.#buttons;
    const { taken, isChanged } = this.#edits;
    this.#part.show(taken?.part.bounds ?? null);
    this.#to.show(taken?.to ?? null);
    this.#to.disabled = taken === null;
    undo.disabled = !this.#history.canUndo;
    redo.disabled = !this.#history.canRedo;
    reset.disabled = more.disabled = !isChanged;
  }
}
