// Finds the fastest kernels for the convolutions that a training runs, level by level.

import type { Gpu } from "../../gpu/device.ts";
import { casesOf, type Tuner } from "../../runtime/tuner.ts";
import { graphsOf } from "./dry-run.ts";
import type { TrainingPlan } from "./plan.ts";
import type { TrainingRecipe } from "./recipe.ts";

export type TuneOptions = Parameters<Tuner["tune"]>[1] & {
  /** Whether to tune for a level; by default for all. */
  readonly includes?: (level: number) => boolean;
};

/** Times what the tuning table does not know yet, `budgetMs` per level at most; what is not timed runs by the static choice. */
export async function tuneBy(
  gpu: Gpu,
  tuner: Tuner,
  recipe: TrainingRecipe,
  { pyramid, options }: Pick<TrainingPlan, "pyramid" | "options">,
  { includes = () => true, ...limits }: TuneOptions = {},
): Promise<void> {
  for (const level of pyramid.sizes.keys()) {
    if (includes(level)) await tuner.tune(casesOf(await graphsOf(gpu, recipe, pyramid, options, level)), limits);
  }
}
