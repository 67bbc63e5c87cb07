// Helpers for the page: elements by id, pictures on canvases, downloads, durations as text, and announcements to screen readers.

import { type Rgb8, toRgba } from "../image/planes.ts";

/** The element with this id. Throws if index.html has no such element of this class. */
export function byId<T extends Element>(id: string, type: abstract new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`index.html has no ${type.name} #${id}`);
  return element;
}

export function showPicture(canvas: HTMLCanvasElement, picture: Rgb8): void {
  const { width, height } = picture;
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d")!.putImageData(new ImageData(toRgba(picture), width, height), 0, 0);
  canvas.dataset["filled"] = "";
}

/** A new canvas with a picture. */
export function canvasOf(picture: Rgb8, label: string): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.role = "img";
  canvas.ariaLabel = label;
  showPicture(canvas, picture);
  return canvas;
}

export function download(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** A duration as text: "about 40 s", "about 3 min" or "about 2 h 10 min". */
export function about(seconds: number): string {
  if (seconds < 55) return `about ${Math.max(5, 5 * Math.ceil(seconds / 5))} s`;
  const minutes = Math.max(1, Math.round(seconds / 60));
  if (minutes < 60) return `about ${minutes} min`;
  const rest = 10 * Math.floor((minutes % 60) / 10);
  return `about ${Math.floor(minutes / 60)} h${rest ? ` ${rest} min` : ""}`;
}

/** Announces texts to screen readers, at most one every few seconds. A newer text replaces one that is still waiting. */
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
