// The options of instant pictures: their defaults, their limits, and the work that they mean.

import { NO_WRAPS, type Size, type Wraps } from "../image/planes.ts";
import { scaleFactors, scaleSizes, shortSide } from "./scales.ts";

/** Evaluations of the denoiser per scale. */
export const STEPS = 10;

/** Options that can't be used together, or with these photos. The message is one line. */
export class InstantError extends Error {
  override readonly name = "InstantError";
}

export interface InstantOptions {
  /** Side of a patch, in pixels. */
  readonly patch: number;
  /** Short side of the photo at the coarsest scale. Smaller: more varied; larger: closer to the photo's layout. */
  readonly coarsest: number;
  /** Of the noise after each step, this share is new: 0 to 1. */
  readonly eta: number;
  readonly wraps: Wraps;
}

export const LARGEST_PATCH = 21;
const SMALLEST_PATCH = 3;
/** The shortest side of a photo or a picture. */
export const SMALLEST_SIDE = 25;

/** Sides of patches for photos with at least this short side: small pictures have small structures. */
const PATCHES = [
  { from: 150, patch: 15 },
  { from: 72, patch: 11 },
  { from: 40, patch: 7 },
  { from: 0, patch: 5 },
] as const;
/** The coarsest short side in patches. */
const COARSEST = 4 / 3;

/** The options for a photo, where they are not given (docs/adr/0015). */
export function instantOptions(photo: Size, given: Partial<InstantOptions> = {}): InstantOptions {
  const patch = given.patch ?? PATCHES.find(({ from }) => shortSide(photo) >= from)!.patch;
  return { eta: 0, wraps: NO_WRAPS, coarsest: Math.ceil(COARSEST * patch), ...given, patch };
}

/** Throws InstantError where pictures of this size can't be made of these photos with these options. */
export function checkInstant(photos: readonly Size[], size: Size, { patch, coarsest, eta }: InstantOptions): void {
  const whole = (name: string, value: number, low: number, high: number) => {
    if (!Number.isInteger(value) || value < low || value > high)
      throw new InstantError(`${name} must be a whole number from ${low} to ${high}, not ${value}`);
  };
  whole("patch", patch, SMALLEST_PATCH, LARGEST_PATCH);
  for (const { width, height } of photos)
    if (Math.min(width, height) < SMALLEST_SIDE)
      throw new InstantError(`a photo of ${width}x${height} is too small: its sides must have at least ${SMALLEST_SIDE} pixels`);
  if (shortSide(size) < SMALLEST_SIDE)
    throw new InstantError(
      `a picture of ${size.width}x${size.height} is too small: its sides must have at least ${SMALLEST_SIDE} pixels`,
    );
  whole("coarsest", coarsest, patch, shortSide(photos[0]!));
  if (!(eta >= 0 && eta <= 1)) throw new InstantError(`eta must be from 0 to 1, not ${eta}`);
}

/** The pairs of patches that each scale compares in one of its steps, the finest first. */
export function pairsOf(photos: readonly Size[], size: Size, { patch, coarsest, wraps }: InstantOptions): number[] {
  const factors = scaleFactors(photos[0]!, coarsest);
  const patches = ({ width, height }: Size, { x, y } = NO_WRAPS) =>
    (x ? width : width - patch + 1) * (y ? height : height - patch + 1);
  const known = photos.map((photo) => scaleSizes(photo, factors, patch).map((one) => patches(one)));
  return scaleSizes(size, factors, patch).map((one, i) => patches(one, wraps) * known.reduce((sum, all) => sum + all[i]!, 0));
}

/** The share of the work of a picture that is done after a step. */
export function shareDone(pairs: readonly number[], { scale, t }: { readonly scale: number; readonly t: number }): number {
  const total = pairs.reduce((a, b) => a + b, 0);
  const coarser = pairs.slice(scale + 1).reduce((a, b) => a + b, 0);
  return (coarser + (pairs[scale]! * (STEPS + 1 - t)) / STEPS) / total;
}
