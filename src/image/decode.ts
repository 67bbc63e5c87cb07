// Decodes a PNG or JPEG file, which it recognises by the first bytes, to 8-bit RGB. Needs Node (png.ts uses zlib).
// The demo page decodes with createImageBitmap instead, so the limits and messages here are for the command line.

import { type Format, formatOf, formatText } from "./formats.ts";
import { defaultMaxPixels, ImageError } from "./image-error.ts";
import { decodeJpeg, jpegSize } from "./jpeg.ts";
import type { Rgb, Rgb8, Size } from "./planes.ts";
import { decodePng, pngSize } from "./png.ts";

export { ImageError } from "./image-error.ts";

/** Whether the file is a PNG, or else a JPEG, by its first bytes (FORMAT_BYTES of them are enough). Throws ImageError, which names another format. */
export function isPng(bytes: Uint8Array): boolean {
  if (bytes.length === 0) throw new ImageError("empty file");
  const format = formatOf(bytes);
  if (format?.name !== "PNG" && format?.name !== "JPEG") throw new ImageError(refusal(bytes, format));
  return format.name === "PNG";
}

function refusal(bytes: Uint8Array, format: Format | null): string {
  if (format?.isPicture) return `${formatText(format)}, which can't be read: convert it to PNG or JPEG`;
  if (format) return `${formatText(format)}, not a PNG or JPEG picture`;
  const start = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return `not a PNG or JPEG image (starts with ${start})`;
}

/** The size in the file's header, before the picture is turned upright. Throws ImageError as decodeLayer does, but decodes nothing. */
export const storedSize = (bytes: Uint8Array, maxPixels = defaultMaxPixels): Size =>
  isPng(bytes) ? pngSize(bytes, maxPixels) : jpegSize(bytes, maxPixels);

/** A picture with its transparency. alpha is [h, w], where 255 is opaque; it is null if the whole picture is opaque. */
export interface Layer {
  readonly picture: Rgb8;
  readonly alpha: Uint8Array | null;
}

/**
 * PNG or JPEG → [h, w, 3] u8, upright. Transparent pixels keep the colours that the file stores for them. `maxPixels` (default 100 million)
 * is checked before decoding. Throws ImageError for anything that is not a complete, undamaged picture.
 */
export function decodeLayer(bytes: Uint8Array, maxPixels = defaultMaxPixels): Layer {
  if (!isPng(bytes)) return { picture: decodeJpeg(bytes, maxPixels), alpha: null };
  const { picture, alpha } = decodePng(bytes, maxPixels);
  return { picture, alpha: alpha.every((a) => a === 255) ? null : alpha };
}

/** Blends the layer over `background` (default white): round(a·colour + (1 − a)·background) with a = alpha/255. */
export function flattened({ picture, alpha }: Layer, background: Rgb = [255, 255, 255]): Rgb8 {
  if (!alpha) return picture;
  const data = picture.data.map((value, at) => {
    const a = alpha[Math.floor(at / 3)]! / 255;
    return Math.round(a * value + (1 - a) * background[at % 3]!);
  });
  return { ...picture, data };
}

/** Decodes a file and blends it over `background` (default white). Throws ImageError as decodeLayer does. */
export const decodeImage = (bytes: Uint8Array, options: { background?: Rgb; maxPixels?: number } = {}): Rgb8 =>
  flattened(decodeLayer(bytes, options.maxPixels), options.background);
