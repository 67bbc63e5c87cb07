// The error of the picture decoders, and the check of a picture's size that PNG and JPEG share.
// The size in the header is checked before anything is decoded: a file of a few bytes can announce gigabytes.

/** A picture can't be decoded. The message is one line for the user. */
export class ImageError extends Error {
  override readonly name = "ImageError";
  constructor(message: string) {
    super(message.replace(/[\s\p{Cc}\p{Cf}]+/gu, " ").trim());
  }
}

/** The error of a decoder as one for the user. An error of JavaScript itself, such as TypeError, says nothing to users. */
export function internal(format: string, error: unknown): ImageError {
  const isOwn = error instanceof Error && Object.getPrototypeOf(error) === Error.prototype;
  return new ImageError(isOwn ? `corrupt ${format} (${error.message})` : `corrupt ${format}`);
}

/** 100 megapixels: more than cameras have, and far more than the 250 px that SinGAN trains on. */
export const defaultMaxPixels = 100e6;

/** The limit of the JPEG format; PNG's own is 2^31 − 1. */
const maxSide = 65_535;

/** Throws ImageError for an empty picture, or one of more than `maxPixels` pixels or 65,535 per side. */
export function checkSize(width: number, height: number, maxPixels: number): void {
  if (width === 0 || height === 0) throw new ImageError(`empty picture (${width}x${height})`);
  if (width > maxSide || height > maxSide || width * height > maxPixels) {
    const megapixels = Number((maxPixels / 1e6).toPrecision(3));
    throw new ImageError(`picture too large: ${width}x${height} (the limit is ${megapixels} megapixels, ${maxSide} per side)`);
  }
}
