// Times the convolutions at every scale of the pyramid, in every direction: the kernel that training would use, or every candidate.

import { chooseConvolution, convolutionCandidates } from "../src/runtime/conv/families.ts";
import { tuningOf } from "../src/runtime/tune.ts";
import type { OpCase, Variant } from "../src/runtime/variant.ts";
import type { Bench } from "./bench.ts";
import { convFlops, convShapes, DIRECTIONS, type Direction, describeScale } from "./cases.ts";
import { Pace, time } from "./measure.ts";
import { convValues, ourConv } from "./subjects.ts";

/** Shapes of a direction's inputs and result, by which kernels are chosen. */
function opCase(direction: Direction, { x, w, g }: ReturnType<typeof convShapes>): OpCase {
  const cases = {
    conv2d: { inputs: [x, w], shape: g },
    conv2dInput: { inputs: [g, w], shape: x },
    conv2dWeight: { inputs: [x, g], shape: w },
  };
  return { ...cases[direction], attrs: {} };
}

export async function benchConvolutions({ gpu, effort, peak, options, scales, report }: Bench): Promise<void> {
  for (const direction of DIRECTIONS) {
    const paces = new Map<string, Pace>();
    for (const scale of scales) {
      const shapes = convShapes(scale);
      const flops = convFlops(shapes);
      const op = opCase(direction, shapes);
      const chosen = chooseConvolution(direction, op, gpu.profile, tuningOf(gpu));
      const candidates: readonly Variant[] = options.variants ? convolutionCandidates(direction, op, gpu.profile) : [chosen];
      for (const variant of candidates) {
        const pace = paces.get(variant.name) ?? new Pace(effort);
        paces.set(variant.name, pace);
        const timing = await pace.attempt(flops, async () => {
          const ours = await ourConv(gpu, direction, convValues(shapes), variant);
          try {
            return await time(ours.run, effort);
          } finally {
            ours.dispose();
          }
        });
        const kernel = { variant: variant.name, isChosen: variant === chosen };
        const subject = { what: direction, scale: scale.scale, shape: describeScale(scale), ...kernel };
        if (typeof timing === "string") report({ ...subject, skipped: timing });
        else {
          const gflops = flops / timing.medianMs / 1e6;
          report({ ...subject, timing, gflops, shareOfPeak: gflops / peak });
        }
      }
    }
  }
}
