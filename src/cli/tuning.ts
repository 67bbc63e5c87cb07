// Tuning as the commands do it: with the store of this computer, and not before a training where SINGAN_TUNE=off.

import type { Gpu } from "../gpu/device.ts";
import { tuningFile } from "../node/tuning-file.ts";
import type { Timing, TuningCase } from "../runtime/tune.ts";
import { Tuner } from "../runtime/tuner.ts";
import { channelsAt, type Size } from "../singan/model/config.ts";
import { convolutionCases } from "../singan/training/convolution-cases.ts";
import type { Session } from "./session.ts";

/** At most so much time per scale; what is not timed then runs by the static choice. */
const SCALE_BUDGET_MS = 3000;

export interface TunedScale {
  readonly size: Size;
  readonly channels: number;
  /** Pictures in a batch, what takes the most time first. */
  readonly samples: readonly number[];
}

export const scalesOf = (sizes: readonly Size[], options: Parameters<typeof channelsAt>[1]): TunedScale[] =>
  sizes.map((size, scale) => ({
    ...{ size, channels: channelsAt(scale, options) },
    samples: options.recipe === "consingan" ? [2, 1] : [1],
  }));

/** Whether the environment allows it. */
const mayTune = (env: Readonly<Record<string, string | undefined>> = process.env): boolean => env["SINGAN_TUNE"] !== "off";

/**
 * Finds the fastest kernels for these scales, where that was not done in an earlier run. On software adapters only `doctor --tune` does:
 * compiling the candidates there takes longer than a small training.
 */
export async function tuneFor(gpu: Gpu, session: Session, scales: readonly TunedScale[]): Promise<void> {
  if (!mayTune()) return;
  const tuner = await Tuner.open(gpu, tuningFile());
  if (gpu.isSoftware) return;
  let isNoted = false;
  const onTimed = () => {
    if (!isNoted) session.note("timing kernels, once on this computer …");
    isNoted = true;
  };
  for (const { size, channels, samples } of scales) {
    await tuner.tune(convolutionCases(size, channels, samples), { budgetMs: SCALE_BUDGET_MS, onTimed });
  }
}

/** Multiplications and additions of the direct sum. */
export const flopsOf = ({ opName, op: { inputs, shape } }: TuningCase): number => {
  const image = opName === "conv2d" ? shape : opName === "conv2dInput" ? inputs[0]! : inputs[1]!;
  const weights = opName === "conv2dWeight" ? shape : inputs[1]!;
  return 18 * weights[0]! * weights[1]! * image[0]! * image[2]! * image[3]!;
};

/** Typical scales of a 250x188 pyramid. */
const DOCTOR_SCALES: readonly Omit<TunedScale, "samples">[] = [
  { size: { width: 34, height: 26 }, channels: 32 },
  { size: { width: 106, height: 80 }, channels: 32 },
  { size: { width: 250, height: 188 }, channels: 64 },
];
/** The largest would take minutes on a software adapter. */
const SOFTWARE_SCALES = 2;
const DOCTOR_BUDGET_MS = 60_000;

/** Times what a typical training needs, a minute long at most and one compilation more, and gives a table's rows: op and size, winner, ms, GFLOP/s. */
export async function doctorTuning(gpu: Gpu, session: Session): Promise<string[][]> {
  const tuner = await Tuner.open(gpu, tuningFile());
  const rows = [["convolution", "fastest kernel", "ms", "GFLOP/s"]];
  const add = (key: string, { variant, ms }: Timing, one: TuningCase) => {
    rows.push([key, variant, ms.toFixed(3), (flopsOf(one) / ms / 1e6).toFixed(1)]);
  };
  const end = performance.now() + DOCTOR_BUDGET_MS;
  for (const { size, channels } of gpu.isSoftware ? DOCTOR_SCALES.slice(0, SOFTWARE_SCALES) : DOCTOR_SCALES) {
    const cases = convolutionCases(size, channels);
    for (const [key, timing, one] of tuner.known(cases)) add(key, timing, one);
    const onTimed = (key: string, timing: Timing, one: TuningCase) => {
      add(key, timing, one);
      session.note(`${key}: ${timing.variant}, ${timing.ms.toFixed(3)} ms`);
    };
    await tuner.tune(cases, { budgetMs: end - performance.now(), onTimed });
  }
  return rows;
}

/** Forgets all that was timed on this computer. */
export const forgetTuning = (): Promise<void> => tuningFile().clear();
