// The one error of the picture readers, and the checks on a picture's announced size that PNG and JPEG share.
// Sizes are checked before anything is decoded: a file of a few bytes can announce gigabytes.

/** A picture that cannot be read; the message is one line for the user. */
export class ImageError extends Error {
  override readonly name = "ImageError";
  constructor(message: string) {
    super(message.replace(/\s+/g, " ").trim());
  }
}

/** 100 megapixels: more than any camera a picture for SinGAN comes from; it trains on 250 px. */
export const defaultMaxPixels = 100e6;

/** A JPEG's own limit; a PNG could go to 2^31 − 1. */
const maxSide = 65_535;

export function checkSize(width: number, height: number, maxPixels: number): void {
  if (width === 0 || height === 0) throw new ImageError(`empty picture (${width}x${height})`);
  if (width > maxSide || height > maxSide || width * height > maxPixels) {
    const megapixels = Number((maxPixels / 1e6).toPrecision(3));
    throw new ImageError(`picture too large: ${width}x${height} (the limit is ${megapixels} megapixels, ${maxSide} per side)`);
  }
}
