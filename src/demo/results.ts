// The results area: makes new pictures by seed, and downloads pictures and models.

import type { Rgb8 } from "../image/planes.ts";
import { byId, download, downloadPicture, showPicture } from "./dom.ts";
import type { Request } from "./protocol.ts";

const BUTTONS = ["new-sample", "show-sample", "save-sample", "save-model"] as const;

export class Results {
  readonly #canvas = byId("sample", HTMLCanvasElement);
  readonly #seed = byId("sample-seed", HTMLInputElement);
  readonly #hint = byId("results-hint", HTMLElement);
  readonly #title = byId("results-title", HTMLElement);
  readonly #buttons = BUTTONS.map((id) => byId(id, HTMLButtonElement));
  readonly #savePicture = byId("save-sample", HTMLButtonElement);
  #name = "";
  #total = 0;
  /** Whether closing the page would lose the model, as far as there is one. */
  #isUnsaved = false;
  #shownSeed: number | null = null;
  #isWaiting = false;

  constructor(private readonly send: (request: Request) => void) {
    byId("sample-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.requestSample();
    });
    byId("new-sample", HTMLButtonElement).addEventListener("click", () => {
      if (this.#shownSeed !== null) this.#seed.value = String((this.#shownSeed + 1) % 2 ** 32);
      this.requestSample();
    });
    this.#savePicture.addEventListener("click", () => {
      const name = `${this.#name}-seed-${this.#shownSeed}.png`;
      void downloadPicture(this.#canvas, name);
    });
    byId("save-model", HTMLButtonElement).addEventListener("click", () => send({ kind: "model" }));
  }

  /** Whether there is a model that closing the page would lose. */
  get isUnsaved(): boolean {
    return this.#isUnsaved;
  }

  /** Asks the visitor where there is something to lose. */
  mayBeGivenUp(): boolean {
    return !this.#isUnsaved || confirm(`Give up the model of ${this.#name}? It is not downloaded.`);
  }

  /** Clears the area when a training of the photo `name` begins, or another model is opened. */
  clear(name: string, totalScales: number): void {
    this.#name = name;
    this.#title.textContent = `New pictures of ${name}`;
    this.#total = totalScales;
    this.#shownSeed = null;
    this.#isUnsaved = false;
    this.#seed.value = "0";
    this.#seed.disabled = true;
    for (const button of this.#buttons) button.disabled = true;
    delete this.#canvas.dataset["filled"];
    this.#hint.textContent = "Available after the first finished scale, also during the training.";
  }

  /** There are scales to make pictures with. `isUnsaved`: they are a finished training's. */
  enable(isUnsaved = false): void {
    this.#isUnsaved = isUnsaved;
    this.#seed.disabled = false;
    for (const button of this.#buttons) if (button !== this.#savePicture) button.disabled = false;
  }

  /** Requests the picture of the seed in the field from the worker. */
  requestSample(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.send({ kind: "sample", seed: Number(this.#seed.value) });
  }

  show({ seed, scales, picture }: { seed: number; scales: number; picture: Rgb8 }): void {
    this.#isWaiting = false;
    this.#shownSeed = seed;
    byId("results", HTMLElement).style.setProperty("--shape", `${picture.width} / ${picture.height}`);
    showPicture(this.#canvas, picture);
    this.#canvas.ariaLabel = `Sample with seed ${seed}`;
    const from = scales < this.#total ? `, made by ${scales} of ${this.#total} scales` : "";
    this.#hint.textContent = `Seed ${seed}, ${picture.width}×${picture.height} px${from}.`;
    this.#savePicture.disabled = false;
  }

  requestFailed(): void {
    this.#isWaiting = false;
  }

  saveModel(bytes: Uint8Array<ArrayBuffer>): void {
    download(new Blob([bytes]), `${this.#name}.safetensors`);
    this.#isUnsaved = false;
  }
}
