// Times one whole D step and one whole G step at every scale, Adam included, with the programs that training runs.

import type { Gpu } from "../src/gpu/device.ts";
import { submit } from "../src/runtime/program.ts";
import { DEFAULTS } from "../src/singan/model/config.ts";
import { macsPerPass } from "../src/singan/networks/networks.ts";
import { PURPOSE, randomKey } from "../src/singan/networks/noise.ts";
import { recipeOf } from "../src/singan/recipes.ts";
import { withTrainer } from "../src/singan/training/dry-run.ts";
import type { Bench } from "./bench.ts";
import { describeScale, PYRAMID, type ScaleCase } from "./cases.ts";
import { type Effort, Pace, type Timing, time } from "./measure.ts";

/** Passes of D in a D step: real and fake forward and backward, the penalty, and the backpropagation through its gradient. */
const D_PASSES = 12;
/** Passes of G in a G step: backward through the kept fake, forward and backward through the reconstruction. */
const G_PASSES = 5;
/** Floating-point operations: additions and multiplications count separately. */
export const dStepFlops = ({ channels, size }: ScaleCase): number =>
  2 * D_PASSES * macsPerPass("discriminator", channels, size, DEFAULTS);
const gStepFlops = ({ channels, size }: ScaleCase): number => 2 * G_PASSES * macsPerPass("generator", channels, size, DEFAULTS);

/** Times the D step or the G step at a scale of PYRAMID. `onRun` is called before each timed run; an error that it throws ends all. */
export const timeStep = (gpu: Gpu, scale: number, program: "d" | "g", effort: Effort, onRun = (): void => {}): Promise<Timing> =>
  withTrainer(gpu, { recipe: recipeOf(DEFAULTS), options: DEFAULTS, pyramid: PYRAMID }, scale, async (trainer) => {
    onRun();
    const runs = trainer.iteration(0);
    trainer.feed.write({ key: randomKey(0, PURPOSE.training, scale) }); // Adam's step sizes are 0: the weights stay
    submit(
      gpu,
      runs.flatMap(({ before, program: one }) => [...before, one]),
    );
    await gpu.finished();
    const timed = runs.find(({ program: { name } }) => name.endsWith(` ${program}`))!.program;
    return time(async (count) => {
      onRun();
      submit(gpu, Array(count).fill(timed));
      await gpu.finished();
    }, effort);
  });

export async function benchSteps({ gpu, effort, peak, scales, report }: Bench): Promise<void> {
  const steps = [
    { what: "dStep", program: "d", flopsOf: dStepFlops, pace: new Pace(effort) },
    { what: "gStep", program: "g", flopsOf: gStepFlops, pace: new Pace(effort) },
  ] as const;
  for (const scale of scales) {
    for (const { what, program, flopsOf, pace } of steps) {
      const flops = flopsOf(scale);
      const timing = await pace.attempt(flops, () => timeStep(gpu, scale.scale, program, effort));
      const subject = { what, scale: scale.scale, shape: describeScale(scale) };
      if (typeof timing === "string") report({ ...subject, skipped: timing });
      else {
        const gflops = flops / timing.medianMs / 1e6;
        report({ ...subject, timing, gflops, shareOfPeak: gflops / peak });
      }
    }
  }
}
