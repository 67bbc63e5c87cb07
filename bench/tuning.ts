// The kernels that a training would use, found by the tuner.

import type { Gpu } from "../src/gpu/device.ts";
import type { TuningStore } from "../src/runtime/tune.ts";
import { Tuner } from "../src/runtime/tuner.ts";
import { tuneTraining } from "../src/singan/recipes.ts";
import type { TrainingPlan } from "../src/singan/training/plan.ts";

/** Keeps nothing. */
export const NO_STORE: TuningStore = { read: async () => ({}), write: async () => {}, clear: async () => {} };

/** Time per scale, as the command line has it. */
const TUNING_MS = 3000;

/** Tunes as the first training on a computer does, unless `store` has the results. On software adapters it stops where a scale takes much longer than its budget. */
export async function tune(
  gpu: Gpu,
  plan: Pick<TrainingPlan, "pyramid" | "options">,
  store: TuningStore,
  scales: readonly number[] = [...plan.pyramid.sizes.keys()],
): Promise<void> {
  const tuner = await Tuner.open(gpu, store);
  for (const scale of scales) {
    const start = performance.now();
    await tuneTraining(gpu, tuner, plan, { budgetMs: TUNING_MS, includes: (level) => level === scale });
    // On software single runs exceed the budget, and larger scales would take minutes.
    if (gpu.isSoftware && performance.now() - start > 2 * TUNING_MS) return;
  }
}
