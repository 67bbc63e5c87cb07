// The training area: progress, current pictures, finished scales and losses.

import type { Rgb8 } from "../image/planes.ts";
import { PRESETS } from "../singan/model/config.ts";
import { Chart, SERIES } from "./chart.ts";
import { about, byId, canvasOf, showPicture } from "./dom.ts";
import type { Pictures, Plan, Progress } from "./protocol.ts";

/** Least interval between pictures for visitors who prefer reduced motion. */
const REDUCED_MOTION_MS = 4000;

export class TrainingView {
  readonly #chart = new Chart(byId("chart", HTMLCanvasElement));
  readonly #progress = byId("progress", HTMLProgressElement);
  readonly #plan = byId("plan", HTMLElement);
  readonly #scales = byId("scales", HTMLOListElement);
  readonly #details = byId("details", HTMLElement);
  readonly #real = byId("real", HTMLCanvasElement);
  readonly #reconstruction = byId("reconstruction", HTMLCanvasElement);
  readonly #sample = byId("preview", HTMLCanvasElement);
  readonly #values = new Map(SERIES.map(({ key }) => [key, document.createElement("span")]));
  readonly #prefersReducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
  #shownAt = Number.NEGATIVE_INFINITY;

  constructor() {
    const legend = SERIES.map(({ key, label, colour }) => {
      const [item, swatch] = [document.createElement("li"), document.createElement("i")];
      swatch.style.background = `var(${colour})`;
      item.append(swatch, `${label} `, this.#values.get(key)!);
      return item;
    });
    byId("legend", HTMLUListElement).append(...legend);
  }

  /** Shows the chosen photo before a training, and nothing of an earlier one. */
  showPhoto(picture: Rgb8): void {
    this.#plan.textContent = "";
    this.#progress.value = 0;
    this.#details.hidden = true;
    byId("training", HTMLElement).style.setProperty("--shape", `${picture.width} / ${picture.height}`);
    showPicture(this.#real, picture);
    this.#clearPictures();
  }

  #clearPictures(): void {
    for (const canvas of [this.#reconstruction, this.#sample]) delete canvas.dataset["filled"];
  }

  /** Clears the area at the start of a training, and shows its plan. */
  begin({ sizes, options, forecastSeconds, preset, isPicked }: Plan): void {
    const { width, height } = sizes.at(-1)!;
    const forecast = forecastSeconds === null ? "" : ` Forecast: ${about(forecastSeconds)}.`;
    const isChanged = (["maxSize", "iterations", "channels"] as const).some((name) => options[name] !== PRESETS[preset][name]);
    const origin = isPicked ? `Auto picked “${preset}”` : isChanged ? "Your settings" : `Preset “${preset}”`;
    this.#plan.textContent =
      `${origin}: ${sizes.length} ${sizes.length === 1 ? "scale" : "scales"} up to ` +
      `${width}×${height} px, ${options.iterations} iterations each, ${options.channels} channels.${forecast}`;
    this.#chart.clear(options.iterations);
    this.#progress.value = 0;
    this.#scales.replaceChildren();
    this.#details.hidden = false;
    this.#clearPictures();
    for (const value of this.#values.values()) value.textContent = "";
  }

  showProgress({ scale, iteration, losses, work }: Progress): void {
    this.#progress.value = work.done / work.total;
    this.#chart.add(scale, iteration, losses);
    for (const [key, value] of this.#values) value.textContent = losses[key].toPrecision(3);
  }

  /** Shows the current pictures. With reduced motion it skips most of them, but never those of a finished scale (`isEnd`). */
  showPictures({ real, reconstruction, sample }: Pictures, isEnd = false): void {
    const now = performance.now();
    if (!isEnd && this.#prefersReducedMotion.matches && now < this.#shownAt + REDUCED_MOTION_MS) return;
    this.#shownAt = now;
    showPicture(this.#real, real);
    showPicture(this.#reconstruction, reconstruction);
    showPicture(this.#sample, sample);
  }

  addScale(scale: number, { real, reconstruction, sample }: Pictures): void {
    const item = document.createElement("li");
    const named = { photo: real, reconstruction, sample };
    const pictures = Object.entries(named).map(([name, picture]) => canvasOf(picture, `${name} at scale ${scale + 1}`));
    item.append(...pictures, `${scale + 1} · ${real.width}×${real.height}`);
    this.#scales.append(item);
  }

  describeLosses(): void {
    const values = SERIES.map(({ key, label }) => `${label} ${this.#values.get(key)!.textContent}`);
    byId("chart", HTMLCanvasElement).ariaLabel = `Loss curves; now: ${values.join(", ")}`;
  }
}
