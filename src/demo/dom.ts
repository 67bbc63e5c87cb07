// Small things with the page: elements by id, pictures onto canvases, downloads, durations in words.

import type { Rgb8 } from "../image/planes.ts";

/** The element with this id, of the class that is expected. Throws where index.html has none. */
export function byId<T extends Element>(id: string, type: abstract new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`index.html has no ${type.name} #${id}`);
  return element;
}

export function draw(canvas: HTMLCanvasElement, { width, height, data }: Rgb8): void {
  canvas.width = width;
  canvas.height = height;
  const rgba = new Uint8ClampedArray(4 * width * height);
  for (let p = 0; p < width * height; p++) {
    for (let c = 0; c < 3; c++) rgba[4 * p + c] = data[3 * p + c]!;
    rgba[4 * p + 3] = 255;
  }
  canvas.getContext("2d")!.putImageData(new ImageData(rgba, width, height), 0, 0);
  canvas.dataset["drawn"] = "";
}

/** A canvas of its own, for a picture that stays. */
export function pictureOf(picture: Rgb8, label: string): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.role = "img";
  canvas.ariaLabel = label;
  draw(canvas, picture);
  return canvas;
}

export function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** "about 40 s", "about 3 min", "about 2 h 10 min". */
export function about(seconds: number): string {
  if (seconds < 55) return `about ${Math.max(5, 5 * Math.ceil(seconds / 5))} s`;
  const minutes = Math.max(1, Math.round(seconds / 60));
  if (minutes < 60) return `about ${minutes} min`;
  const rest = 10 * Math.floor((minutes % 60) / 10);
  return `about ${Math.floor(minutes / 60)} h${rest ? ` ${rest} min` : ""}`;
}

/** Says things to screen readers: the latest one, and not more often than every few seconds. */
export class Announcer {
  #waiting: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly element: HTMLElement,
    private readonly everyMs = 8000,
  ) {}

  say(text: string): void {
    this.#waiting = text;
    if (this.#timer === undefined) this.#speak();
  }

  #speak(): void {
    this.#timer = undefined;
    if (this.#waiting === null) return;
    this.element.textContent = this.#waiting;
    this.#waiting = null;
    this.#timer = setTimeout(() => this.#speak(), this.everyMs);
  }
}
