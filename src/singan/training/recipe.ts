// How a recipe trains: what its training passes from one level to the next, how a level is opened and finished, and its state in between.
// A level is a scale of SinGAN or a stage of ConSinGAN. train.ts has the one loop over levels.

import type { Shape } from "../../autodiff/tensor.ts";
import type { Gpu } from "../../gpu/device.ts";
import type { Planes } from "../../image/planes.ts";
import type { Size, TrainOptions } from "../model/config.ts";
import type { AnyModel, LossRecord, Preview } from "../model/model.ts";
import type { Pyramid } from "../model/pyramid.ts";
import type { ModelRecipe } from "../model/recipe.ts";
import type { LevelTrainer, TrainerState } from "./level-trainer.ts";

export interface TrainingRecipe<M extends AnyModel = AnyModel> extends ModelRecipe<M> {
  /** Multiply-adds of one iteration at a level. A gradient with respect to inputs or to weights counts as one more forward pass. */
  macsPerIteration(level: number, sizes: readonly Size[], options: TrainOptions): number;
  /** Begins a training, or continues one after the levels in `finished`. */
  begin(gpu: Gpu, setup: TrainingSetup, finished?: FinishedLevels<M>): Course<M>;
  /** Levels 0 … count−1 with made-up values, as a training would have finished them: for dry runs and timings. */
  madeUp(pyramid: Pyramid, count: number, options: TrainOptions, values: ValueSource): FinishedLevels<M>;
}

/** What to train: the recipe, resolved options, and the photo's pyramid. */
export interface TrainingOutline<M extends AnyModel = AnyModel> {
  readonly recipe: TrainingRecipe<M>;
  readonly options: TrainOptions;
  readonly pyramid: Pyramid;
}

export interface TrainingSetup extends Omit<TrainingOutline, "recipe"> {
  /** The photo at every level, coarsest first. */
  readonly reals: readonly Planes[];
  /** See TrainingState. */
  readonly noiseStream?: number;
}

/** Everything that later levels depend on. */
export interface FinishedLevels<M extends AnyModel = AnyModel> {
  readonly model: M;
  /** The reconstruction brought to the size of the next level; null where the recipe passes none on. */
  readonly reconstruction: Planes | null;
}

/** A training in progress, between two levels. */
export interface Course<M extends AnyModel = AnyModel> {
  readonly finished: FinishedLevels<M>;
  /** Opens the trainer of the next level; `state` is that of an earlier trainer of this level, to continue from. */
  open(level: number, state?: TrainerState): Promise<LevelTrainer>;
  /** Ends a level and may free its trainer: adds what it has learnt to the model and passes its picture on. Returns its last pictures. */
  finish(level: number, trainer: LevelTrainer, known: LevelRecord): Promise<Preview>;
  dispose(): void;
}

export interface LevelRecord {
  readonly noiseAmp: number;
  readonly losses: LossRecord;
  /** Seconds that the level has taken so far. */
  seconds(): number;
}

/** Where made-up values come from. */
export interface ValueSource {
  weights(shapes: ReadonlyMap<string, Shape>, key: ArrayLike<number>): Map<string, Float32Array>;
  /** Values of a picture or of z*. */
  draw(stream: number, count: number): Float32Array;
}

/** Multiply-adds of all iterations, by level. */
export const costsOf = ({ recipe, options, pyramid: { sizes } }: TrainingOutline): number[] =>
  sizes.map((_, level) => recipe.macsPerIteration(level, sizes, options) * options.iterations);

/**
 * The state of a training between two iterations, as plain data: everything that the remaining iterations depend on. It has no gradients,
 * activations or random numbers, because every iteration computes them anew.
 */
export interface TrainingState<M extends AnyModel = AnyModel> extends FinishedLevels<M> {
  /** The level in training; the number of levels where all are finished. */
  readonly level: number;
  /** Its trainer; null where the level is not begun. */
  readonly trainer: TrainerState | null;
  /** Its losses after the last iteration; null where the level is not begun. */
  readonly losses: LossRecord | null;
  /** Which stream of noise the iterations draw from: how often the training has diverged and gone back to an earlier state. */
  readonly noiseStream: number;
  /** Seconds that the level has taken so far. */
  readonly seconds: number;
}
