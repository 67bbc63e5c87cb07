// How large an enlargement may be, and what its files are called.

import type { Size } from "../../../image/planes.ts";
import { LARGEST_FACTOR } from "../../../singan/generation/applications/super-resolution.ts";
import type { EnlargeRequest } from "./messages.ts";

/** Long side of the largest result, px: where the computer has much memory, and where it has little or does not tell. */
const [LARGEST_SIDE, LARGEST_SAFE_SIDE] = [4096, 2048];
/** A result of the largest size takes about 1 GiB on its way to the stage. */
const MUCH_GIB = 4;

/** The largest factor for a photo of this size, in tenths, on a computer with this memory. */
export function largestFactor({ width, height }: Size, memoryGib: number | undefined): number {
  const side = memoryGib !== undefined && memoryGib >= MUCH_GIB ? LARGEST_SIDE : LARGEST_SAFE_SIDE;
  return Math.min(LARGEST_FACTOR, Math.floor((10 * side) / Math.max(width, height)) / 10);
}

/** Names of the files of the pictures after and before, without extension. */
export const enlargedNames = (
  name: string,
  { factor, seed, noise }: EnlargeRequest,
): readonly [after: string, before: string] => [
  `${name}-x${factor}-${noise === "none" ? "no-noise" : `seed-${seed}`}`,
  `${name}-x${factor}-bicubic`,
];
