// The list of photos to choose from: the examples and the visitor's own photo.

import { PAPER } from "../singan/model/config.ts";
import { byId, canvasOf } from "./dom.ts";
import { EXAMPLES, exampleUrl, loadExample, loadFile, type Photo, PhotoError } from "./photo.ts";

/** The radio button's value for the visitor's own photo. */
const OWN = "own";
export const EXAMPLE_NAMES: readonly string[] = EXAMPLES.map(([name]) => name);

export class Gallery {
  readonly #element = byId("gallery", HTMLDivElement);
  #own: Photo | null = null;

  constructor() {
    for (const [name, description] of EXAMPLES) {
      this.#add(name, Object.assign(new Image(), { src: exampleUrl(name), alt: description }));
    }
  }

  /** Loads the photo of the checked radio button. Returns null if another one is checked meanwhile. Throws PhotoError. */
  async chosen(): Promise<Photo | null> {
    const value = this.#checked();
    const photo = value === OWN ? this.#own : await loadExample(value);
    return this.#checked() === value ? photo : null;
  }

  /** Adds the picture of a file and checks its button. Throws PhotoError, and changes nothing, if it is no picture or too small. */
  async addOwn(file: File): Promise<Photo> {
    const photo = await loadFile(file);
    const { width, height } = photo.picture;
    if (Math.min(width, height) < PAPER.minSize) {
      throw new PhotoError(`“${photo.name}” has ${width}×${height} pixels; its short side needs at least ${PAPER.minSize}.`);
    }
    this.#own = photo;
    this.#element.querySelector(`label:has([value=${OWN}])`)?.remove();
    this.#add(OWN, canvasOf(photo.picture, `your photo ${photo.name}`)).checked = true;
    return photo;
  }

  #checked(): string {
    return this.#element.querySelector<HTMLInputElement>(":checked")?.value ?? EXAMPLE_NAMES[0]!;
  }

  #add(value: string, picture: HTMLElement): HTMLInputElement {
    const radio = Object.assign(document.createElement("input"), { type: "radio", name: "photo", value });
    const label = document.createElement("label");
    label.append(radio, picture);
    this.#element.append(label);
    return radio;
  }
}
