// A level's training set up on made-up values: to compile it, to count the memory that it takes, to list its convolutions, or to time it.

import type { Gpu } from "../../gpu/device.ts";
import type { Graph } from "../../runtime/plan.ts";
import type { TrainOptions } from "../model/config.ts";
import type { Pyramid } from "../model/pyramid.ts";
import type { LevelTrainer } from "./level-trainer.ts";
import { madeUpPicture, NOISE, ZEROS } from "./made-up.ts";
import type { TrainingRecipe } from "./recipe.ts";

/** Sets up the trainer of one level on `gpu`, hands it to `use` and frees all that it takes. */
export async function withTrainer<T>(
  gpu: Gpu,
  recipe: TrainingRecipe,
  pyramid: Pyramid,
  options: TrainOptions,
  level: number,
  use: (trainer: LevelTrainer) => Promise<T> | T,
  values = NOISE,
): Promise<T> {
  const reals = pyramid.sizes.map((size, k) => madeUpPicture(k === level || k === 0 ? size : { width: 0, height: 0 }, 0, values));
  const course = recipe.begin(gpu, { options, pyramid, reals }, recipe.madeUp(pyramid, level, options, values));
  try {
    const trainer = await course.open(level);
    try {
      return await use(trainer);
    } finally {
      trainer.dispose();
    }
  } finally {
    course.dispose();
  }
}

/** Compiles the kernels of a level while another one trains. What fails here fails again, and is reported, when the level begins. */
export async function compileAhead(
  gpu: Gpu,
  recipe: TrainingRecipe,
  pyramid: Pyramid,
  options: TrainOptions,
  level: number,
): Promise<void> {
  await withTrainer(gpu.dryRun(true), recipe, pyramid, options, level, () => {}, ZEROS).catch(() => {});
}

/** GPU memory that a training takes at most, in bytes. Throws GpuError where a buffer is larger than the adapter binds. */
export async function forecastBytes(gpu: Gpu, recipe: TrainingRecipe, pyramid: Pyramid, options: TrainOptions): Promise<number> {
  const bytes = pyramid.sizes.map((_, level) => {
    const dry = gpu.dryRun(false);
    return withTrainer(dry, recipe, pyramid, options, level, () => dry.stats().bytes, ZEROS);
  });
  return Math.max(...(await Promise.all(bytes)));
}

/** The graphs that the training of a level runs. */
export function graphsOf(
  gpu: Gpu,
  recipe: TrainingRecipe,
  pyramid: Pyramid,
  options: TrainOptions,
  level: number,
): Promise<readonly Graph[]> {
  return withTrainer(gpu.dryRun(false), recipe, pyramid, options, level, ({ graphs }) => graphs, ZEROS);
}
