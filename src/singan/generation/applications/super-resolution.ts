// Super-resolution: the photo goes several times through an enlargement and the finest generator, which adds the detail of its scale.
// Official code: SR.py, without its portrait bug (its pyramid takes the wrong axis for the short side).

import { imresize } from "../../../image/resample.ts";
import { OptionError, type Size, type TrainOptions } from "../../model/config.ts";
import type { Model } from "../../model/model.ts";
import type { Path } from "../path.ts";

/** Below, no step of about 2^⅓ is left, and a training's scales would be too many. */
export const SMALLEST_FACTOR = 1.2;
export const LARGEST_FACTOR = 8;
/** The official in_scale0: three steps double the size. */
const STEP = 2 ** (1 / 3);

export interface SrSteps {
  readonly count: number;
  /** Of each step. */
  readonly factor: number;
}

/** As many steps of about 2^⅓ as make up `factor`, all alike: count = round(log factor / log 2^⅓). Throws OptionError unless 1.2 ≤ factor ≤ 8. */
export function srSteps(factor: number): SrSteps {
  if (!(factor >= SMALLEST_FACTOR && factor <= LARGEST_FACTOR))
    throw new OptionError(`factor must be a number from ${SMALLEST_FACTOR} to ${LARGEST_FACTOR}, not ${factor}`);
  const count = Math.round(Math.log(factor) / Math.log(STEP));
  return { count, factor: factor ** (1 / count) };
}

/** What a training for super-resolution has other than a plain one: α = 100 and a pyramid whose steps are those of the enlargement. */
export const srOptions = (factor: number) =>
  ({
    recipe: "sr",
    alphaRec: 100,
    minSize: 18,
    scaleFactor: 1 / srSteps(factor).factor,
  }) as const satisfies Partial<TrainOptions>;

/** Of the result: ⌊factor·side⌋. */
export const srSize = ({ width, height }: Size, factor: number): Size => ({
  width: Math.floor(width * factor + 1e-6),
  height: Math.floor(height * factor + 1e-6),
});

/**
 * The photo, enlarged step by step: sizes grow by ⌈side·r⌉, and the last is cropped to srSize. The first step's noise is the same for all
 * colours, as in the official code. Throws OptionError for a factor out of range, or a model without its finest scale.
 */
export function srPath(model: Model, factor: number): Path {
  const steps = srSteps(factor);
  const scale = model.scales.length - 1;
  const trained = model.sizes[scale]!;
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
  const stages = sizes.map((size, j) => ({ scale, size, noise: "random" as const, grey: j === 0 }));
  return { stages, start, factor: 1 / steps.factor, crop: srSize(trained, factor) };
}
