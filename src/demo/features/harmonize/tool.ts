// The tool Harmonise: a foreign object is placed on the photo, and the model makes it look as if it belonged there.

import { type Cutout, cornersOf, over, type Placement, placed } from "../../../image/placement.ts";
import type { Rgb8 } from "../../../image/planes.ts";
import type { Point } from "../../../image/region.ts";
import { cut, maskOfOutline } from "../../../image/region.ts";
import { byId } from "../../dom.ts";
import type { StageHandler } from "../../stage.ts";
import { Results, refusalOf } from "../blend/results.ts";
import type { Place, Tool } from "../feature.ts";
import { cornerAt, isInPlacement, ofSide, placedInMiddle, scaledBy, sideOf, turnedTo, turnerOf } from "../geometry.ts";
import { History } from "../history.ts";
import { drawHandles, drawOutline, reachOf } from "../outline.ts";
import { loadCutout } from "./object-file.ts";
import { opaquePart } from "./opaque-part.ts";

const HELP =
  "Press the object and move to put it elsewhere, at a corner to scale it, or at the round handle to turn it. " +
  "The number fields do the same.";
/** From the object to the handle that turns it, px of the screen. */
const TURNER = 28;

const HINTS = {
  none: "Choose, drop or paste a picture. One with a transparent background is best.",
  cutting: "Draw round the object, or use all of the picture.",
  placed: "Drag the object; the corners scale it, the round handle turns it.",
  outside: "The object lies outside the photo.",
};

/** What is smaller was not drawn round an object. */
const FEWEST_PIXELS = 16;

export const harmonizeTool: Tool = {
  id: "harmonize",
  isSplit: true,
  label: "Harmonise",
  icon: "M4 20l5-8 4 5 2-3 5 6zM16 4a3 3 0 1 0 .1 0",
  refusal: refusalOf,
  hasWork: ({ photo }) => kept.get(photo)?.history.canUndo ?? false,
  open: (place) => new Harmonize(place).end,
};

/** An object on the photo. */
interface Placed {
  readonly object: Cutout;
  readonly placement: Placement;
}

/** What a visitor does with a photo. */
interface Work {
  readonly history: History<Placed | null>;
  /** The picture in the file, before anything was cut out. */
  loaded: Cutout | null;
  /** Of the pictures that are made of it. */
  seed: number;
}

/** By the source's photo: it outlives a look at another tool. */
const kept = new WeakMap<Rgb8, Work>();

/** What the pointer does while it is down. */
type Gesture =
  | { readonly kind: "move" | "scale"; readonly start: Point; readonly from: Placement }
  | { readonly kind: "turn"; readonly from: Placement }
  | { readonly kind: "lasso"; readonly points: Point[] };

class Harmonize implements StageHandler {
  readonly #hint = byId("object-hint", HTMLElement);
  readonly #fields = ["x", "y", "size", "angle"].map((name) => byId(`object-${name}`, HTMLInputElement));
  readonly #fieldset = byId("object-place", HTMLFieldSetElement);
  readonly #buttons = {
    cut: byId("object-cut", HTMLButtonElement),
    whole: byId("object-whole", HTMLButtonElement),
    undo: byId("object-undo", HTMLButtonElement),
    redo: byId("object-redo", HTMLButtonElement),
    remove: byId("object-remove", HTMLButtonElement),
    more: byId("object-more", HTMLButtonElement),
  };
  readonly #results: Results;
  readonly #work: Work;
  readonly #listening = new AbortController();
  readonly #detach: () => void;
  #gesture: Gesture | null = null;
  /** What the gesture makes of the placement. */
  #live: Placement | null = null;
  /** The one of these that the stage shows. */
  #drawn: Placement | null = null;
  #onePixel = 1;

  constructor(private readonly place: Place) {
    const { photo } = place.source;
    this.#work = kept.get(photo) ?? { history: new History<Placed | null>(null), loaded: null, seed: 0 };
    kept.set(photo, this.#work);
    this.#results = new Results(place, "With the object", "harmonize");
    const file = byId("object-file", HTMLInputElement);
    file.addEventListener("change", () => this.#load(file.files));
    const { signal } = this.#listening;
    const take = (event: Event, files: FileList | undefined): void => {
      if (document.body.dataset["view"] !== "play" || !files?.[0]?.type.startsWith("image/")) return;
      event.preventDefault(); // so that it does not become the photo
      this.#load(files);
    };
    byId("play", HTMLElement).addEventListener("drop", (event) => take(event, event.dataTransfer?.files), { signal });
    document.addEventListener("paste", (event) => take(event, event.clipboardData?.files), { signal, capture: true });
    const { cut: cutButton, whole, undo, redo, remove, more } = this.#buttons;
    cutButton.addEventListener("click", () => this.#beginCut());
    whole.addEventListener("click", () => this.#work.loaded && this.#use(this.#work.loaded.alpha.data));
    undo.addEventListener("click", () => this.undo());
    redo.addEventListener("click", () => this.redo());
    remove.addEventListener("click", () => this.#push(null));
    more.addEventListener("click", () => {
      this.#work.seed++;
      this.#make();
    });
    for (const field of this.#fields) field.addEventListener("change", () => field.reportValidity() && this.#readFields());
    byId("harmonize-form", HTMLFormElement).addEventListener("submit", (event) => event.preventDefault());
    this.#detach = place.stage.attach(this, HELP);
    this.#show();
  }

  readonly end = (): void => {
    this.#listening.abort();
    this.#detach();
  };

  get #history(): History<Placed | null> {
    return this.#work.history;
  }

  /** Whether the stage shows the picture in the file, so that an object can be cut out of it. */
  get #isCutting(): boolean {
    return this.#work.loaded !== null && this.place.stage.picture === this.#work.loaded.picture;
  }

  down(point: Point): void {
    if (this.#isCutting) {
      this.#gesture = { kind: "lasso", points: [point] };
      return;
    }
    this.#results.work();
    const placement = this.#history.now?.placement;
    if (!placement) return;
    const reach = reachOf(placement, this.#onePixel);
    if (cornerAt([this.#turnerOf(placement)], point, reach) !== null) this.#gesture = { kind: "turn", from: placement };
    else if (cornerAt(cornersOf(placement), point, reach) !== null)
      this.#gesture = { kind: "scale", start: point, from: placement };
    else if (isInPlacement(point, placement)) this.#gesture = { kind: "move", start: point, from: placement };
  }

  move(point: Point, isDown: boolean): void {
    const gesture = this.#gesture;
    if (!isDown || !gesture) return;
    if (gesture.kind === "lasso") gesture.points.push(point);
    else {
      const { from } = gesture;
      if (gesture.kind === "turn") this.#live = turnedTo(from, point);
      else if (gesture.kind === "scale") this.#live = scaledBy(from, gesture.start, point);
      else {
        const { x, y } = gesture.start;
        this.#live = { ...from, x: Math.round(from.x + point.x - x), y: Math.round(from.y + point.y - y) };
      }
      this.#showFields(this.#live);
    }
  }

  /** Once a frame, however often the pointer moves in between. */
  #showLive(): void {
    if (!this.#live || this.#live === this.#drawn) return;
    this.#drawn = this.#live;
    this.#results.show(this.#pictureOf({ object: this.#history.now!.object, placement: this.#live }));
  }

  up(point: Point): void {
    this.move(point, true);
    const [gesture, live] = [this.#gesture, this.#live];
    this.#gesture = null;
    this.#live = null;
    if (gesture?.kind === "lasso") {
      const { picture, alpha } = this.#work.loaded!;
      const inside = maskOfOutline(picture, gesture.points).data;
      this.#use(alpha.data.map((a, i) => a * inside[i]!));
    } else if (live) this.#push({ object: this.#history.now!.object, placement: live });
  }

  key({ key }: KeyboardEvent): boolean {
    if (key !== "Escape" || !this.#isCutting) return false;
    this.#gesture = null;
    this.#show();
    return true;
  }

  #turnerOf(placement: Placement): Point {
    return turnerOf(placement, TURNER * this.#onePixel, this.place.source.photo);
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
    if (this.#gesture?.kind === "lasso") drawOutline(context, onePixel, this.#gesture.points, false);
    const placement = this.#live ?? this.#history.now?.placement;
    if (!placement || !this.#results.isOwnShown) return;
    drawOutline(context, onePixel, cornersOf(placement));
    drawHandles(context, onePixel, cornersOf(placement));
    drawHandles(context, onePixel, [this.#turnerOf(placement)], true);
  }

  #load(files: FileList | null): void {
    const file = files?.[0];
    if (!file) return;
    void loadCutout(file).then(
      (loaded) => {
        if (this.#listening.signal.aborted) return;
        this.#work.loaded = loaded;
        this.place.showError(null);
        if (loaded.alpha.data.some((a) => a < 1)) this.#use(loaded.alpha.data);
        else this.#beginCut();
      },
      (error: unknown) => this.place.showError((error as Error).message),
    );
  }

  #beginCut(): void {
    this.#results.work();
    this.place.stage.show(this.#work.loaded!.picture, "The picture with the object");
    this.#describe();
  }

  /** Uses the picture in the file with this transparency; where next to nothing of it can be seen, it says so. */
  #use(data: Float32Array): void {
    const { picture, alpha } = this.#work.loaded!;
    const isSeen = data.filter((a) => a > 0).length >= FEWEST_PIXELS;
    const object = isSeen ? cut(picture, { ...alpha, data })?.cutout : null;
    this.place.showError(object ? null : "That encloses nothing. Draw once round the whole object.");
    if (!object) {
      this.place.stage.redraw();
      return;
    }
    const before = this.#history.now?.placement;
    const middle = placedInMiddle(object.picture, this.place.source.photo);
    this.#push({ object, placement: before ? { ...middle, x: before.x, y: before.y, angle: before.angle } : middle });
  }

  #readFields(): void {
    const now = this.#history.now;
    if (!now || !this.#fields.every((field) => field.checkValidity())) return;
    const [x, y, side, angle] = this.#fields.map((field) => Number(field.value)) as [number, number, number, number];
    this.#push({ ...now, placement: { ...ofSide(now.placement, side), x, y, angle } });
  }

  #pictureOf(now: Placed | null): Rgb8 {
    const { photo } = this.place.source;
    return now ? over(photo, placed(now.object, now.placement, photo)) : photo;
  }

  #push(now: Placed | null): void {
    this.#history.push(now);
    this.#show();
  }

  #show(): void {
    this.#results.work();
    this.#make();
    this.#describe();
    this.place.stage.redraw();
  }

  #make(): void {
    const { place } = this;
    const [now, seed] = [this.#history.now, this.#work.seed];
    const object = now && placed(now.object, now.placement, place.source.photo);
    const request = object && opaquePart(object.alpha).data.includes(1) ? { object, seed, steps: this.#results.steps } : null;
    const own = this.#pictureOf(now);
    this.#results.make(own, seed, request && ((onReply) => place.run("harmonize", request, onReply)));
  }

  #showFields({ x, y, angle, ...size }: Placement): void {
    for (const [i, value] of [x, y, sideOf(size), angle].entries()) this.#fields[i]!.value = String(Math.round(value));
  }

  #describe(): void {
    const { cut: cutButton, whole, undo, redo, remove, more } = this.#buttons;
    const now = this.#history.now;
    if (now) this.#showFields(now.placement);
    else for (const field of this.#fields) field.value = "";
    this.#fieldset.disabled = remove.disabled = more.disabled = now === null;
    cutButton.disabled = whole.disabled = this.#work.loaded === null;
    undo.disabled = !this.#history.canUndo;
    redo.disabled = !this.#history.canRedo;
    const isInside = now && opaquePart(placed(now.object, now.placement, this.place.source.photo).alpha).data.includes(1);
    this.#hint.textContent = HINTS[this.#isCutting ? "cutting" : now ? (isInside ? "placed" : "outside") : "none"];
  }
}
