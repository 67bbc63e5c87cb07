// The instant pictures of the chosen photo: shown at once, each to be downloaded, and more of them on request.

import { FIRST_COUNT } from "../instant/first.ts";
import { byId, downloadPicture, showPicture } from "./dom.ts";
import type { InstantMessage, InstantReport } from "./instant-worker.ts";
import { openWorker } from "./open-worker.ts";
import type { Photo } from "./photo.ts";

const HINT =
  "Made at once from patches of the photo, without training. They are sharp, but can repeat pieces of the photo. Select one to download it.";

export class InstantView {
  readonly #worker = openWorker(new URL("./instant-worker.js", import.meta.url));
  readonly #section = byId("instant", HTMLElement);
  readonly #hint = byId("instant-hint", HTMLElement);
  readonly #more = byId("more-instant", HTMLButtonElement);
  readonly #canvases: HTMLCanvasElement[];
  #photo: Photo | null = null;
  #id = 0;
  #seed = 0;

  /** `say` announces to screen readers. */
  constructor(private readonly say: (text: string) => void) {
    this.#canvases = Array.from({ length: FIRST_COUNT }, (_, index) => this.#addPicture(index));
    this.#more.addEventListener("click", () => this.#request(this.#seed + FIRST_COUNT));
    this.#worker.addEventListener("message", ({ data }: MessageEvent<InstantReport>) => this.#receive(data));
    this.#worker.addEventListener("error", () => this.#fail("This browser can't make them."));
  }

  /** Shows pictures of another photo. */
  show(photo: Photo): void {
    this.#photo = photo;
    const { width, height } = photo.picture;
    this.#section.style.setProperty("--shape", `${width} / ${height}`);
    this.#request(0);
  }

  /** Whether the work rests meanwhile. */
  hold(isHeld: boolean): void {
    this.#worker.postMessage({ isHeld } satisfies InstantMessage);
  }

  #addPicture(index: number): HTMLCanvasElement {
    const [item, button, canvas] = [
      document.createElement("li"),
      document.createElement("button"),
      document.createElement("canvas"),
    ];
    canvas.id = `instant-${index}`;
    Object.assign(button, { type: "button", className: "frame", disabled: true });
    button.append(canvas);
    item.append(button);
    byId("instant-pictures", HTMLUListElement).append(item);
    button.addEventListener("click", () => {
      const name = `${this.#photo!.name}-instant-${this.#seed + index}.png`;
      void downloadPicture(canvas, name);
    });
    return canvas;
  }

  #request(seed: number): void {
    this.#id++;
    this.#seed = seed;
    this.#more.disabled = true;
    this.#hint.textContent = `Making ${FIRST_COUNT} instant pictures …`;
    for (const canvas of this.#canvases) {
      delete canvas.dataset["filled"];
      this.#buttonOf(canvas).disabled = true;
    }
    this.#worker.postMessage({ id: this.#id, photo: this.#photo!.picture, seed } satisfies InstantMessage);
  }

  #receive(report: InstantReport): void {
    if (report.id !== this.#id) return;
    if ("problem" in report) {
      this.#fail(`${report.problem}.`);
      return;
    }
    const { seed, picture } = report;
    const index = seed - this.#seed;
    const canvas = this.#canvases[index]!;
    showPicture(canvas, picture);
    const button = this.#buttonOf(canvas);
    button.ariaLabel = `Download the instant picture with seed ${seed}`;
    button.disabled = false;
    this.#hint.textContent = `Made ${index + 1} of ${FIRST_COUNT} instant pictures …`;
    if (index < FIRST_COUNT - 1) return;
    this.#hint.textContent = HINT;
    this.#more.disabled = false;
    this.say(`${FIRST_COUNT} instant pictures of ${this.#photo!.name} are ready.`);
  }

  #fail(reason: string): void {
    this.#hint.textContent = `There are no instant pictures. ${reason[0]!.toUpperCase()}${reason.slice(1)}`;
  }

  #buttonOf = (canvas: HTMLCanvasElement): HTMLButtonElement => canvas.parentElement as HTMLButtonElement;
}
