// Lists and loads photos: the bundled ones, and a visitor's own by file, drop or paste. The browser decodes them; they are never sent anywhere.

import { fromRgba, type Rgb8 } from "../image/planes.ts";
import { DEFAULTS } from "../singan/model/config.ts";
import { byId, canvasOf } from "./dom.ts";

/** The photos in photos/, all in the public domain. photos/LICENSES.md has the sources. */
export const EXAMPLES: readonly (readonly [name: string, description: string])[] = [
  ["tulips", "a field of pink tulips"],
  ["clouds", "cumulus clouds"],
  ["citrus", "slices of citrus fruits"],
  ["dandelions", "a dandelion meadow"],
  ["desert-dawn", "a rocky desert at dawn"],
  ["meadow-trees", "a dry meadow with trees"],
];
export const exampleUrl = (name: string): string => `photos/${name}.png`;

/** Photos with a longer side are reduced to it. Training uses far smaller sizes. */
const MAX_SIDE = 2048;

export interface Photo {
  readonly name: string;
  readonly picture: Rgb8;
}

/** A file is not a picture, or not one to train on. The message is for the visitor. */
export class PhotoError extends Error {
  override name = "PhotoError";
}

export async function loadExample(name: string): Promise<Photo> {
  const response = await fetch(exampleUrl(name));
  if (!response.ok) throw new PhotoError(`The example photo ${name} could not be loaded.`);
  return decode(await response.blob(), name);
}

/** The visitor's photo in a file. Throws PhotoError if it is no picture or too small. */
export async function loadOwn(file: File): Promise<Photo> {
  const fileName = file.name || "pasted picture";
  const name = fileName.replace(/\.[^.]*$/, "");
  const photo = await decode(file, name, `“${fileName}”`);
  const { width, height } = photo.picture;
  if (Math.min(width, height) < DEFAULTS.minSize)
    throw new PhotoError(`“${name}” has ${width}×${height} pixels; its short side needs at least ${DEFAULTS.minSize}.`);
  return photo;
}

/** Decodes a picture, turns it upright and blends transparency over white. Throws PhotoError, which calls it `shownName`. */
async function decode(blob: Blob, name: string, shownName = name): Promise<Photo> {
  if (blob.size === 0) throw new PhotoError(`${shownName} is empty.`);
  const bitmap = await createImageBitmap(blob, { imageOrientation: "from-image" }).catch(() => {
    throw new PhotoError(`${shownName} is not a picture that this browser can read. Try a PNG, JPEG or WebP file.`);
  });
  const factor = Math.min(1, MAX_SIDE / Math.max(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * factor));
  const height = Math.max(1, Math.round(bitmap.height * factor));
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const rgba = context.getImageData(0, 0, width, height).data;
  return { name, picture: fromRgba({ width, height }, rgba) };
}

/** Calls `take` with every file that is chosen with `input`, dropped anywhere on the page, or pasted. */
export function onFile(input: HTMLInputElement, take: (file: File) => void): void {
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    if (file) take(file);
    input.value = ""; // so that the same file can be chosen again
  });
  const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") ?? false;
  const mark = (isOver: boolean): void => void document.body.classList.toggle("dropping", isOver);
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    mark(true);
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) mark(false);
  });
  document.addEventListener("drop", (event) => {
    mark(false);
    if (!hasFiles(event)) return;
    event.preventDefault();
    const file = event.dataTransfer?.files[0];
    if (file) take(file);
  });
  document.addEventListener("paste", (event) => {
    const file = event.clipboardData?.files[0];
    if (file) take(file);
  });
}

/** The radio button's value for the visitor's own photo. */
const OWN = "own";
export const EXAMPLE_NAMES: readonly string[] = EXAMPLES.map(([name]) => name);

export class Gallery {
  readonly #element = byId("gallery", HTMLDivElement);
  #own: Photo | null = null;

  constructor() {
    for (const [name, description] of EXAMPLES)
      this.#add(name, Object.assign(new Image(), { src: exampleUrl(name), alt: description }));
  }

  /** Loads the photo of the checked radio button. Returns null if another one is checked meanwhile. Throws PhotoError. */
  async chosen(): Promise<Photo | null> {
    const value = this.#checked();
    const photo = value === OWN ? this.#own : await loadExample(value);
    return this.#checked() === value ? photo : null;
  }

  /** Adds the visitor's own photo in the place of an earlier one, and checks its button. Returns it. */
  addOwn(photo: Photo): Photo {
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
