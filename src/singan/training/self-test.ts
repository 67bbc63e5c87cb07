// The self-test at the start of a training: every kernel that it runs is compared with CPU values.

import type { Gpu } from "../../gpu/device.ts";
import { graphsOf } from "./dry-run.ts";
import type { TrainingOutline } from "./recipe.ts";

/**
 * Compares every kernel that a training runs with CPU values, which takes some ms beyond the compilation that the training needs anyway.
 * Returns a line for the user per variant of a convolution that computes wrong results and is therefore not used. Throws GpuError, which
 * names the adapter and the kernel, where the training can't do without it.
 */
export async function selfTestBy(gpu: Gpu, outline: TrainingOutline): Promise<string[]> {
  const [{ testKernels }, ...graphs] = await Promise.all([
    import("../../runtime/self-test.ts"), // with the f64 reference of all ops: a chunk of its own
    ...outline.pyramid.sizes.map((_, level) => graphsOf(gpu, outline, level)),
  ]);
  const wrong = await testKernels(gpu, graphs.flat());
  return wrong.map((name) => `this GPU computes wrong results with the kernel ${name}, which is not used`);
}
