// The panels that look into a model: how it judges, how a picture grows, and what goes wrong.

import type { Rgb } from "../../image/planes.ts";
import { byId, showPicture } from "../dom.ts";
import type { GrowReply, JudgeReply } from "../features/explain/messages.ts";
import { overlaid, rangeOf, rgbOf } from "../features/explain/overlay.ts";
import type { ModelSource, Place } from "../features/feature.ts";
import { sizeText } from "../features/sample/tool.ts";
import type { Growth } from "./growth.ts";

/** The picture that the panels begin with. */
const SEED = 0;

/** A colour of the page's theme. */
const themeColour = (name: string): Rgb => rgbOf(getComputedStyle(document.documentElement).getPropertyValue(name).trim());

export class JudgePanel {
  readonly #scale = byId("how-judge-scale", HTMLInputElement);
  readonly #hint = byId("how-judge-hint", HTMLElement);
  #known = new Map<number, JudgeReply>();
  #source: ModelSource | null = null;
  #run: Place["run"] | null = null;

  constructor() {
    this.#scale.addEventListener("input", () => void this.#judge());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  show(source: ModelSource, run: Place["run"]): void {
    this.#source = source;
    this.#run = run;
    this.#known = new Map();
    this.#scale.max = String(source.scales);
    this.#scale.value = this.#scale.max;
    void this.#judge();
  }

  async #judge(): Promise<void> {
    const [scale, known] = [Number(this.#scale.value) - 1, this.#known];
    if (known.has(scale)) return this.#draw();
    this.#hint.textContent = "Judging …";
    const isDone = await this.#run!("judge", { scale, seed: SEED }, (reply) => known.set(scale, reply));
    if (known !== this.#known || scale !== Number(this.#scale.value) - 1) return;
    if (isDone) this.#draw();
    else this.#hint.textContent = "This could not be computed. Move the slider to try again.";
  }

  /** What is known of the chosen scale. */
  #draw(): void {
    const reply = this.#known.get(Number(this.#scale.value) - 1);
    if (!reply || !this.#source) return;
    const { photo, sample } = reply;
    const range = rangeOf([photo.scores, sample.scores]);
    const colours = { low: themeColour("--d-fake"), high: themeColour("--d-real") };
    showPicture(byId("how-judge-photo", HTMLCanvasElement), photo.picture);
    showPicture(byId("how-judge-sample", HTMLCanvasElement), sample.picture);
    showPicture(byId("how-photo-scores", HTMLCanvasElement), overlaid(photo, range, colours));
    showPicture(byId("how-sample-scores", HTMLCanvasElement), overlaid(sample, range, colours));
    const { scales, isSingan } = this.#source;
    this.#hint.textContent = isSingan
      ? `Scale ${this.#scale.value} of ${scales}, ${sizeText(photo.picture)}, picture ${SEED}.`
      : `Picture ${SEED}, ${sizeText(photo.picture)}. This kind of model keeps the discriminator of its last scale only.`;
  }
}

export class GrowthPanel {
  readonly #count = byId("how-steps", HTMLInputElement);
  readonly #hint = byId("how-steps-hint", HTMLElement);
  #source: ModelSource | null = null;
  #growth: Growth | null = null;
  #seed = SEED;

  constructor() {
    this.#count.addEventListener("input", () => this.#draw());
    byId("how-another", HTMLButtonElement).addEventListener("click", () => {
      this.#seed++;
      this.#draw();
    });
  }

  show(source: ModelSource, growth: Growth): void {
    this.#source = source;
    this.#growth = growth;
    this.#seed = SEED;
    this.#count.max = String(source.scales);
    this.#count.value = this.#count.max;
    this.#draw();
  }

  /** There is another step of a picture; it may be of another model than this panel shows. */
  update(growth: Growth): void {
    if (growth === this.#growth) this.#draw();
  }

  /** Shows the chosen step, or computes it. */
  #draw(): void {
    if (!this.#source || !this.#growth) return;
    this.#growth.want(this.#seed);
    const count = Number(this.#count.value);
    const step = this.#growth.steps[count - 1];
    this.#hint.textContent = step ? textOf(step, count, this.#source.scales, this.#seed) : "The picture grows …";
    if (!step) return;
    showPicture(byId("how-noise", HTMLCanvasElement), step.noise);
    showPicture(byId("how-step", HTMLCanvasElement), step.picture);
  }
}

function textOf({ picture, strength }: GrowReply, count: number, all: number, seed: number): string {
  const noise =
    count === 1 ? "It began as noise" : `Noise was added, at ${(100 * strength).toPrecision(2)} % of the strength shown`;
  return `Picture ${seed} after ${count} of ${all} scales, ${sizeText(picture)}. ${noise}.`;
}

export class LimitsPanel {
  show({ photo, scales }: ModelSource, growth: Growth): void {
    if (!growth.isWanted) growth.want(SEED);
    showPicture(byId("how-limits-photo", HTMLCanvasElement), photo);
    const last = growth.steps[scales - 1];
    if (last) showPicture(byId("how-limits-picture", HTMLCanvasElement), last.picture);
  }
}
