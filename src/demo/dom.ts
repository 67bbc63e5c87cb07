// Helpers for the page: elements by id, pictures on canvases, downloads, durations as text, and announcements to screen readers.

import { type Rgb8, toRgba } from "../image/planes.ts";
import { pngBlob } from "./png-blob.ts";

/** The element with this id. Throws if index.html has no such element of this class. */
export function byId<T extends Element>(id: string, type: abstract new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`index.html has no ${type.name} #${id}`);
  return element;
}

/** What each canvas shows. The canvas itself is no place to keep it: its pixels are gone when the browser's GPU process ends. */
const shown = new WeakMap<HTMLCanvasElement, Rgb8>();

export function showPicture(canvas: HTMLCanvasElement, picture: Rgb8): void {
  if (!shown.has(canvas)) canvas.addEventListener("contextrestored", () => draw(canvas, shown.get(canvas)!));
  shown.set(canvas, picture);
  draw(canvas, picture);
  canvas.dataset["filled"] = "";
}

function draw(canvas: HTMLCanvasElement, picture: Rgb8): void {
  const { width, height } = picture;
  Object.assign(canvas, { width, height });
  canvas.getContext("2d")!.putImageData(new ImageData(toRgba(picture), width, height), 0, 0);
}

/** Downloads a picture as PNG. */
export async function downloadRgb8(picture: Rgb8, name: string): Promise<void> {
  download(await pngBlob(picture), name);
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

/** Copies a text, and returns whether the browser allowed it; where not, it is shown, to be copied by hand. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    prompt("The browser does not allow it. Copy this by hand:", text);
    return false;
  }
}

/** A duration as text: "about 40 s", "about 3 min" or "about 2 h 10 min". */
export function about(seconds: number): string {
  if (seconds < 55) return `about ${Math.max(5, 5 * Math.ceil(seconds / 5))} s`;
  const minutes = Math.max(1, Math.round(seconds / 60));
  if (minutes < 60) return `about ${minutes} min`;
  const rest = 10 * Math.floor((minutes % 60) / 10);
  return `about ${Math.floor(minutes / 60)} h${rest ? ` ${rest} min` : ""}`;
}

/** Announces texts to screen readers, at most one every few seconds. A newer text replaces one that is still waiting, unless only that one matters. */
export class Announcer {
  #waiting: { readonly text: string; readonly matters: boolean } | null = null;
  /** Whether what was said last matters. */
  #matters = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly element: HTMLElement,
    private readonly everyMs = 8000,
  ) {}

  say(text: string, matters = false): void {
    if (this.#waiting?.matters && !matters) return;
    this.#waiting = { text, matters };
    if (this.#timer === undefined) this.#speak();
  }

  /** Takes back what does not matter any more, such as news of pictures that nobody sees now. */
  retract(): void {
    if (!this.#waiting?.matters) this.#waiting = null;
    if (!this.#matters) this.element.textContent = "";
  }

  #speak(): void {
    this.#timer = undefined;
    if (this.#waiting === null) return;
    this.element.textContent = this.#waiting.text;
    this.#matters = this.#waiting.matters;
    this.#waiting = null;
    this.#timer = setTimeout(() => this.#speak(), this.everyMs);
  }
}
