// The tool Enlarge: the photo several times larger, with details from its model, compared on the stage with a plain enlargement.

import type { Rgb8 } from "../../../image/planes.ts";
import type { Point } from "../../../image/region.ts";
import { SMALLEST_FACTOR, srSize } from "../../../singan/generation/applications/super-resolution.ts";
import { byId, showPicture } from "../../dom.ts";
import { type ModelSource, type Place, SAMPLES_ONLY, type Tool } from "../feature.ts";
import { ProgressLine } from "../progress-line.ts";
import { sizeText } from "../sample/tool.ts";
import { isChecked, valuesOf } from "../values.ts";
import { enlargedNames, largestFactor } from "./factor.ts";
import type { EnlargeReply, EnlargeRequest } from "./messages.ts";

/** The picture is made when no field has changed for so long. */
const SETTLE_MS = 400;
/** Frames of the strip. */
const [AFTER, BEFORE] = [0, 1];
const HELP = "Left and right arrow keys move the line between before and after.";
/** The line's widths: dark around bright, so that it is seen on every picture, in pixels of the screen. */
const LINE = [
  { width: 4, colour: "#000a" },
  { width: 2, colour: "#fff" },
] as const;
const HANDLE_RADIUS = 9;
/** Not all browsers tell it. */
const MEMORY_GIB = (navigator as { readonly deviceMemory?: number }).deviceMemory;

export const enlargeTool: Tool = {
  id: "enlarge",
  label: "Enlarge",
  icon: "M4 14v6h6M20 10V4h-6M4 20l7-7M20 4l-7 7",
  refusal: (source) => {
    if (source.kind === "photo")
      return "Enlarge needs a trained model: instant pictures rearrange pieces of the photo, and no piece has finer details than the photo.";
    if (!source.isSingan) return SAMPLES_ONLY;
    if (source.scales < source.sizes.length) return "Enlarge needs all scales of the model: its training is not finished.";
    return largestFactor(source.photo, MEMORY_GIB) < SMALLEST_FACTOR ? "The model's photo is too large to be enlarged." : null;
  },
  settings: () => ({
    ...valuesOf({ number: "enlarge-seed", factor: "enlarge-factor", split: "split" }),
    ...(!isChecked("enlarge-noise") && { details: "none" }),
  }),
  open: (place) => new Enlarge(place, place.source as ModelSource).end,
};

class Enlarge {
  readonly #form = byId("enlarge-form", HTMLFormElement);
  readonly #factor = byId("enlarge-factor", HTMLInputElement);
  readonly #noise = byId("enlarge-noise", HTMLInputElement);
  readonly #seed = byId("enlarge-seed", HTMLInputElement);
  readonly #split = byId("split", HTMLInputElement);
  readonly #progress = new ProgressLine(byId("enlarge-progress", HTMLElement));
  /** Lies over the stage's picture. */
  readonly #before = document.createElement("canvas");
  readonly #detach: () => void;
  #request: EnlargeRequest | null = null;
  #pictures: { before?: Rgb8; after?: Rgb8 } = {};
  #settling: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly place: Place,
    private readonly source: ModelSource,
  ) {
    this.#factor.max = String(largestFactor(source.photo, MEMORY_GIB));
    byId("train-enlarging", HTMLButtonElement).addEventListener("click", () => place.train({ isForEnlarging: true }));
    const { number, factor, details, split } = place.settings;
    this.#split.value = split ?? this.#split.value;
    this.#seed.value = number ?? "0";
    this.#factor.value = factor ?? this.#factor.value;
    this.#noise.checked = details !== "none";
    if (Number(this.#factor.max) < Number(this.#factor.value)) this.#factor.value = this.#factor.max;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      clearTimeout(this.#settling);
      this.#make();
    });
    for (const field of [this.#factor, this.#noise, this.#seed]) {
      field.addEventListener("input", () => {
        this.#describe();
        clearTimeout(this.#settling);
        this.#settling = setTimeout(() => this.#form.checkValidity() && this.#make(), SETTLE_MS);
      });
      field.addEventListener("change", () => field.reportValidity());
    }
    this.#split.addEventListener("input", () => this.#showSplit());
    Object.assign(this.#before, { id: "before", hidden: true, ariaHidden: "true" });
    byId("picture", HTMLElement).after(this.#before);
    this.#detach = place.stage.attach(
      {
        down: (point) => this.#drag(point),
        move: (point, isDown) => isDown && this.#drag(point),
        key: ({ key }) => this.#onKey(key),
        show: (picture) => this.#compare(picture === this.#pictures.after),
        draw: (context, onePixel) => this.#draw(context, onePixel),
      },
      HELP,
    );
    this.#describe();
    this.#showSplit();
    this.#make();
  }

  readonly end = (): void => {
    clearTimeout(this.#settling);
    this.#before.remove();
    this.#detach();
  };

  #make(): void {
    const { strip, say } = this.place;
    const request: EnlargeRequest = {
      factor: Number(this.#factor.value),
      seed: Number(this.#seed.value),
      noise: this.#noise.checked ? "random" : "none",
    };
    this.#request = request;
    this.#pictures = {};
    this.#compare(false);
    strip.expect([`${request.factor}× larger`, "Before"], this.source.photo);
    strip.choose(BEFORE);
    this.#progress.start("Enlarging …", () => this.place.cancel("enlarge"));
    void this.place
      .run("enlarge", request, (reply) => this.#take(request, reply))
      .then((isDone) => {
        if (this.#request !== request) return; // replaced by a newer one
        this.#progress.end(isDone ? "" : "Not enlarged.");
        if (isDone) say(`${this.source.name} is ${request.factor} times larger.`);
      });
  }

  #take(request: EnlargeRequest, reply: EnlargeReply): void {
    const { strip } = this.place;
    if (reply.kind === "share") {
      this.#progress.show(reply.share, `${Math.floor(100 * reply.share)} % done`);
      return;
    }
    const { kind, picture } = reply;
    const { factor, seed, noise } = request;
    const [after, before] = enlargedNames(this.source.name, request);
    this.#pictures[kind] = picture;
    if (kind === "before") {
      showPicture(this.#before, picture);
      const details = `Before: the photo enlarged ${factor} times without a model (bicubic), ${sizeText(picture)}.`;
      strip.put(BEFORE, { picture, label: "Before", details, file: `${before}.png` });
      return;
    }
    const isWaiting = strip.selected?.picture === this.#pictures.before;
    const made = noise === "none" ? "without random details" : `picture ${seed}`;
    const details = `${factor} times larger, ${made}, ${sizeText(picture)}.`;
    strip.put(AFTER, { picture, label: `${factor}× larger`, details, file: `${after}.png` });
    if (isWaiting) strip.choose(AFTER);
  }

  // ---- before and after

  #compare(isCompared: boolean): void {
    this.#before.hidden = !isCompared;
    this.#split.disabled = !isCompared;
  }

  #drag({ x }: Point): void {
    const { after } = this.#pictures;
    if (!after || this.#before.hidden) return;
    this.#split.value = String((100 * x) / after.width);
    this.#showSplit();
  }

  #onKey(key: string): boolean {
    if (this.#before.hidden || (key !== "ArrowLeft" && key !== "ArrowRight")) return false;
    if (key === "ArrowLeft") this.#split.stepDown(2);
    else this.#split.stepUp(2);
    this.#showSplit();
    return true;
  }

  #showSplit(): void {
    const { value } = this.#split;
    this.#before.style.setProperty("--split", `${value}%`);
    this.#split.ariaValueText = `${value} % before, ${100 - Number(value)} % after`;
    this.place.stage.redraw();
  }

  /** The line with its handle. */
  #draw(context: CanvasRenderingContext2D, onePixel: number): void {
    const { after } = this.#pictures;
    if (!after || this.#before.hidden) return;
    const x = (Number(this.#split.value) / 100) * after.width;
    for (const { width, colour } of LINE) {
      context.lineWidth = width * onePixel;
      context.strokeStyle = colour;
      context.beginPath();
      context.moveTo(x, 0);
      context.lineTo(x, after.height);
      context.moveTo(x + HANDLE_RADIUS * onePixel, after.height / 2);
      context.arc(x, after.height / 2, HANDLE_RADIUS * onePixel, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  #describe(): void {
    const { photo } = this.source;
    const hint = byId("enlarge-size", HTMLElement);
    if (this.#factor.validity.valid)
      hint.textContent =
        `${sizeText(photo)} become ${sizeText(srSize(photo, Number(this.#factor.value)))}. ` +
        `Up to ${this.#factor.max} times are possible here: ${sizeText(srSize(photo, Number(this.#factor.max)))}.`;
    else hint.textContent = `From ${SMALLEST_FACTOR} to ${this.#factor.max}.`;
    this.#seed.disabled = !this.#noise.checked;
  }
}
