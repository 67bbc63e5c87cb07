// The error of pictures that can't be read, and the limits of their size. Both are the same on the command line and on the page.

import type { Size } from "./planes.ts";

/** A picture can't be decoded. The message is one line for the user. */
export class ImageError extends Error {
  override readonly name = "ImageError";
  constructor(message: string) {
    super(message.replace(/[\s\p{Cc}\p{Cf}]+/gu, " ").trim());
  }
}

/** 100 megapixels: more than cameras have, and far more than the 250 px that SinGAN trains on. */
export const MAX_PIXELS = 100e6;

/** Throws ImageError for a picture of more than `maxPixels` pixels. */
export function checkPixels({ width, height }: Size, maxPixels = MAX_PIXELS): void {
  if (width * height <= maxPixels) return;
  const megapixels = Number((maxPixels / 1e6).toPrecision(3));
  throw new ImageError(`picture too large: ${width}x${height} (the limit is ${megapixels} megapixels)`);
}

/** The long side of a reduced picture, px. Training uses far smaller sizes. */
const REDUCED_SIDE = 2048;

/** The size that a picture is reduced to: its long side is at most 2048 px. A smaller picture keeps its size. */
export function reducedSize({ width, height }: Size): Size {
  const factor = Math.min(1, REDUCED_SIDE / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * factor)), height: Math.max(1, Math.round(height * factor)) };
}
