// The training area: progress, the pictures of the moment, finished scales and losses.

import type { Rgb8 } from "../image/planes.ts";
import { PRESETS } from "../singan/model/config.ts";
import { Chart, SERIES } from "./chart.ts";
import { about, byId, draw, pictureOf } from "./dom.ts";
import type { Plan, Progress } from "./protocol.ts";

/** How often the pictures change where less motion is wanted. */
const CALM_MS = 4000;

export interface Pictures {
  readonly real?: Rgb8;
  readonly reconstruction: Rgb8;
  readonly sample: Rgb8;
}

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
  readonly #wantsCalm = matchMedia("(prefers-reduced-motion: reduce)");
  #drawnAt = Number.NEGATIVE_INFINITY;

  constructor() {
    const legend = SERIES.map(({ key, label, colour }) => {
      const [item, swatch] = [document.createElement("li"), document.createElement("i")];
      swatch.style.background = `var(${colour})`;
      item.append(swatch, `${label} `, this.#values.get(key)!);
      return item;
    });
    byId("legend", HTMLUListElement).append(...legend);
  }

  /** The photo before a training. */
  showPhoto(picture: Rgb8): void {
    byId("training", HTMLElement).style.setProperty("--shape", `${picture.width} / ${picture.height}`);
    draw(this.#real, picture);
    this.#clearPictures();
  }

  #clearPictures(): void {
    for (const canvas of [this.#reconstruction, this.#sample]) delete canvas.dataset["drawn"];
  }

  /** Clears everything for a training that begins. */
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

  /** The pictures of the moment; less often where less motion is wanted, unless they mark an end. */
  showPictures({ real, reconstruction, sample }: Pictures, isEnd = false): void {
    const now = performance.now();
    if (!isEnd && this.#wantsCalm.matches && now < this.#drawnAt + CALM_MS) return;
    this.#drawnAt = now;
    if (real) draw(this.#real, real);
    draw(this.#reconstruction, reconstruction);
    draw(this.#sample, sample);
  }

  /** Adds a finished scale to the strip. */
  addScale(scale: number, { real, reconstruction, sample }: Required<Pictures>): void {
    const item = document.createElement("li");
    const named = { photo: real, reconstruction, sample };
    const pictures = Object.entries(named).map(([name, picture]) => pictureOf(picture, `${name} at scale ${scale + 1}`));
    item.append(...pictures, `${scale + 1} · ${real.width}×${real.height}`);
    this.#scales.append(item);
  }

  /** For those who can't see the curves. */
  describeLosses(): void {
    const values = SERIES.map(({ key, label }) => `${label} ${this.#values.get(key)!.textContent}`);
    byId("chart", HTMLCanvasElement).ariaLabel = `Loss curves; now: ${values.join(", ")}`;
  }
}
