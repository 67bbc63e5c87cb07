// The controls of Paint's brush: its colour, which is one of the photo's, the visitor's own or the eraser; and its size.

import type { Rgb, Rgb8 } from "../../../image/planes.ts";
import type { Point } from "../../../image/region.ts";
import { strokeTwice } from "../../crosshair.ts";
import { byId } from "../../dom.ts";
import type { Place } from "../feature.ts";
import type { Ink } from "./brush.ts";
import { swatchesOf } from "./swatches.ts";

/** The largest brush, and the one at the beginning, as shares of the picture's long side. */
const LARGEST_BRUSH = 1 / 3;
const FIRST_BRUSH = 1 / 12;

export class BrushControls {
  readonly #form = byId("paint-form", HTMLFormElement);
  readonly #own = byId("own-colour", HTMLInputElement);
  readonly #size = byId("brush-size", HTMLInputElement);
  readonly #swatches: readonly Rgb[];

  constructor({ source: { photo }, settings: { brush, colour, ink } }: Pick<Place, "source" | "settings">) {
    this.#swatches = swatchesOf(photo);
    this.#addSwatches();
    const side = Math.max(photo.width, photo.height);
    this.#size.max = String(Math.max(2, Math.round(side * LARGEST_BRUSH)));
    this.#size.addEventListener("input", () => this.#describeSize());
    this.#setSize(brush ? Number(brush) : Math.round(side * FIRST_BRUSH));
    if (colour) this.#own.value = colour;
    if (ink) this.#choose(ink);
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    for (const event of ["click", "input"]) this.#own.addEventListener(event, () => this.#choose("own"));
  }

  /** Diameter of the brush, px of the picture. */
  get size(): number {
    return Number(this.#size.value);
  }

  /** What the brush leaves; the eraser leaves `start`. */
  ink(start: Rgb8): Ink {
    return this.#chosen === "eraser" ? start : this.#colour;
  }

  /** The colour of an empty painting: the brush's, or with the eraser the photo's first one. */
  get paper(): Rgb {
    return this.#chosen === "eraser" ? this.#swatches[0]! : this.#colour;
  }

  get #chosen(): unknown {
    return new FormData(this.#form).get("ink");
  }

  /** The one that is chosen where that is not the eraser. */
  get #colour(): Rgb {
    return this.#chosen === "own" ? colourOf(this.#own.value) : this.#swatches[Number(this.#chosen) - 1]!;
  }

  /** Returns whether the key means something here. */
  key({ key, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
    if (ctrlKey || metaKey || altKey) return false;
    const { size } = this;
    if (/^[1-8]$/.test(key)) this.#choose(key);
    else if (key.toLowerCase() === "e") this.#choose("eraser");
    else if (key === "[") this.#setSize(Math.min(size - 1, Math.round(size / 1.2)));
    else if (key === "]") this.#setSize(Math.max(size + 1, Math.round(size * 1.2)));
    else return false;
    return true;
  }

  /** Draws the outline of the brush at a point. */
  draw(context: CanvasRenderingContext2D, onePixel: number, { x, y }: Point): void {
    const outline = new Path2D();
    outline.arc(x, y, Math.max(this.size / 2, 2 * onePixel), 0, 2 * Math.PI);
    strokeTwice(context, onePixel, outline, "black", "white");
  }

  #addSwatches(): void {
    const box = byId("inks", HTMLElement);
    const own = box.firstElementChild;
    for (const [i, [red, green, blue]] of this.#swatches.entries()) {
      const [label, radio] = [document.createElement("label"), document.createElement("input")];
      Object.assign(radio, { type: "radio", name: "ink", value: String(i + 1), ariaLabel: `Colour ${i + 1}` });
      label.style.setProperty("--swatch", `rgb(${red} ${green} ${blue})`);
      label.title = `Colour ${i + 1} of the photo`;
      label.append(radio);
      box.insertBefore(label, own);
    }
    // The first colour fills the empty painting, so the one that differs most shows best.
    const [first] = this.#swatches;
    const distances = this.#swatches.map((colour) => colour.reduce((sum, value, c) => sum + (value - first![c]!) ** 2, 0));
    this.#choose(this.#swatches.length > 1 ? String(distances.indexOf(Math.max(...distances)) + 1) : "own");
  }

  #choose(ink: string): void {
    const radio = this.#form.querySelector<HTMLInputElement>(`[name="ink"][value="${ink}"]`);
    if (radio) radio.checked = true;
  }

  #setSize(px: number): void {
    this.#size.value = String(px);
    this.#describeSize();
  }

  #describeSize(): void {
    byId("brush-px", HTMLOutputElement).value = `${this.#size.value} px`;
  }
}

const colourOf = (hex: string): Rgb => [1, 3, 5].map((i) => Number.parseInt(hex.slice(i, i + 2), 16)) as unknown as Rgb;
