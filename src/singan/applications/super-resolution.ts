// Super-resolution: the photo enlarged in small steps, each refined by the finest generator, whose scale has the patches of the photo.
// Official code: SR.py. Training is that of the recipe "sr" (config.ts); a model of one factor serves others too.

import { crop, type Planes } from "../../image/planes.ts";
import { ceilSize, floorSize, imresize } from "../../image/resample.ts";
import { OptionError, type Size, SUPER_RESOLUTION, type TrainOptions } from "../config.ts";
import type { DrawOptions, Sampler } from "../generate.ts";
import type { Model } from "../model.ts";
import type { Path, Stage } from "../path.ts";

/** Factors that can be asked for; below, rounding leaves no step. */
export const FACTORS = { low: 1.2, high: 8 } as const;

/** The step is as near to this as whole steps allow. */
const STEP = 2 ** (1 / 3);

export interface Steps {
  readonly count: number;
  /** r, by which each step enlarges: factor^(1/count). */
  readonly factor: number;
}

/** How a factor is taken: round(log s / log 2^(1/3)) steps of s^(1/count). Throws OptionError for a factor outside 1.2 … 8. */
export function stepsOf(factor: number): Steps {
  if (!(factor >= FACTORS.low && factor <= FACTORS.high))
    throw new OptionError(`factor must be a number from ${FACTORS.low} to ${FACTORS.high}, not ${factor}`);
  const count = Math.round(Math.log(factor) / Math.log(STEP));
  return { count, factor: factor ** (1 / count) };
}

/** What a training for a factor fixes, whatever the rest: α, the coarsest side, and scales as far apart as the factor's steps. */
export function superResolutionOptions(factor: number): Pick<TrainOptions, "recipe" | "alphaRec" | "minSize" | "scaleFactor"> {
  const { recipe, alphaRec, minSize } = SUPER_RESOLUTION;
  return { recipe, alphaRec, minSize, scaleFactor: 1 / stepsOf(factor).factor };
}

/** ⌊s·width⌋ x ⌊s·height⌋. */
export const enlargedSize = ({ width, height }: Size, factor: number): Size => ({
  width: floorSize(width * factor),
  height: floorSize(height * factor),
});

/**
 * The steps as a path: sizes ⌈side·r⌉ from the photo on, of which the last covers `enlargedSize`; the finest generator each time, with
 * one channel of noise in the first step and three after it. Throws OptionError for a factor, or a model without its finest scale.
 */
export function superResolutionPath({ sizes, scales, photo }: Model, factor: number): Path {
  const { count, factor: step } = stepsOf(factor);
  if (scales.length < sizes.length)
    throw new OptionError(`the model has ${scales.length} of ${sizes.length} scales: super-resolution needs the finest`);
  const stages: Stage[] = [];
  let size: Size = photo;
  for (let i = 0; i < count; i++) {
    size = { width: ceilSize(size.width * step), height: ceilSize(size.height * step) };
    stages.push({ scale: scales.length - 1, size, noise: "random", grey: i === 0 });
  }
  return { stages, start: imresize(photo, step, { size: stages[0]!.size }), factor: 1 / step };
}

/** The model's photo enlarged, ⌊s·width⌋ x ⌊s·height⌋; another seed, another guess at what can't be seen. Throws as superResolutionPath. */
export async function superResolution(
  sampler: Sampler,
  factor: number,
  options: Pick<DrawOptions, "seed" | "noise">,
): Promise<Planes> {
  const { model } = sampler;
  const picture = await sampler.draw(superResolutionPath(model, factor), options);
  const { width, height } = enlargedSize(model.photo, factor);
  return crop(picture, 0, 0, width, height);
}
