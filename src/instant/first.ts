// The pictures that are shown of a photo at once, before anything is trained: small enough to take seconds.

import type { Planes } from "../image/planes.ts";
import { imresizeTo } from "../image/resample.ts";
import { checkInstant, InstantError, type InstantOptions, instantOptions, pairsOf, SMALLEST_SIDE } from "./options.ts";

/** How many are shown. */
export const FIRST_COUNT = 6;
/** Pairs of patches in a step of all scales: those of 96x96 px are a fifth of it. */
const MOST_PAIRS = 3e8;

/** A photo whose long side is at most maxSize, or where its short side would be too short, as small as that allows. */
export function reducedTo(photo: Planes, maxSize: number): Planes {
  const [short, long] = [Math.min(photo.width, photo.height), Math.max(photo.width, photo.height)];
  const factor = Math.max(maxSize / long, SMALLEST_SIDE / short);
  if (factor >= 1) return photo;
  const side = (length: number) => Math.max(SMALLEST_SIDE, Math.round(length * factor));
  return imresizeTo(photo, { width: side(photo.width), height: side(photo.height) });
}

/** The photo for such pictures, of at most `maxSize` px, and their options. Throws InstantError where it is too small or too long. */
export function firstInstant(photo: Planes, maxSize: number): { readonly photo: Planes; readonly options: InstantOptions } {
  const small = reducedTo(photo, maxSize);
  const options = instantOptions(small);
  checkInstant([small], small, options);
  if (pairsOf([small], small, options).reduce((a, b) => a + b, 0) > MOST_PAIRS)
    throw new InstantError(`a photo of ${photo.width}x${photo.height} is too long: pictures of its shape take minutes`);
  return { photo: small, options };
}
