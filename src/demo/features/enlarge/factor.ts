// How large an enlargement may be, and what its files are called.

import type { Size } from "../../../image/planes.ts";
import { LARGEST_FACTOR } from "../../../singan/generation/applications/super-resolution.ts";
import type { EnlargeRequest } from "./messages.ts";

/** Long side of the largest result, px: larger ones would take too long to show. */
const LARGEST_SIDE = 2048;

/** The largest factor for a photo of this size, in tenths. */
export const largestFactor = ({ width, height }: Size): number =>
  Math.min(LARGEST_FACTOR, Math.floor((10 * LARGEST_SIDE) / Math.max(width, height)) / 10);

/** Names of the files of the pictures after and before, without extension. */
export const enlargedNames = (
  name: string,
  { factor, seed, noise }: EnlargeRequest,
): readonly [after: string, before: string] => [
  `${name}-x${factor}-${noise === "none" ? "no-noise" : `seed-${seed}`}`,
  `${name}-x${factor}-bicubic`,
];
