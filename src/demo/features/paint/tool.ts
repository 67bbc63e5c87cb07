// The tool Paint: the visitor draws, and each stroke becomes pictures like the photo, from every start scale.

import { blank, isSameSize, type Rgb8, type Size, toPlanes, toRgb8 } from "../../../image/planes.ts";
import type { Point } from "../../../image/region.ts";
import { imresizeTo } from "../../../image/resample.ts";
import { isStretched } from "../../../singan/generation/applications/inject.ts";
import { byId } from "../../dom.ts";
import { loadOwn } from "../../photo.ts";
import { type Place, SAMPLES_ONLY, type Source, type Tool } from "../feature.ts";
import { History } from "../history.ts";
import { sizeText } from "../sample/tool.ts";
import { valuesOf } from "../values.ts";
import { brush } from "./brush.ts";
import { BrushControls } from "./brush-controls.ts";
import { isLive } from "./live.ts";
import type { PaintReply } from "./messages.ts";
import { underpaintingOf } from "./underpainting.ts";

/** How much may change of a painting, for photos without a model. */
const FREEDOMS = [0.9, 0.75, 0.6, 0.45, 0.3] as const;
const UNDO_BYTES = 64 * 2 ** 20;
const HELP = "The digits choose a colour, E the eraser, brackets the size of the brush. Control Z undoes.";

/** What was painted last, by the source's id: it outlives a look at another tool, and the next scale of a training. */
const kept = new Map<string, Work>();

export const paintTool: Tool = {
  id: "paint",
  isSplit: true,
  label: "Paint",
  icon: "M4 20c3 0 5-1 5-4a2.5 2.5 0 0 0-5 0c0 2-1 3-2 3 0 1 1 1 2 1zM9 13 19 3l2 2L11 15",
  refusal: (source) => {
    if (source.kind === "photo") return null;
    if (!source.isSingan) return SAMPLES_ONLY;
    return source.scales < 2 ? "A model needs two finished scales to be painted into." : null;
  },
  settings: () => ({
    ...valuesOf({ brush: "brush-size", colour: "own-colour" }),
    ink: new FormData(byId("paint-form", HTMLFormElement)).get("ink") as string,
  }),
  hasWork: ({ id }) => kept.get(id)?.history.canUndo ?? false,
  open: (place) => {
    const tool = new Paint(place, kept.get(place.source.id));
    kept.clear();
    kept.set(place.source.id, tool.work);
    return tool.end;
  },
};

/** What can be undone. */
interface State {
  readonly painting: Rgb8;
  /** What the eraser brings back. */
  readonly start: Rgb8;
  readonly name: string;
}

interface Work {
  readonly history: History<State>;
  /** Of the pictures that are made of the painting. */
  seed: number;
}

interface Stroke {
  readonly painting: Rgb8;
  last: Point;
}

class Paint {
  readonly work: Work;
  readonly #brush: BrushControls;
  readonly #buttons = {
    undo: byId("paint-undo", HTMLButtonElement),
    redo: byId("paint-redo", HTMLButtonElement),
    clear: byId("paint-clear", HTMLButtonElement),
    again: byId("paint-again", HTMLButtonElement),
  };
  readonly #starts: readonly number[];
  readonly #detach: () => void;
  #stroke: Stroke | null = null;
  /** Where the brush is; null where it is not on the stage. */
  #pointer: Point | null = null;
  #isEnded = false;
  /** Says where to draw until something is drawn. It lies on the stage. */
  readonly #invitation = document.createElement("p");
  /** The picture that the visitor wants to see large, in the list of starts: at first the one that is most like the photo. */
  #wanted = 0;
  /** How long the last pictures took, all together. */
  #tookMs = Number.POSITIVE_INFINITY;
  /** The painting that pictures are being made of. */
  #running: Rgb8 | null = null;
  #isShown = true;

  constructor(
    private readonly place: Place,
    earlier: Work | undefined,
  ) {
    const { source, stage } = place;
    this.#starts = startsOf(source);
    const { photo } = source;
    const start = underpaintingOf(photo);
    const before = earlier?.history.now;
    const first = before ? fitted(before, photo) : { painting: start, start, name: "painting" };
    const isSame = earlier !== undefined && first === before;
    const history = isSame ? earlier.history : new History(first, (states) => bytesOf(states) <= UNDO_BYTES);
    this.work = { history, seed: earlier?.seed ?? 0 };
    byId("paint-hint", HTMLElement).textContent =
      source.kind === "model"
        ? "Draw on the picture. When you lift the brush, the model turns your painting into pictures like the photo: scale 1 changes most, the last one least."
        : "Draw on the picture. When you lift the brush, your painting is put together anew from pieces of the photo, with much change or with little.";
    this.#brush = new BrushControls(place);
    this.#connect();
    this.#detach = stage.attach(
      {
        down: (point, event) => this.#down(point, event),
        move: (point, isDown) => this.#move(point, isDown),
        up: () => this.#up(),
        cancel: () => this.#cancel(),
        leave: () => {
          this.#pointer = null;
        },
        key: (event) => this.#brush.key(event),
        undo: () => this.#step("undo"),
        redo: () => this.#step("redo"),
        draw: (context, onePixel) => this.#pointer && this.#brush.draw(context, onePixel, this.#pointer),
      },
      HELP,
    );
    Object.assign(this.#invitation, { id: "paint-invitation", textContent: "Draw here", ariaHidden: "true" });
    byId("stage", HTMLElement).append(this.#invitation);
    place.strip.onFrame = (index) => {
      if (index > 0) this.#wanted = index - 1;
    };
    this.#showAndMake();
  }

  readonly end = (): void => {
    this.#isEnded = true;
    this.#invitation.remove();
    this.#detach();
  };

  #connect(): void {
    const { photo } = this.place.source;
    const { undo, redo, clear, again } = this.#buttons;
    undo.addEventListener("click", () => this.#step("undo"));
    redo.addEventListener("click", () => this.#step("redo"));
    clear.addEventListener("click", () => this.#change({ painting: this.#history.now.start }));
    again.addEventListener("click", () => {
      this.work.seed = (this.work.seed + 1) % 2 ** 32;
      this.#renew();
      void this.#make(this.#history.now.painting);
    });
    const begin = (start: Rgb8, name = "painting"): void => this.#change({ painting: start, start, name });
    byId("paint-blurred", HTMLButtonElement).addEventListener("click", () => begin(underpaintingOf(photo)));
    byId("paint-empty", HTMLButtonElement).addEventListener("click", () =>
      begin(blank(photo.width, photo.height, this.#brush.paper)),
    );
    byId("paint-photo", HTMLButtonElement).addEventListener("click", () => begin(photo));
    const file = byId("paint-file", HTMLInputElement);
    file.addEventListener("change", () => {
      const [chosen] = file.files ?? [];
      file.value = "";
      if (chosen) void this.#open(chosen).then((found) => found && !this.#isEnded && begin(found.picture, found.name));
    });
  }

  /** A picture of the photo's size; null where the file is none, which the visitor is told. */
  async #open(file: File): Promise<{ readonly picture: Rgb8; readonly name: string } | null> {
    const { source, showError, say } = this.place;
    try {
      showError(null);
      const { name, picture } = await loadOwn(file);
      if (isStretched(picture, source.photo)) say(`${name} is stretched to ${sizeText(source.photo)}.`);
      return { name, picture: resized(picture, source.photo) };
    } catch (error) {
      showError((error as Error).message);
      return null;
    }
  }

  get #history(): History<State> {
    return this.work.history;
  }

  // ---- strokes

  #down(point: Point, event: PointerEvent | KeyboardEvent): void {
    const { width, height, data } = this.#history.now.painting;
    if (!this.place.isSplit) this.place.strip.choose(0);
    this.#invitation.hidden = true;
    this.#stroke = { painting: { width, height, data: data.slice() }, last: point };
    this.#move(point, true);
    if (event instanceof KeyboardEvent) this.place.say("The brush is down.");
  }

  #move(point: Point, isDown: boolean): void {
    this.#pointer = point;
    const stroke = this.#stroke;
    if (!stroke || !isDown) return;
    brush(stroke.painting, stroke.last, point, this.#brush.size, this.#brush.ink(this.#history.now.start));
    stroke.last = point;
    if (!this.#isShown) return;
    this.#isShown = false;
    requestAnimationFrame(() => {
      this.#isShown = true;
      this.#showStroke();
    });
  }

  #showStroke(): void {
    const painting = this.#stroke?.painting;
    if (!painting || this.#isEnded) return;
    this.place.stage.show(painting, "Your painting");
    if (isLive(this.#tookMs, this.#running !== null)) void this.#make({ ...painting, data: painting.data.slice() });
  }

  #up(): void {
    const painting = this.#stroke?.painting;
    this.#stroke = null;
    if (painting) this.#change({ painting });
  }

  #cancel(): void {
    this.#stroke = null;
    this.#pointer = null;
    this.place.stage.show(this.#history.now.painting, "Your painting");
    this.#invitation.hidden = this.#history.canUndo;
  }

  #step(way: "undo" | "redo"): void {
    if (this.#history[way]()) this.#showAndMake();
  }

  #change(change: Partial<State>): void {
    this.#history.push({ ...this.#history.now, ...change });
    this.#showAndMake();
  }

  #showAndMake(): void {
    this.#showPainting();
    void this.#make(this.#history.now.painting);
  }

  // ---- the strip

  /** The painting as it is now, and frames for its pictures; those that are there stay until their successors come. */
  #renew(): void {
    const { strip, source } = this.place;
    strip.expect(["Painting", ...this.#starts.map((start) => labelOf(source, start))], source.photo, true);
    const { painting, name } = this.#history.now;
    strip.put(0, {
      picture: painting,
      label: "Painting",
      details: this.#history.canUndo ? "Your painting. The row below shows what becomes of it." : "Draw here.",
      file: `${name}.png`,
      isOwn: true,
    });
  }

  #showPainting(): void {
    this.#renew();
    this.place.strip.choose(0);
    if (this.place.isSplit) this.place.strip.choose(1 + this.#wanted);
    const { painting, start } = this.#history.now;
    this.#invitation.hidden = this.#history.canUndo;
    this.#buttons.undo.disabled = !this.#history.canUndo;
    this.#buttons.redo.disabled = !this.#history.canRedo;
    this.#buttons.clear.disabled = painting === start;
  }

  async #make(painting: Rgb8): Promise<void> {
    const { say, run } = this.place;
    const began = performance.now();
    this.#running = painting;
    const isUnderway = this.#stroke !== null;
    this.#buttons.again.disabled = false;
    const request = { painting, seed: this.work.seed, starts: this.#starts };
    const isDone = await run("paint", request, (reply) => this.#put(reply));
    if (this.#running !== painting || this.#isEnded) return;
    this.#running = null;
    if (!isDone) return;
    this.#tookMs = performance.now() - began;
    if (!isUnderway) say(`${this.#starts.length} pictures of your painting are ready.`);
    else if (this.#stroke) this.#showStroke();
  }

  #put({ index, picture }: PaintReply): void {
    const { source, strip } = this.place;
    const start = this.#starts[index]!;
    const { name } = this.#history.now;
    const isModel = source.kind === "model";
    const seed = this.work.seed > 0 ? `, number ${this.work.seed}` : "";
    const back = this.place.isSplit ? "" : " Drawing goes on with your painting, not with this picture.";
    strip.put(index + 1, {
      picture,
      label: labelOf(source, start),
      details: `${labelOf(source, start)}${seed}, ${sizeText(picture)}.${back}`,
      file: isModel ? `${name}-scale${start}.png` : `${name}-instant-freedom-${start}.png`,
    });
  }
}

const startsOf = (source: Source): readonly number[] =>
  source.kind === "model" ? Array.from({ length: source.scales - 1 }, (_, i) => i + 1) : FREEDOMS;

const labelOf = (source: Source, start: number): string =>
  source.kind === "model" ? `Scale ${start} of ${source.scales - 1}` : `Change ${Math.round(100 * start)} %`;

const resized = (picture: Rgb8, size: Size): Rgb8 =>
  isSameSize(picture, size) ? picture : toRgb8(imresizeTo(toPlanes(picture), size));

/** At a size; the same where it has that. */
function fitted(state: State, size: Size): State {
  const { painting, start, name } = state;
  if (isSameSize(painting, size)) return state;
  const first = resized(start, size);
  return { painting: painting === start ? first : resized(painting, size), start: first, name };
}

/** Of all pictures in these states; many states share one. */
function bytesOf(states: readonly State[]): number {
  const pictures = new Set(states.flatMap(({ painting, start }) => [painting, start]));
  return [...pictures].reduce((sum, { data }) => sum + data.byteLength, 0);
}
