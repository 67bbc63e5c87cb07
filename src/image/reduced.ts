// Decodes pictures of any accepted size. Large ones are decoded by sharp in threads of its own and reduced, as the demo page does: decoding 100
// megapixels in JavaScript takes 18 s and 1.8 GB, in which no signal is handled. Small pictures have the exact bits of decodeLayer. Node.

import { decodeLayer, type Layer, storedSize } from "./decode.ts";
import { defaultMaxPixels, ImageError } from "./image-error.ts";
import type { Size } from "./planes.ts";

/** The long side of a reduced picture, px. Training uses far smaller sizes. */
const REDUCED_SIDE = 2048;
/** Pictures of more pixels are reduced. decodeLayer takes at most about a second for so many. */
const WHOLE_PIXELS = REDUCED_SIDE ** 2;

const channels = 4;

/** The size that a picture of `size` is reduced to. */
function reducedSize({ width, height }: Size): Size {
  const factor = Math.min(1, REDUCED_SIDE / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * factor)), height: Math.max(1, Math.round(height * factor)) };
}

/**
 * PNG or JPEG → [h, w, 3] u8, upright, with its transparency. A picture of more than 4.2 megapixels is reduced to a long side of 2048 px, in sRGB;
 * `onReduced` is called before, with both sizes as stored. Throws ImageError for anything that is not a complete, undamaged picture.
 */
export async function decodeReduced(bytes: Uint8Array, onReduced: (from: Size, to: Size) => void = () => {}): Promise<Layer> {
  const stored = storedSize(bytes);
  if (stored.width * stored.height <= WHOLE_PIXELS) return decodeLayer(bytes);
  const { default: sharp } = await import("sharp").catch(() => {
    throw new ImageError(
      `a picture of ${stored.width}x${stored.height} needs the npm package sharp, which is not installed: reduce it to at most ${REDUCED_SIDE}x${REDUCED_SIDE}`,
    );
  });
  const size = reducedSize(stored);
  onReduced(stored, size);
  sharp.cache(false);
  const { data, info } = await sharp(bytes, { limitInputPixels: defaultMaxPixels, failOn: "error", autoOrient: true })
    .resize({ width: REDUCED_SIDE, height: REDUCED_SIDE, fit: "inside" })
    .toColourspace("srgb")
    .ensureAlpha()
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true })
    .catch((error: Error) => {
      throw explain(error);
    });
  const { width, height } = info;
  const area = width * height;
  const picture = { width, height, data: new Uint8Array(3 * area) };
  const alpha = new Uint8Array(area);
  for (let p = 0; p < area; p++) {
    for (let c = 0; c < 3; c++) picture.data[3 * p + c] = data[channels * p + c]!;
    alpha[p] = data[channels * p + 3]!;
  }
  return { picture, alpha: alpha.every((a) => a === 255) ? null : alpha };
}

/** Rewords an error of libvips, whose lines repeat each other and name its internals. */
function explain({ message }: Error): ImageError {
  const isCut = /premature end|end of (stream|image|file)|not enough image data|truncated/i.test(message);
  return new ImageError(isCut ? "truncated picture" : "corrupt picture");
}
