// The training loop: trains the levels of a photo's pyramid from coarse to fine. Official code: train().

import type { Gpu } from "../../gpu/device.ts";
import type { Planes } from "../../image/planes.ts";
import { OptionError, type Size, type TrainOptions } from "../model/config.ts";
import type { AnyModel, LossRecord, Preview, Work } from "../model/model.ts";
import { buildPyramid } from "../model/pyramid.ts";
import { compileAhead } from "./dry-run.ts";
import type { PreviewOptions } from "./level-trainer.ts";
import { type Course, costsOf, type TrainingOutline, type TrainingRecipe, type TrainingState } from "./recipe.ts";

/** What a training reports while it runs. Not taking the next event pauses it; leaving the loop ends it and frees the GPU. */
export type TrainEvent<M extends AnyModel = AnyModel> = { readonly scale: number; readonly work: Work } & (
  | {
      readonly kind: "scale";
      readonly size: Size;
      readonly channels: number;
      readonly noiseAmp: number;
      /** The training's state before the scale's first iteration, or where it goes on. */
      readonly state: TrainingState<M>;
    }
  | {
      readonly kind: "progress";
      /** Iterations of this scale that are done. */
      readonly iteration: number;
      readonly losses: LossRecord;
      /** The training's state at this iteration; null unless TrainControl.keeps returned true. */
      readonly state: TrainingState<M> | null;
      /** Pictures of the current weights, which may be one batch later than the losses; null where the GPU is lost. Costs two generator passes. */
      preview(wanted?: PreviewOptions): Promise<Preview | null>;
    }
  | {
      readonly kind: "scaleDone";
      readonly model: M;
      readonly preview: Preview;
      /** The training's state before the next scale's first iteration, or at the end. */
      readonly state: TrainingState<M>;
    }
);

export interface TrainControl<M extends AnyModel = AnyModel> {
  /** The state of an earlier training of the same photo and options, to continue from. The rest has the same bits. */
  readonly from?: TrainingState<M> | undefined;
  /** Whether to read the state after this many iterations of a scale; called at the end of each batch. */
  readonly keeps?: (scale: number, iteration: number) => boolean;
  /** Largest number of iterations per submit. A state can be read only between two submits. */
  readonly maxBatch?: number;
  /** The work of a submit, as a share of the usual. */
  readonly share?: number;
}

/**
 * Trains a model of `photo` by a recipe, and returns it. `options` are resolved. At most one batch runs ahead while the consumer takes no
 * event. Throws OptionError or PyramidError before any work where the photo can't be trained.
 */
export async function* trainBy<M extends AnyModel>(
  gpu: Gpu,
  recipe: TrainingRecipe<M>,
  photo: Planes,
  options: TrainOptions,
  control: TrainControl<M> = {},
): AsyncGenerator<TrainEvent<M>, M> {
  const values = options.imageChannels * photo.width * photo.height;
  if (photo.data.length !== values || !photo.data.every(Number.isFinite))
    throw new OptionError(`a photo of ${photo.width}x${photo.height} must have ${values} finite values`);
  const pyramid = recipe.pyramid(photo, options);
  const outline = { recipe, options, pyramid };
  const { from } = control;
  const setup = { options, pyramid, reals: buildPyramid(photo, pyramid), noiseStream: from?.noiseStream ?? 0 };
  const course = recipe.begin(gpu, setup, from);
  try {
    for (let level = from?.level ?? 0; level < pyramid.sizes.length; level++)
      yield* trainLevel(gpu, course, outline, level, control);
    return course.finished.model;
  } finally {
    course.dispose();
  }
}

/** Trains one level: opens it from its state, runs its iterations, finishes it. The next level's kernels are compiled meanwhile. */
export async function* trainLevel<M extends AnyModel>(
  gpu: Gpu,
  course: Course<M>,
  outline: TrainingOutline<M>,
  level: number,
  { from, keeps, maxBatch, share }: TrainControl<M> = {},
): AsyncGenerator<TrainEvent<M>> {
  const { recipe, options, pyramid } = outline;
  const { iterations } = options;
  const size = pyramid.sizes[level]!;
  const costs = costsOf(outline);
  const total = costs.reduce((a, b) => a + b, 0);
  const before = costs.slice(0, level).reduce((a, b) => a + b, 0);
  const workAt = (iteration: number): Work => ({ done: before + (costs[level]! * iteration) / iterations, total });
  const resumed = from?.level === level ? from : null;
  const done = resumed?.trainer?.iteration ?? 0;
  let losses = resumed?.losses ?? null;
  const started = performance.now() - 1000 * (resumed?.seconds ?? 0);
  const seconds = () => (performance.now() - started) / 1000;
  const stateAt = (at: number): TrainingState<M> => ({
    ...course.finished,
    ...{ level: at, trainer: null, losses: null, seconds: 0, noiseStream: from?.noiseStream ?? 0 },
  });
  const isLast = level + 1 === costs.length;

  const trainer = await course.open(level, resumed?.trainer ?? undefined);
  let ahead: Promise<void> | null = null;
  try {
    const noiseAmp = await trainer.measureNoiseAmp();
    yield {
      ...{ kind: "scale", scale: level, size, channels: recipe.channelsAt(level, options), noiseAmp, work: workAt(done) },
      state: resumed ?? stateAt(level),
    };
    if (!isLast) ahead = compileAhead(gpu, outline, level + 1);
    const batches = {
      from: done,
      ...(maxBatch !== undefined && { maxBatch }),
      ...(share !== undefined && { share }),
      ...(keeps && { keeps: (iteration: number) => keeps(level, iteration) }),
    };
    for await (const { iteration, losses: latest, tensors } of trainer.run(batches)) {
      losses = latest;
      const state = tensors && {
        ...stateAt(level),
        ...{ losses, seconds: seconds(), trainer: { iteration, noiseAmp, tensors } },
      };
      const preview = (wanted?: PreviewOptions) =>
        trainer.preview(iteration, wanted).catch(async (error) => {
          if (await gpu.isLost()) return null;
          throw error;
        });
      yield { kind: "progress", scale: level, iteration, losses, work: workAt(iteration), state, preview };
    }
    const preview = await course.finish(level, trainer, { noiseAmp, losses: losses!, seconds });
    const { model } = course.finished;
    yield { kind: "scaleDone", scale: level, model, preview, work: workAt(iterations), state: stateAt(level + 1) };
  } finally {
    await ahead; // also when left early: a process that ends while Dawn compiles may crash
    trainer.dispose();
  }
}
