// Whether a training has ended in a model that makes nothing: its losses may be finite all the same.

import { type Planes, rmse } from "../../image/planes.ts";
import type { Preview } from "../model/model.ts";

/** A reconstruction this many times as far from the photo as one colour is. */
const FAR = 2;
/** A sample whose values vary by less than this share of the photo's. */
const FLAT = 0.01;
/** Of networks that have hardly been trained both pictures have one colour. A reconstruction nearer than this has learnt something. */
const LEARNT = 0.7;

/** Each channel's mean, everywhere. */
function meanColour({ width, height, data }: Planes): Planes {
  const area = width * height;
  const means = [0, 1, 2].map((c) => data.subarray(c * area, (c + 1) * area).reduce((sum, v) => sum + v, 0) / area);
  return { width, height, data: data.map((_, i) => means[Math.floor(i / area)]!) };
}

/** How far a picture is from its own mean colour, RMSE in [0,1]. */
const contrast = (picture: Planes): number => rmse(picture, meanColour(picture));

/**
 * What is wrong with the last pictures of a training, as a clause for the user; null where nothing is, and for a photo of one colour. The
 * reconstruction is far more distant from the photo than the photo's mean colour, or it has learnt and the sample has one colour only.
 */
export function collapse({ real, reconstruction, sample }: Preview): string | null {
  const photo = contrast(real);
  if (photo === 0) return null;
  const distance = rmse(real, reconstruction) / photo;
  if (!(distance < FAR)) return "its reconstruction is farther from the photo than one colour is";
  if (distance < LEARNT && !(contrast(sample) > FLAT * photo)) return "its random pictures have one colour only";
  return null;
}
