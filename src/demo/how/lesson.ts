// What the view "How it works" shows of a source: the photo at all scales, and what a patch sees there. Pure.

import { crop, type Planes, type Size, toPlanes } from "../../image/planes.ts";
import { imresizeTo } from "../../image/resample.ts";
import { instantOptions } from "../../instant/options.ts";
import { scaleFactors, scaleSizes } from "../../instant/scales.ts";
import { RECEPTIVE_FIELD } from "../../singan/model/config.ts";
import type { Source } from "../features/feature.ts";

export interface Lesson {
  /** Side of a patch, px. */
  readonly patch: number;
  /** The photo at each scale, coarse to fine. */
  readonly photos: readonly Planes[];
}

/** Of a model, its trained scales; of a photo without one, those of its instant pictures. */
export function lessonOf(source: Source): Lesson {
  const photo = toPlanes(source.photo);
  const at = (sizes: readonly Size[]): Planes[] => sizes.map((size) => imresizeTo(photo, size));
  if (source.kind === "model") return { patch: RECEPTIVE_FIELD, photos: at(source.sizes.slice(0, source.scales)) };
  const { patch, coarsest } = instantOptions(photo);
  return { patch, photos: at(scaleSizes(photo, scaleFactors(photo, coarsest), patch).reverse()) };
}

/** The patch in the middle of a picture: where it is, as shares of the sides, and what can be seen in it. */
export interface MiddlePatch {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly seen: Planes;
}

export function middlePatch(photo: Planes, patch: number): MiddlePatch {
  const [x, y] = [Math.floor((photo.width - patch) / 2), Math.floor((photo.height - patch) / 2)];
  return {
    ...{ left: x / photo.width, top: y / photo.height, width: patch / photo.width, height: patch / photo.height },
    seen: crop(photo, x, y, patch, patch),
  };
}
