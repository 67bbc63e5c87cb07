// Decodes a PNG or JPEG file, which it recognises by the first bytes, to 8-bit RGB. Needs Node (png.ts uses zlib).
// The demo page decodes with createImageBitmap instead, so the limits and messages here are for the command line.

import { defaultMaxPixels, ImageError } from "./image-error.ts";
import { decodeJpeg } from "./jpeg.ts";
import type { Rgb, Rgb8 } from "./planes.ts";
import { decodePng, pngSignature } from "./png.ts";

export { ImageError } from "./image-error.ts";

const startsWith = (bytes: Uint8Array, magic: readonly number[]): boolean => magic.every((byte, i) => bytes[i] === byte);

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
  if (bytes.length === 0) throw new ImageError("empty file");
  if (startsWith(bytes, pngSignature)) {
    const { picture, alpha } = decodePng(bytes, maxPixels);
    return { picture, alpha: alpha.every((a) => a === 255) ? null : alpha };
  }
  if (startsWith(bytes, [0xff, 0xd8, 0xff])) return { picture: decodeJpeg(bytes, maxPixels), alpha: null };
  const start = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  throw new ImageError(`not a PNG or JPEG image (starts with ${start})`);
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
