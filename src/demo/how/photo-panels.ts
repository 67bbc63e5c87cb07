// The panels that need nothing but the photo: its scales, and its patches.

import { toRgb8 } from "../../image/planes.ts";
import { byId, canvasOf, showPicture } from "../dom.ts";
import { sizeText } from "../features/sample/tool.ts";
import { type Lesson, middlePatch } from "./lesson.ts";

export class PyramidPanel {
  readonly #stairs = byId("how-stairs", HTMLElement);

  /** All scales side by side, in true proportion to each other. */
  show({ photos }: Lesson): void {
    this.#stairs.replaceChildren(
      ...photos.map((photo) => {
        const canvas = canvasOf(toRgb8(photo), "");
        canvas.ariaHidden = "true"; // the whole staircase is one picture
        canvas.style.flexGrow = String(photo.width);
        return canvas;
      }),
    );
    byId("how-stairs-hint", HTMLElement).textContent =
      photos.length === 1
        ? `There is one scale, ${sizeText(photos[0]!)}.`
        : `There are ${photos.length} scales, from ${sizeText(photos[0]!)} to ${sizeText(photos.at(-1)!)}.`;
  }
}

export class PatchPanel {
  readonly #scale = byId("how-patch-scale", HTMLInputElement);
  #lesson: Lesson | null = null;

  constructor() {
    this.#scale.addEventListener("input", () => this.#draw());
  }

  show(lesson: Lesson): void {
    this.#lesson = lesson;
    this.#scale.max = String(lesson.photos.length);
    this.#scale.value = "1";
    this.#draw();
  }

  #draw(): void {
    if (!this.#lesson) return;
    const { photos, patch } = this.#lesson;
    const photo = photos[Number(this.#scale.value) - 1]!;
    const { seen, ...part } = middlePatch(photo, patch);
    showPicture(byId("how-patch-photo", HTMLCanvasElement), toRgb8(photo));
    showPicture(byId("how-patch-seen", HTMLCanvasElement), toRgb8(seen));
    const { style } = byId("how-square", HTMLElement);
    for (const side of ["left", "top", "width", "height"] as const) style[side] = `${100 * part[side]}%`;
    const share = Math.max(1, Math.round(100 * part.width * part.height));
    byId("how-patch-hint", HTMLElement).textContent =
      `Scale ${this.#scale.value} of ${photos.length}, ${sizeText(photo)}: a patch of ${patch}×${patch} px shows as much as this square, ` +
      `${share} % of the picture.`;
  }
}
