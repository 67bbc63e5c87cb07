// One whole D step and one whole G step at every scale, Adam included, by the programs that training runs.

import type { Gpu } from "../src/gpu/device.ts";
import { initialWeights } from "../src/nn/init.ts";
import { submit } from "../src/runtime/program.ts";
import { PAPER } from "../src/singan/config.ts";
import { upsampler } from "../src/singan/frozen.ts";
import { macsPerPass, parameterShapes } from "../src/singan/networks.ts";
import { PURPOSE, randomKey } from "../src/singan/noise.ts";
import { ScaleTrainer } from "../src/singan/scale-trainer.ts";
import { describeScale, randomValues, type ScaleCase } from "./cases.ts";
import { Pace, time } from "./measure.ts";
import type { Bench } from "./suite.ts";

/** Passes of D in a D step: real and fake forward and back, then the penalty and back through its gradient. */
const D_PASSES = 12;
/** Passes of G in a G step: back through the kept fake, forward and back through the reconstruction. */
const G_PASSES = 5;
/** An addition and a multiplication each count. */
export const dStepFlops = ({ channels, size }: ScaleCase): number => 2 * D_PASSES * macsPerPass("discriminator", channels, size);
const gStepFlops = ({ channels, size }: ScaleCase): number => 2 * G_PASSES * macsPerPass("generator", channels, size);

/** A trainer of one scale by itself, on noise. The steps that are timed begin with a fake at hand, so no coarser scales are needed. */
function openTrainer(gpu: Gpu, { channels, size }: ScaleCase): Promise<ScaleTrainer> {
  const pixels = size.width * size.height;
  return ScaleTrainer.create(gpu, {
    ...{ scale: 0, size, channels, options: PAPER, frozen: [], upsample: upsampler("bicubic", 1), zPrev: null, noiseAmp: 1 },
    real: { ...size, data: randomValues(0, 3 * pixels).map((v) => Math.max(-1, Math.min(1, v / 2))) },
    zStar: randomValues(1, pixels),
    generator: initialWeights(parameterShapes("generator", channels), randomKey(0, PURPOSE.initialG, 0)),
    discriminator: initialWeights(parameterShapes("discriminator", channels), randomKey(0, PURPOSE.initialD, 0)),
  });
}

/** Runs what comes before the steps of an iteration. Adam's step sizes are left at 0, so the weights stay. */
function prepare(gpu: Gpu, trainer: ScaleTrainer): void {
  const { noise, adversarial } = trainer.programs;
  trainer.feed.write({ key: randomKey(0, PURPOSE.training, 0) });
  const { programs, copies } = trainer.fakeRuns(0);
  submit(gpu, [noise, ...programs, ...copies, adversarial]);
}

export async function benchSteps({ gpu, effort, peak, scales, report }: Bench): Promise<void> {
  const steps = [
    { what: "dStep", program: "d", flops: dStepFlops, pace: new Pace(effort) },
    { what: "gStep", program: "g", flops: gStepFlops, pace: new Pace(effort) },
  ] as const;
  for (const scale of scales) {
    let trainer: ScaleTrainer | null = null; // opened where a step is foretold to be fast enough
    try {
      for (const { what, program, flops, pace } of steps) {
        const timing = await pace.attempt(flops(scale), async () => {
          if (!trainer) {
            trainer = await openTrainer(gpu, scale);
            prepare(gpu, trainer);
            await gpu.finished();
          }
          const step = trainer.programs[program];
          return time(async (count) => {
            submit(gpu, Array(count).fill(step));
            await gpu.finished();
          }, effort);
        });
        const subject = { what, scale: scale.scale, shape: describeScale(scale) };
        if (typeof timing === "string") report({ ...subject, skipped: timing });
        else {
          const gflops = flops(scale) / timing.medianMs / 1e6;
          report({ ...subject, timing, gflops, shareOfPeak: gflops / peak });
        }
      }
    } finally {
      (trainer as ScaleTrainer | null)?.dispose();
    }
  }
}
