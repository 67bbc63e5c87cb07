// A level's training set up on made-up values: to compile it, to count the memory that it takes, to list its convolutions, or to time it.

import { normals } from "../../autodiff/philox.ts";
import { sizeOf } from "../../autodiff/tensor.ts";
import type { Gpu } from "../../gpu/device.ts";
import type { Planes } from "../../image/planes.ts";
import { initialWeights } from "../../nn/init.ts";
import type { Graph } from "../../runtime/plan.ts";
import { casesOf, type Tuner } from "../../runtime/tuner.ts";
import type { ImageChannels, Size } from "../model/config.ts";
import type { LevelTrainer } from "./level-trainer.ts";
import type { Course, TrainingOutline, ValueSource } from "./recipe.ts";

/** Random values, for dry runs that are timed. */
const NOISE: ValueSource = {
  weights: initialWeights,
  draw: (stream, count) => Float32Array.from(normals([0, 0, 0, 0], stream, count)),
};

/** Zeros take almost no time to make, so that a training can go on meanwhile. */
export const ZEROS: ValueSource = {
  weights: (shapes) => new Map([...shapes].map(([name, shape]) => [name, new Float32Array(sizeOf(shape))])),
  draw: (_, count) => new Float32Array(count),
};

/** A typical noise amplitude. */
export const NOISE_AMP = 0.05;

export const NO_LOSSES = { dReal: 0, dFake: 0, gradientPenalty: 0, gAdversarial: 0, reconstruction: 0 };

export const madeUpPicture = (size: Size, { imageChannels }: ImageChannels, stream: number, values: ValueSource): Planes => ({
  ...size,
  data: values.draw(stream, imageChannels * size.width * size.height).map((v) => Math.max(-1, Math.min(1, v / 2))),
});

/** Sets up the trainer of one level on `gpu`, hands it to `use` with its course, and frees all that they take. */
export async function withTrainer<T>(
  gpu: Gpu,
  { recipe, options, pyramid }: TrainingOutline,
  level: number,
  use: (trainer: LevelTrainer, course: Course) => Promise<T> | T,
  values = NOISE,
): Promise<T> {
  const reals = pyramid.sizes.map((size, k) =>
    madeUpPicture(k === level || k === 0 ? size : { width: 0, height: 0 }, options, 0, values),
  );
  const course = recipe.begin(gpu, { options, pyramid, reals }, recipe.madeUp(pyramid, level, options, values));
  try {
    const trainer = await course.open(level);
    try {
      return await use(trainer, course);
    } finally {
      trainer.dispose();
    }
  } finally {
    course.dispose();
  }
}

/** Compiles the kernels of a level while another one trains. Errors are ignored here: they occur again when the level begins. */
export const compileAhead = (gpu: Gpu, outline: TrainingOutline, level: number): Promise<void> =>
  withTrainer(gpu.dryRun(true), outline, level, () => {}, ZEROS).catch(() => {});

/**
 * GPU memory that a training takes at most, in bytes: with previews and states read at the same time, and to finish a level. Throws
 * BindingLimitError where a buffer is larger than the adapter binds.
 */
export async function forecastBytes(gpu: Gpu, outline: TrainingOutline): Promise<number> {
  const peaks = outline.pyramid.sizes.map(async (_, level) => {
    const dry = gpu.dryRun(false);
    const use = async (trainer: LevelTrainer, course: Course): Promise<void> => {
      await Promise.all([trainer.readTensors(), trainer.preview(0)]);
      await course.finish(level, trainer, { noiseAmp: NOISE_AMP, losses: NO_LOSSES, seconds: () => 0 });
    };
    await withTrainer(dry, outline, level, use, ZEROS);
    return dry.peakBytes;
  });
  return Math.max(...(await Promise.all(peaks)));
}

/** The graphs that the training of a level runs. */
export const graphsOf = (gpu: Gpu, outline: TrainingOutline, level: number): Promise<readonly Graph[]> =>
  withTrainer(gpu.dryRun(false), outline, level, ({ graphs }) => graphs, ZEROS);

export type TuneOptions = Parameters<Tuner["tune"]>[1] & {
  /** Whether to tune for a level; by default for all. */
  readonly includes?: (level: number) => boolean;
};

/**
 * Finds the fastest kernels for the convolutions that a training runs. Times what the tuning table does not know yet, `budgetMs` per level
 * at most; what is not timed uses the static choice.
 */
export async function tuneBy(
  gpu: Gpu,
  tuner: Tuner,
  outline: TrainingOutline,
  { includes = () => true, ...limits }: TuneOptions = {},
): Promise<void> {
  for (const level of outline.pyramid.sizes.keys())
    if (includes(level)) await tuner.tune(casesOf(await graphsOf(gpu, outline, level)), limits);
}
