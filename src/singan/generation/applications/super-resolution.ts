// Super-resolution: several times, the photo is enlarged and the finest generator adds the detail of its scale.
// Official code: SR.py, without its error for portraits (its pyramid mistakes the axis of the short side).

import { imresize } from "../../../image/resample.ts";
import { OptionError, type Size, type TrainOptions } from "../../model/config.ts";
import type { Model } from "../../model/model.ts";
import type { Path } from "../path.ts";
import { trainedSize } from "../sampling.ts";

/** A smaller factor has no step of about 2^⅓, and a training for it would have too many scales. */
export const SMALLEST_FACTOR = 1.2;
export const LARGEST_FACTOR = 8;
/** The factor of one step, the official in_scale0: three steps double the size. */
const STEP = 2 ** (1 / 3);

/** Divides `factor` into equal steps of about 2^⅓ and returns their count and the factor of each: count = round(log factor / log 2^⅓). Throws OptionError unless 1.2 ≤ factor ≤ 8. */
export function srSteps(factor: number): { readonly count: number; readonly factor: number } {
  if (!(factor >= SMALLEST_FACTOR && factor <= LARGEST_FACTOR))
    throw new OptionError(`factor must be a number from ${SMALLEST_FACTOR} to ${LARGEST_FACTOR}, not ${factor}`);
  const count = Math.round(Math.log(factor) / Math.log(STEP));
  return { count, factor: factor ** (1 / count) };
}

/** The options of a training for super-resolution that differ from a plain one: α = 100, and a pyramid with the steps of the enlargement. */
export const srOptions = (factor: number) =>
  ({
    recipe: "sr",
    alphaRec: 100,
    averageOver: 0,
    alphaShare: 1,
    minSize: 18,
    scaleFactor: 1 / srSteps(factor).factor,
  }) as const satisfies Partial<TrainOptions>;

/** The size of the result: ⌊factor·side⌋. */
export const srSize = ({ width, height }: Size, factor: number): Size => ({
  width: Math.floor(width * factor + 1e-6),
  height: Math.floor(height * factor + 1e-6),
});

/**
 * The photo is enlarged step by step to sizes of ⌈side·r⌉, and the last picture is cropped to srSize(). The noise of the first step is the
 * same for all colours, as in the official code. Throws OptionError for a factor out of range, or a model without its finest scale.
 */
export function srPath(model: Model, factor: number): Path {
  const steps = srSteps(factor);
  const scale = model.scales.length - 1;
  const trained = trainedSize(model);
  const { photo } = model;
  if (photo.width !== trained.width || photo.height !== trained.height)
    throw new OptionError(
      `the model is trained to scale ${scale} of ${model.sizes.length - 1} only: super-resolution needs the finest`,
    );
  const start = imresize(photo, steps.factor);
  const larger = (side: number) => Math.ceil(side * steps.factor - 1e-6);
  const sizes: Size[] = [{ width: start.width, height: start.height }];
  for (let j = 1; j < steps.count; j++) {
    const { width, height } = sizes[j - 1]!;
    sizes.push({ width: larger(width), height: larger(height) });
  }
  const stages = sizes.map((size, j) => ({
    scale,
    size,
    noise: "random" as const,
    statistics: "reconstruction" as const,
    grey: j === 0,
  }));
  return { stages, start, factor: 1 / steps.factor, crop: srSize(trained, factor) };
}
