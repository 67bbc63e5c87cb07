// A picture file's bytes to 8-bit RGB: tells PNG and JPEG apart by their first bytes. Runs in Node (png.ts needs zlib).
// A browser decodes with createImageBitmap instead; the limits and messages here serve the command line.

import { defaultMaxPixels, ImageError } from "./image-error.ts";
import { decodeJpeg } from "./jpeg.ts";
import type { Rgb, Rgb8 } from "./planes.ts";
import { decodePng, decodePngLayer, pngSignature } from "./png.ts";

export { ImageError } from "./image-error.ts";

const startsWith = (bytes: Uint8Array, magic: readonly number[]): boolean => magic.every((byte, i) => bytes[i] === byte);

/**
 * PNG or JPEG → [h, w, 3] u8, upright; transparency is composited over `background` (default white). `maxPixels` (default 100
 * million) is checked before decoding. Throws ImageError, one line, for anything that is not a complete, sound picture.
 */
export function decodeImage(bytes: Uint8Array, options: { background?: Rgb; maxPixels?: number } = {}): Rgb8 {
  const { background = [255, 255, 255], maxPixels = defaultMaxPixels } = options;
  if (bytes.length === 0) throw new ImageError("empty file");
  if (startsWith(bytes, pngSignature)) return decodePng(bytes, background, maxPixels);
  if (startsWith(bytes, [0xff, 0xd8, 0xff])) return decodeJpeg(bytes, maxPixels);
  const start = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  throw new ImageError(`not a PNG or JPEG image (starts with ${start})`);
}

/** A picture with its transparency kept; alpha is [h, w], 255 opaque, null where all of it is. */
export interface Layer {
  readonly picture: Rgb8;
  readonly alpha: Uint8Array | null;
}

/** The same without compositing: colours as they are stored under the transparency. Throws ImageError. */
export function decodeLayer(bytes: Uint8Array, maxPixels = defaultMaxPixels): Layer {
  if (!startsWith(bytes, pngSignature)) return { picture: decodeImage(bytes, { maxPixels }), alpha: null };
  const { picture, alpha } = decodePngLayer(bytes, maxPixels);
  return { picture, alpha: alpha.every((a) => a === 255) ? null : alpha };
}
