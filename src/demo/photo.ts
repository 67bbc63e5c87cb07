// Lists and loads photos: the bundled ones, and a visitor's own by file, drop or paste. The browser decodes them; they are never sent anywhere.

import { MAX_PIXELS, reducedSize } from "../image/image-error.ts";
import { fromRgba, type Rgb8 } from "../image/planes.ts";
import { DEFAULTS } from "../singan/model/config.ts";
import { byId, canvasOf } from "./dom.ts";
import { OWN } from "./settings.ts";

/** The photos in photos/, all in the public domain. photos/LICENSES.md has the sources. */
export const EXAMPLES: readonly (readonly [name: string, description: string])[] = [
  ["tulips", "a field of pink tulips"],
  ["clouds", "cumulus clouds"],
  ["citrus", "slices of citrus fruits"],
  ["dandelions", "a dandelion meadow"],
  ["desert-dawn", "a rocky desert at dawn"],
  ["meadow-trees", "a dry meadow with trees"],
  ["blossom", "twigs in blossom"],
];
export const exampleUrl = (name: string): string => `photos/${name}.png`;

export interface Photo {
  readonly name: string;
  readonly picture: Rgb8;
}

/** A photo that can be trained on: one of the page, by its name, or a visitor's own. */
export type Trainable = { readonly isExample: true; readonly name: string } | ({ readonly isExample: false } & Photo);

/** A file is not a picture, or not one to train on. The message is for the visitor. */
export class PhotoError extends Error {
  override name = "PhotoError";
}

/** The visitor's photo in a file. Throws PhotoError if it is no picture or too small. */
export async function loadOwn(file: File): Promise<Photo> {
  const fileName = file.name || "pasted picture";
  const name = fileName.replace(/\.[^.]*$/, "");
  if (file.size === 0) throw new PhotoError(`“${fileName}” is empty.`);
  const bitmap = await bitmapOf(file, fileName);
  const { width, height } = bitmap;
  const reduced = reducedSize(bitmap);
  // Of the whole photo, so that its short side is long enough after the photo is reduced, too.
  const least = Math.ceil((DEFAULTS.minSize * Math.max(width, height)) / Math.max(reduced.width, reduced.height));
  if (Math.min(width, height) >= least) return photoOf(name, bitmap);
  bitmap.close();
  throw new PhotoError(`“${name}” has ${width}×${height} pixels; its short side needs at least ${least}.`);
}

/** The decoded picture in a file. Throws PhotoError if it is no picture, and before it is decoded if it is too large. */
export async function bitmapOf(file: File, name = file.name): Promise<ImageBitmap> {
  const image = new Image();
  image.src = URL.createObjectURL(file);
  // An image reads its size when it loads, and decodes its pixels when it is shown.
  await new Promise((resolve) => {
    image.onload = image.onerror = resolve;
  });
  URL.revokeObjectURL(image.src);
  const { naturalWidth: width, naturalHeight: height } = image;
  if (width * height > MAX_PIXELS)
    throw new PhotoError(`“${name}” has ${width}×${height} pixels; the limit is ${MAX_PIXELS / 1e6} megapixels.`);
  return createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => {
    throw new PhotoError(`“${name}” is not a picture that this browser can read. Try a PNG, JPEG or WebP file.`);
  });
}

/** The picture of a bitmap, which it closes: reduced if it is large, transparency blended over white. */
function photoOf(name: string, bitmap: ImageBitmap): Photo {
  const { width, height } = reducedSize(bitmap);
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

/** A bundled photo. Throws PhotoError where it can't be loaded. */
export const loadExample = (name: string): Promise<Photo> =>
  exampleIn(name, Object.assign(new Image(), { src: exampleUrl(name) }));

async function exampleIn(name: string, image: HTMLImageElement): Promise<Photo> {
  await image.decode().catch(() => {
    throw new PhotoError(`The example photo ${name} could not be loaded.`);
  });
  return photoOf(name, await createImageBitmap(image));
}

/** Calls `take` with the files that are chosen with `input`, dropped anywhere on the page, or pasted; at least one. */
export function onFiles(input: HTMLInputElement, take: (files: readonly File[]) => void): void {
  const takeAll = (files: FileList | undefined | null): void => {
    if (files && files.length > 0) take([...files]);
  };
  input.addEventListener("change", () => {
    takeAll(input.files);
    input.value = ""; // so that the same file can be chosen again
  });
  // A picture of the page that is dragged comes as a file, too.
  let isOwn = false;
  document.addEventListener("dragstart", () => {
    isOwn = true;
  });
  document.addEventListener("dragend", () => {
    isOwn = false;
  });
  const hasFiles = (event: DragEvent): boolean => !isOwn && (event.dataTransfer?.types.includes("Files") ?? false);
  // Also not by a tool that takes files.
  document.addEventListener("drop", (event) => isOwn && event.stopPropagation(), { capture: true });
  const mark = (isOver: boolean): void => void document.body.classList.toggle("dropping", isOver);
  const accept = (event: DragEvent): void => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    mark(true);
  };
  document.addEventListener("dragover", accept);
  // What is below the file may change just before it is dropped; without this the drop would be lost.
  document.addEventListener("dragenter", accept);
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) mark(false);
  });
  document.addEventListener("drop", (event) => {
    mark(false);
    if (!hasFiles(event) || event.defaultPrevented) return; // a tool has taken them
    event.preventDefault();
    takeAll(event.dataTransfer?.files);
  });
  document.addEventListener("paste", (event) => {
    if (!event.defaultPrevented) takeAll(event.clipboardData?.files);
  });
}

export const EXAMPLE_NAMES: readonly string[] = EXAMPLES.map(([name]) => name);

export class Gallery {
  readonly #element = byId("gallery", HTMLDivElement);
  readonly #examples = new Map<string, HTMLImageElement>();
  #own: Photo | null = null;

  constructor() {
    for (const [name, description] of EXAMPLES) {
      const image = Object.assign(new Image(), { src: exampleUrl(name), alt: description });
      this.#examples.set(name, image);
      this.#add(name, image);
    }
  }

  /** Loads the photo of the checked radio button. Returns null if another one is checked meanwhile. Throws PhotoError. */
  async chosen(): Promise<Photo | null> {
    const value = this.#checked();
    const photo = value === OWN ? this.#own : await exampleIn(value, this.#examples.get(value)!); // it is loaded once
    return this.#checked() === value ? photo : null;
  }

  /** Whether the visitor's own photo is chosen. */
  get isOwn(): boolean {
    return this.#checked() === OWN;
  }

  /** Chooses a photo. Returns whether it was another one before. */
  choose(photo: Trainable): boolean {
    if (this.#checked() === (photo.isExample ? photo.name : OWN) && (photo.isExample || photo.picture === this.#own?.picture))
      return false;
    if (photo.isExample) this.#element.querySelector<HTMLInputElement>(`[value="${CSS.escape(photo.name)}"]`)!.checked = true;
    else this.addOwn(photo);
    return true;
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
