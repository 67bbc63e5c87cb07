// The scales of the recipe `instant`: halves of halves, and a coarsest one with a short side of its own.

import { NO_WRAPS, type Planes, type Size, type Wraps } from "../image/planes.ts";
import { bicubicTaps, ceilSize, resample } from "../image/resample.ts";

/** Each scale has half the sides of the next finer one. */
const FACTOR = 0.5;

export const shortSide = ({ width, height }: Size): number => Math.min(width, height);

/**
 * Factors from the full size to each scale, the finest (1) first: 1, ½, ¼, … as long as the photo's short side stays at least `coarsest`; the
 * last one, if it is not the finest, becomes coarsest/short side. Where ½ is too small already, it is the second one.
 */
export function scaleFactors(photo: Size, coarsest: number): number[] {
  const short = shortSide(photo);
  const factors = [1];
  while (ceilSize(short * factors.at(-1)! * FACTOR) >= coarsest) factors.push(factors.at(-1)! * FACTOR);
  if (factors.length > 1) factors.pop();
  return coarsest < short ? [...factors, coarsest / short] : factors;
}

/** The sizes of a picture at each scale, rounded up, and at least a patch, but never larger than at the next finer scale. */
export function scaleSizes(size: Size, factors: readonly number[], patch: number): Size[] {
  const side = (length: number, factor: number) => Math.min(length, Math.max(patch, ceilSize(length * factor)));
  return factors.map((factor) => ({ width: side(size.width, factor), height: side(size.height, factor) }));
}

/** Antialiased bicubic resize, not clamped. Axes that wrap continue at their other end. */
export function resized(planes: Planes, { width, height }: Size, wraps: Wraps): Planes {
  if (planes.width === width && planes.height === height) return planes;
  const taps = (from: number, to: number, wrap: boolean) => bicubicTaps(from, to / from, to, wrap);
  return resample(planes, taps(planes.height, height, wraps.y), taps(planes.width, width, wraps.x));
}

/** A picture at each of these sizes, each made from the one before; the first is the picture's own. */
export function reductions(picture: Planes, sizes: readonly Size[], wraps = NO_WRAPS): Planes[] {
  let last = picture;
  return sizes.map((size) => {
    last = resized(last, size, wraps);
    return last;
  });
}
