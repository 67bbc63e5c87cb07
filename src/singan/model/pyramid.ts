// The pyramid: how many scales a picture trains at, their sizes, the pictures x_0 (coarsest) … x_N (finest),
// and how a picture is brought to the next scale.
// Follows adjust_scales2image and creat_reals_pyramid of the official SinGAN code; the paper counts scales the other way round.

import type { Planes, Size } from "../../image/planes.ts";
import { bicubicTaps, bilinearTaps, ceilSize, imresize, resample, type Taps } from "../../image/resample.ts";
import type { TrainOptions } from "./config.ts";

/** A picture or setting from which no pyramid can be made; the message is one line for the user. */
export class PyramidError extends Error {
  override readonly name = "PyramidError";
  /** `fitting`: settings, each of which alone would let this picture in. */
  constructor(
    message: string,
    readonly fitting: { readonly maxSize?: number; readonly minSize?: number } = {},
  ) {
    super(message);
  }
}

export interface PyramidSettings extends Size {
  /** Short side of the coarsest scale, pixels; default 25. */
  readonly minSize?: number;
  /** Limit on the long side of the finest scale, pixels; default 250. */
  readonly maxSize?: number;
  /** Nominal factor between scales, in (0,1); default 0.75. The factor used is nearer to 1. */
  readonly scaleFactor?: number;
  /** How the logarithms that count scales are rounded; down for super-resolution (adjust_scales2image_SR). */
  readonly counts?: "up" | "down";
}

export interface Pyramid {
  /** Coarsest first; one generator and one discriminator each. */
  readonly sizes: readonly Size[];
  /** The factor really used from a scale to the next coarser one; 1 if there is only one scale. */
  readonly scaleFactor: number;
  /** Size of each scale relative to the finest; the last is 1. */
  readonly factors: readonly number[];
  /** Size of the finest scale relative to the photo: min(maxSize / long side, 1). */
  readonly scale1: number;
  /** Index of the finest scale. */
  readonly stopScale: number;
}

/**
 * Sizes of all scales. With m, M the photo's short and long side and logarithms to the base scaleFactor:
 *   N = ⌈log(minSize/m)⌉ + 1 − ⌈log(min(maxSize, M)/M)⌉  (⌊·⌋ for counts = down),  s = (minSize/short side of x_N)^(1/N),  x_n: ⌈side of x_N · s^(N−n)⌉.
 * If the short side of x_N is minSize, this is the only scale. Throws PyramidError if it is shorter.
 */
export function pyramidSizes(settings: PyramidSettings): Pyramid {
  const { width, height, minSize = 25, maxSize = 250, scaleFactor: nominal = 0.75, counts = "up" } = settings;
  if (!(nominal > 0 && nominal < 1)) throw new PyramidError(`the scale factor must lie between 0 and 1, not ${nominal}`);
  const { finest, scale1 } = finestScale({ width, height, minSize, maxSize });
  const finestShort = Math.min(finest.width, finest.height);
  if (finestShort === minSize) return { sizes: [finest], scaleFactor: 1, factors: [1], scale1, stopScale: 0 };

  // At least 1: finestShort > minSize means minSize/short < min(maxSize, long)/long, so the first logarithm is the larger one.
  const log = (x: number): number => Math.log(x) / Math.log(nominal);
  const long = Math.max(width, height);
  const count = counts === "up" ? ceilSize : (x: number) => Math.floor(x + 1e-6);
  const stopScale = count(log(minSize / Math.min(width, height))) + 1 - count(log(Math.min(maxSize, long) / long));
  const scaleFactor = (minSize / finestShort) ** (1 / stopScale);
  const factors = Array.from({ length: stopScale + 1 }, (_, n) => scaleFactor ** (stopScale - n));
  return { sizes: reduced(finest, factors), scaleFactor, factors, scale1, stopScale };
}

/**
 * ConSinGAN's pyramid, with small steps between the coarse stages: with N = stages − 1 and f = (minSize/short side of x_N)^(1/N),
 *   x_n: ⌈side of x_N · f^e⌉, e = (N−1)/ln N · ln(N−n) + 1 for n < N.
 * With two stages e is 1. If the short side of x_N is minSize, all stages have this size. Throws PyramidError as above.
 * Official code: create_reals_pyramid of tohinz/ConSinGAN.
 */
export function concurrentPyramidSizes(settings: Size & { minSize: number; maxSize: number; stages: number }): Pyramid {
  const { finest, scale1 } = finestScale(settings);
  const stopScale = settings.stages - 1;
  const scaleFactor = stopScale === 0 ? 1 : (settings.minSize / Math.min(finest.width, finest.height)) ** (1 / stopScale);
  const slope = stopScale > 1 ? (stopScale - 1) / Math.log(stopScale) : 0;
  const factors = Array.from({ length: settings.stages }, (_, n) =>
    n === stopScale ? 1 : scaleFactor ** (slope * Math.log(stopScale - n) + 1),
  );
  return { sizes: reduced(finest, factors), scaleFactor, factors, scale1, stopScale };
}

const reduced = ({ width, height }: Size, factors: readonly number[]): Size[] =>
  factors.map((factor) => ({ width: ceilSize(width * factor), height: ceilSize(height * factor) }));

/** x_N: the picture with its long side limited. Throws PyramidError where its short side is then too short. */
function finestScale(settings: Size & { minSize: number; maxSize: number }): { finest: Size; scale1: number } {
  const { width, height, minSize, maxSize } = settings;
  for (const [name, value] of Object.entries({ width, height, minSize, maxSize })) {
    if (!Number.isInteger(value) || value < 1) throw new PyramidError(`${name} must be a positive whole number, not ${value}`);
  }
  const short = Math.min(width, height);
  const long = Math.max(width, height);
  if (short < minSize)
    throw new PyramidError(`the picture is ${width}x${height}: its short side must be at least ${minSize} pixels`, {
      minSize: short,
    });

  const scale1 = Math.min(maxSize / long, 1);
  const finest = { width: ceilSize(width * scale1), height: ceilSize(height * scale1) };
  const finestShort = Math.min(finest.width, finest.height);
  if (finestShort < minSize) {
    const needed = Math.ceil((minSize * long) / short);
    throw new PyramidError(
      `a max size of ${maxSize} reduces this picture of ${width}x${height} pixels to ${finest.width}x${finest.height}, which is too ` +
        `narrow to learn from: its short side must have at least ${minSize}. Choose a max size of ${needed}, or crop the picture`,
      { maxSize: needed, minSize: finestShort },
    );
  }
  return { finest, scale1 };
}

/**
 * x_n for every scale, coarsest first: each made straight from x_N, and x_N from the picture, by antialiased bicubic with mirrored
 * borders, clamped to [-1,1]. Unlike the official code nothing goes through 8 bits. Sampling positions follow the factors. The
 * sizes are those of `pyramid`, so that a test can set the official ones.
 */
export function buildPyramid(picture: Planes, { sizes, factors, scale1, stopScale }: Pyramid): Planes[] {
  const finest = imresize(picture, scale1, sizes[stopScale]!);
  return sizes.map((size, n) => (n === stopScale ? finest : imresize(finest, factors[n]!, size)));
}

/** Resampling table from one scale to the next, on the grid of the official imresize, cropped or extended to outSize (docs/adr/0002). */
export function enlargement(kind: TrainOptions["upsample"], factor: number, inSize: number, outSize: number): Taps {
  return kind === "bicubic" ? bicubicTaps(inSize, 1 / factor, outSize) : bilinearTaps(inSize, outSize, 1 / factor);
}

/** Enlarges a picture with these tables on the CPU, clamped to [-1,1]. */
export function enlarge(picture: Planes, factor: number, { width, height }: Size, kind: TrainOptions["upsample"]): Planes {
  const taps = (inSize: number, outSize: number) => enlargement(kind, factor, inSize, outSize);
  const { data } = resample(picture, taps(picture.height, height), taps(picture.width, width));
  return { width, height, data: data.map((x) => Math.min(Math.max(x, -1), 1)) };
}
