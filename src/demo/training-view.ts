// The training area: the live sample, finished scales as a staircase, progress and losses.

import type { Rgb8 } from "../image/planes.ts";
import { PRESETS } from "../singan/model/config.ts";
import { Chart, SERIES } from "./chart.ts";
import { about, byId, canvasOf, showPicture } from "./dom.ts";
import { narrationOf } from "./narration.ts";
import type { Pictures, Plan, Progress } from "./protocol.ts";

/** Least interval between pictures for visitors who prefer reduced motion. */
const REDUCED_MOTION_MS = 4000;
/** Height of the staircase's last step, px, and the least of any. */
const [HIGHEST_PX, LOWEST_PX] = [96, 24];

const BEFORE = "A training begins with tiny pictures, and adds finer details step by step.";

const [NEWEST, EMPTY] = ["The newest sample", "The pictures of the training appear here."];

/** A step of the staircase. */
interface Step {
  readonly button: HTMLButtonElement;
  readonly pictures: Pictures;
  readonly caption: string;
}

interface Live extends Pictures {
  readonly judged?: Rgb8 | undefined;
}

export class TrainingView {
  readonly #chart = new Chart(byId("chart", HTMLCanvasElement));
  readonly #area = byId("training", HTMLElement);
  readonly #progress = byId("progress", HTMLProgressElement);
  readonly #narration = byId("narration", HTMLElement);
  readonly #plan = byId("plan", HTMLElement);
  readonly #details = byId("details", HTMLElement);
  readonly #scales = byId("scales", HTMLOListElement);
  readonly #real = byId("real", HTMLCanvasElement);
  readonly #reconstruction = byId("reconstruction", HTMLCanvasElement);
  readonly #sample = byId("preview", HTMLCanvasElement);
  readonly #caption = byId("preview-caption", HTMLElement);
  readonly #showLive = byId("show-live", HTMLButtonElement);
  readonly #judge = byId("judge", HTMLInputElement);
  readonly #legend = byId("judge-legend", HTMLElement);
  readonly #values = new Map(SERIES.map(({ key }) => [key, document.createElement("span")]));
  readonly #prefersReducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
  #shownAt = Number.NEGATIVE_INFINITY;
  #sizes: Plan["sizes"] = [];
  #scale = -1;
  #steps: Step[] = [];
  /** The finished scale that is shown large; null shows the live sample. */
  #selected: Step | null = null;
  #live: Live | null = null;

  /** `onJudge` is called where the visitor wants the discriminator's judgement, or does not any more. */
  constructor(onJudge: (isWanted: boolean) => void) {
    const legend = SERIES.map(({ key, label, colour }) => {
      const [item, swatch] = [document.createElement("li"), document.createElement("i")];
      swatch.style.background = `var(${colour})`;
      item.append(swatch, `${label} `, this.#values.get(key)!);
      return item;
    });
    byId("legend", HTMLUListElement).append(...legend);
    this.#showLive.addEventListener("click", () => {
      this.#select(null);
      this.#sample.parentElement?.focus({ preventScroll: true });
    });
    this.#judge.addEventListener("change", () => {
      this.#select(null);
      onJudge(this.wantsJudgement);
    });
    this.#narration.textContent = BEFORE;
  }

  get wantsJudgement(): boolean {
    return this.#judge.checked;
  }

  enableJudgement(isPossible: boolean): void {
    this.#judge.disabled = !isPossible;
  }

  /** Shows the chosen photo before a training, and nothing of an earlier one. */
  showPhoto(picture: Rgb8): void {
    this.#clear();
    this.#plan.textContent = "";
    this.#narration.textContent = BEFORE;
    this.#area.style.setProperty("--shape", `${picture.width} / ${picture.height}`);
    showPicture(this.#real, picture);
  }

  /** Clears the area at the start of a training, and shows its plan. */
  begin({ sizes, options, forecastSeconds, preset, isPicked }: Plan): void {
    this.#clear();
    this.#sizes = sizes;
    const { width, height } = sizes.at(-1)!;
    const forecast = forecastSeconds === null ? "" : ` Forecast: ${about(forecastSeconds)}.`;
    const isChanged = (["maxSize", "iterations", "channels"] as const).some((name) => options[name] !== PRESETS[preset][name]);
    const origin = isPicked ? `Auto picked “${preset}”` : isChanged ? "Your settings" : `Preset “${preset}”`;
    this.#plan.textContent =
      `${origin}: ${sizes.length} ${sizes.length === 1 ? "scale" : "scales"} up to ` +
      `${width}×${height} px, ${options.iterations} iterations each, ${options.channels} channels.${forecast}`;
    this.#chart.clear(options.iterations);
    this.#narrate(0);
  }

  #clear(): void {
    this.#progress.value = 0;
    delete this.#details.dataset["filled"];
    this.#chart.clear(1);
    for (const value of this.#values.values()) value.textContent = "";
    for (const canvas of [this.#reconstruction, this.#sample]) delete canvas.dataset["filled"];
    this.#scales.replaceChildren();
    this.#steps = [];
    this.#live = null;
    this.#scale = -1;
    this.#shownAt = Number.NEGATIVE_INFINITY;
    this.#select(null);
  }

  showProgress({ scale, iteration, losses, work }: Progress): void {
    this.#progress.value = work.done / work.total;
    this.#details.dataset["filled"] = "";
    this.#chart.add(scale, iteration, losses);
    for (const [key, value] of this.#values) value.textContent = losses[key].toPrecision(3);
    this.#narrate(scale);
  }

  #narrate(scale: number): void {
    if (scale === this.#scale) return;
    this.#scale = scale;
    this.#narration.textContent = narrationOf(scale, this.#sizes);
  }

  /** The training is over: says what it has learnt. */
  end(isComplete: boolean): void {
    this.#narration.textContent = isComplete ? "It has learnt everything from the layout to the finest details." : "";
    this.#judge.checked = false; // there is nothing to judge any more
    this.#show();
  }

  /** Shows the current pictures. With reduced motion it skips most of them, but never those of a finished scale (`isEnd`). */
  showPictures(live: Live, isEnd = false): void {
    const now = performance.now();
    if (!isEnd && this.#prefersReducedMotion.matches && now < this.#shownAt + REDUCED_MOTION_MS) return;
    this.#shownAt = now;
    this.#live = live;
    if (!this.#selected) this.#show();
  }

  #select(step: Step | null): void {
    this.#selected = step;
    for (const one of this.#steps) one.button.ariaPressed = String(one === step);
    this.#show();
  }

  /** Shows what is selected: a finished scale, or what is in training. */
  #show(): void {
    const { pictures, caption } = this.#selected ?? { pictures: this.#live, caption: this.#live ? NEWEST : EMPTY };
    const isJudged = !this.#selected && this.wantsJudgement;
    this.#showLive.hidden = this.#selected === null;
    this.#legend.hidden = !isJudged;
    this.#caption.textContent = caption;
    if (!pictures) return;
    showPicture(this.#real, pictures.real);
    showPicture(this.#reconstruction, pictures.reconstruction);
    showPicture(this.#sample, (isJudged && this.#live?.judged) || pictures.sample);
    this.#sample.ariaLabel =
      isJudged && this.#live?.judged ? "Random sample, coloured by the judge" : `Random sample: ${caption}`;
  }

  addScale(scale: number, pictures: Pictures): void {
    const { width, height } = pictures.sample;
    const caption = `${scale + 1} · ${width}×${height}`;
    const [item, button] = [document.createElement("li"), document.createElement("button")];
    button.type = "button";
    button.ariaPressed = "false";
    const canvas = canvasOf(pictures.sample, "Sample of scale");
    canvas.style.height = `${Math.max(LOWEST_PX, Math.round((HIGHEST_PX * height) / this.#sizes.at(-1)!.height))}px`;
    button.append(canvas, caption);
    item.append(button);
    const step = { button, pictures, caption: `Scale ${caption} px` };
    this.#steps.push(step);
    button.addEventListener("click", () => this.#select(this.#selected === step ? null : step));
    this.#scales.append(item);
  }

  describeLosses(): void {
    const values = SERIES.map(({ key, label }) => `${label} ${this.#values.get(key)!.textContent}`);
    byId("chart", HTMLCanvasElement).ariaLabel = `Loss curves; now: ${values.join(", ")}`;
  }
}
