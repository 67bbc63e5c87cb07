// The results area: makes new pictures by seed, of any size, with as much change as the visitor wants, and downloads pictures and models.

import type { Rgb8, Size } from "../image/planes.ts";
import { byId, download, downloadPicture, showPicture } from "./dom.ts";
import type { Request, SampleRequest } from "./protocol.ts";

type Shown = SampleRequest & { readonly scales: number; readonly picture: Rgb8 };

/** Values of #seamless. */
const WRAPS: Readonly<Record<string, SampleRequest["wraps"]>> = {
  none: { x: false, y: false },
  x: { x: true, y: false },
  y: { x: false, y: true },
  both: { x: true, y: true },
};
const sizeText = ({ width, height }: Size): string => `${width}×${height} px`;

export class Results {
  readonly #canvas = byId("sample", HTMLCanvasElement);
  readonly #form = byId("sample-form", HTMLFormElement);
  readonly #choices = byId("sample-choices", HTMLFieldSetElement);
  readonly #seed = byId("sample-seed", HTMLInputElement);
  readonly #change = byId("change", HTMLInputElement);
  readonly #changeHint = byId("change-hint", HTMLElement);
  readonly #sides = [byId("sample-width", HTMLInputElement), byId("sample-height", HTMLInputElement)] as const;
  readonly #seamless = byId("seamless", HTMLSelectElement);
  readonly #hint = byId("results-hint", HTMLElement);
  readonly #title = byId("results-title", HTMLElement);
  readonly #savePicture = byId("save-sample", HTMLButtonElement);
  readonly #saveModel = byId("save-model", HTMLButtonElement);
  #name = "";
  /** Of all scales; those that can make pictures are the first `#scales`. */
  #sizes: readonly Size[] = [];
  #scales = 0;
  /** Whether closing the page would lose the model, as far as there is one. */
  #isUnsaved = false;
  #shown: Shown | null = null;
  #isWaiting = false;
  /** Whether something has changed since the picture that is waited for was asked for. */
  #isOutdated = false;

  constructor(private readonly send: (request: Request) => void) {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.requestSample();
    });
    byId("new-sample", HTMLButtonElement).addEventListener("click", () => {
      if (this.#shown) this.#seed.value = String((this.#shown.seed + 1) % 2 ** 32);
      this.requestSample();
    });
    this.#change.addEventListener("input", () => this.#choose());
    for (const field of [...this.#sides, this.#seamless]) field.addEventListener("change", () => this.#choose());
    this.#savePicture.addEventListener("click", () => void downloadPicture(this.#canvas, this.#fileName(this.#shown!)));
    this.#saveModel.addEventListener("click", () => send({ kind: "model" }));
  }

  /** Whether there is a model that closing the page would lose. */
  get isUnsaved(): boolean {
    return this.#isUnsaved;
  }

  /** Asks the visitor where there is something to lose. */
  mayBeGivenUp(): boolean {
    return !this.#isUnsaved || confirm(`Give up the model of ${this.#name}? It is not downloaded.`);
  }

  /** Clears the area when a training of the photo `name` begins, or another model is opened; it has scales of these sizes. */
  clear(name: string, sizes: readonly Size[]): void {
    this.#name = name;
    this.#title.textContent = `New pictures of ${name}`;
    this.#sizes = sizes;
    this.#reserve(sizes.at(-1)!); // so that nothing moves when the first picture comes
    this.#scales = 0;
    this.#shown = null;
    this.#isUnsaved = false;
    this.#form.reset();
    this.#choices.disabled = true;
    this.#savePicture.disabled = true;
    this.#saveModel.disabled = true;
    delete this.#canvas.dataset["filled"];
    this.#hint.textContent = "Available after the first finished scale, also during the training.";
  }

  /** The first `scales` scales can make pictures. */
  enable(scales: number): void {
    const startScale = this.#scales === 0 ? 0 : this.#startScale;
    this.#scales = scales;
    this.#change.max = String(scales - 1);
    this.#change.value = String(scales - 1 - startScale);
    const { width, height } = this.#sizes[scales - 1]!;
    for (const [i, side] of [width, height].entries()) this.#sides[i]!.placeholder = String(side);
    this.#choices.disabled = false;
    this.#saveModel.disabled = false;
    this.#describeChange();
  }

  /** The model is finished, and nowhere else. */
  markUnsaved(): void {
    this.#isUnsaved = true;
  }

  /** Requests the picture that the fields describe from the worker; the latest one, where the worker is slower than the visitor. */
  requestSample(): void {
    this.#isOutdated = this.#isWaiting;
    if (this.#isWaiting || !this.#form.reportValidity()) return;
    this.#isWaiting = true;
    this.send({ kind: "sample", ...this.#request() });
  }

  show(shown: Shown): void {
    this.#isWaiting = false;
    this.#shown = shown;
    const { seed, scales, picture } = shown;
    this.#reserve(picture);
    showPicture(this.#canvas, picture);
    this.#canvas.ariaLabel = `Sample with seed ${seed}`;
    const from = scales < this.#sizes.length ? `, made by ${scales} of ${this.#sizes.length} scales` : "";
    this.#hint.textContent = `Seed ${seed}, ${sizeText(picture)}${from}.`;
    this.#savePicture.disabled = false;
    if (this.#isOutdated) this.requestSample();
  }

  #reserve({ width, height }: Size): void {
    byId("results", HTMLElement).style.setProperty("--shape", `${width} / ${height}`);
  }

  requestFailed(): void {
    this.#isWaiting = false;
    this.#isOutdated = false;
  }

  saveModel(bytes: Uint8Array<ArrayBuffer>): void {
    download(new Blob([bytes]), `${this.#name}.safetensors`);
    this.#isUnsaved = false;
  }

  get #startScale(): number {
    return this.#scales - 1 - Number(this.#change.value);
  }

  #request(): SampleRequest {
    const trained = this.#sizes[this.#scales - 1]!;
    const [width, height] = this.#sides.map(({ value }) => (value === "" ? null : Number(value)));
    const isSized = width !== null || height !== null;
    return {
      seed: Number(this.#seed.value),
      startScale: this.#startScale,
      ...(isSized && { size: { width: width ?? trained.width, height: height ?? trained.height } }),
      wraps: WRAPS[this.#seamless.value]!,
    };
  }

  #choose(): void {
    this.#describeChange();
    this.requestSample();
  }

  #describeChange(): void {
    const below = this.#sizes[this.#startScale - 1];
    this.#changeHint.textContent = below
      ? `What can be seen at ${sizeText(below)} stays; finer things are made anew.`
      : "Everything is made anew.";
  }

  /** Names say what differs from a plain picture of the seed. */
  #fileName({ seed, startScale, size, wraps, picture }: Shown): string {
    const axes = Object.entries(wraps).flatMap(([axis, isSet]) => (isSet ? [axis] : []));
    const parts = [
      ...[this.#name, `seed-${seed}`],
      ...(size ? [`${picture.width}x${picture.height}`] : []),
      ...(startScale > 0 ? [`from-scale-${startScale}`] : []),
      ...(axes.length > 0 ? [`tile-${axes.join("")}`] : []),
    ];
    return `${parts.join("-")}.png`;
  }
}
