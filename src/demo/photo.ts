// Loads photos: the bundled ones, and a visitor's own by file, drop or paste. The browser decodes them; they are never sent anywhere.

import { fromRgba, type Rgb8 } from "../image/planes.ts";

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

export function loadFile(file: File): Promise<Photo> {
  const name = file.name || "pasted picture";
  return decode(file, name.replace(/\.[^.]*$/, ""), `“${name}”`);
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
