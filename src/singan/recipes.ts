// The table of recipes, and the library's functions that look a recipe up in it by its name.
// A new recipe is a folder in training/, a file in model/, a sampler in generation/ and a line here.

import type { Gpu } from "../gpu/device.ts";
import type { GpuKeeper } from "../gpu/gpu-keeper.ts";
import type { Planes } from "../image/planes.ts";
import type { Tuner } from "../runtime/tuner.ts";
import { consinganSampling } from "./generation/consingan-sampler.ts";
import type { SampleOptions, Sampler, Sampling } from "./generation/sampling.ts";
import { singanSampling } from "./generation/singan-sampler.ts";
import { OptionError, optionsOf, type Size, type TrainOptions } from "./model/config.ts";
import { ModelFileError } from "./model/file-fields.ts";
import type { AnyModel, ConsinganModel, Model } from "./model/model.ts";
import { type ModelFileOptions, readModelFile, writeModelFile } from "./model/model-file.ts";
import type { Pyramid } from "./model/pyramid.ts";
import { type Checkpoint, modelFileIn, readCheckpointFile } from "./training/checkpoint.ts";
import { Checkpoints, type SlotStore } from "./training/checkpoints.ts";
import { consinganTraining } from "./training/consingan/consingan-training.ts";
import { forecastBytes as forecastBytesBy, type TuneOptions, tuneBy } from "./training/dry-run.ts";
import { type PlanCircumstances, type PlanOptions, planBy, planSizes, type TrainingPlan } from "./training/plan.ts";
import { profileBy, type ScaleProfile } from "./training/profile.ts";
import type { TrainingOutline, TrainingRecipe } from "./training/recipe.ts";
import { selfTestBy } from "./training/self-test.ts";
import { type Retraining, retrainBy, singanTraining, srTraining } from "./training/singan/singan-training.ts";
import { type TrainControl, type TrainEvent, trainBy } from "./training/train.ts";
import { type EndControl, type SetbackEvent, toEnd } from "./training/train-to-end.ts";

/** All that the library asks of a recipe. */
export interface Recipe<M extends AnyModel = AnyModel> extends TrainingRecipe<M> {
  readonly sampling: Sampling<M>;
}

const singan: Recipe<Model> = { ...singanTraining, sampling: singanSampling };
const sr: Recipe<Model> = { ...srTraining, sampling: singanSampling };
const consingan: Recipe<ConsinganModel> = { ...consinganTraining, sampling: consinganSampling };

/**
 * `singan` is SinGAN as in its paper. `sr` is the same on the pyramid of the official super-resolution, for the command of this name.
 * `consingan` is ConSinGAN (Hinz et al. 2021): one generator that grows, its newest stages trained together.
 */
export const RECIPES: Readonly<Record<string, Recipe>> = { singan, sr, consingan };

const outlineOf = (options: TrainOptions, pyramid: Pyramid): TrainingOutline => ({ recipe: recipeOf(options), options, pyramid });

/** The recipe of a training or a model. Throws OptionError for a name that the table does not have. */
export function recipeOf({ recipe = "singan" }: { readonly recipe?: string }): Recipe {
  if (!Object.hasOwn(RECIPES, recipe))
    throw new OptionError(`recipe must be ${Object.keys(RECIPES).join(" or ")}, not ${recipe}`);
  return RECIPES[recipe]!;
}

/** Fills in the recipe's values and checks everything. Throws OptionError with one line that names the option and its range. */
export const resolveOptions = (options: Partial<TrainOptions>): TrainOptions => optionsOf(recipeOf(options), options);

/** The options for another recipe at the same effort. Throws OptionError for a name that the table does not have. */
export const inRecipe = (options: TrainOptions, recipe: string): TrainOptions =>
  recipe === options.recipe ? options : recipeOf({ recipe }).adapt(options);

/** The pyramid that a training with these options has. Throws PyramidError. */
export const pyramidOf = (photo: Size, options: TrainOptions): Pyramid => recipeOf(options).pyramid(photo, options);

/** What a training of a photo of this size will be; see planBy. */
export const planTraining = async (gpu: Gpu, photo: Size, plan: PlanOptions, known?: PlanCircumstances): Promise<TrainingPlan> =>
  planBy(gpu, recipeOf(plan.options), photo, plan, known);

/** The part of a plan that needs no GPU; see planSizes. */
export const planWithoutGpu = (photo: Size, plan: PlanOptions): TrainingOutline => planSizes(recipeOf(plan.options), photo, plan);

/** Finds the fastest kernels for a planned training; see tuneBy. */
export const tuneTraining = (
  gpu: Gpu,
  tuner: Tuner,
  { options, pyramid }: Pick<TrainingOutline, "options" | "pyramid">,
  limits?: TuneOptions,
): Promise<void> => tuneBy(gpu, tuner, outlineOf(options, pyramid), limits);

/** Compares every kernel of a planned training with CPU values, after tuning; see selfTestBy. */
export const selfTest = (gpu: Gpu, { options, pyramid }: Pick<TrainingOutline, "options" | "pyramid">): Promise<string[]> =>
  selfTestBy(gpu, outlineOf(options, pyramid));

/** GPU memory that a training takes at most, in bytes; see forecastBytes of training/dry-run.ts. */
export const forecastBytes = (gpu: Gpu, photo: Size, options: TrainOptions): Promise<number> =>
  forecastBytesBy(gpu, outlineOf(options, pyramidOf(photo, options)));

/** Where the time of an iteration goes at a scale; see profileBy. */
export const profileScale = (gpu: Gpu, pyramid: Pyramid, options: TrainOptions, scale: number): Promise<ScaleProfile> =>
  profileBy(gpu, outlineOf(options, pyramid), scale);

/**
 * Trains a model of `photo` and returns it; yields what happens on the way. At most one batch runs ahead while the consumer takes no event,
 * so not taking one is a pause; leaving the loop ends the training and frees its GPU memory.
 * Throws OptionError or PyramidError before any work where the options or the photo's size can't be trained.
 */
export async function* train(
  gpu: Gpu,
  photo: Planes,
  options: Partial<TrainOptions> = {},
  control?: TrainControl,
): AsyncGenerator<TrainEvent, AnyModel> {
  return yield* trainBy(gpu, recipeOf(options), photo, resolveOptions(options), control);
}

/**
 * Trains as train() does, but over lost GPUs and numbers that blow up; see toEnd. Events carry states every few seconds: a training from
 * one of them, by this function or train(), has the same bits as the rest of this one.
 */
export async function* trainToEnd(
  keeper: GpuKeeper,
  photo: Planes,
  options: Partial<TrainOptions> = {},
  control?: EndControl,
): AsyncGenerator<TrainEvent | SetbackEvent, AnyModel> {
  const resolved = resolveOptions(options);
  return yield* toEnd(keeper, (gpu, from) => trainBy(gpu, recipeOf(resolved), photo, resolved, from), control);
}

const retrainRecipe = ({ model }: Retraining) => recipeOf(model.options) as TrainingRecipe<Model>;

/** One scale of a model trained anew for a painting in the palette's colours; see retrainBy. */
export const retrain = (gpu: Gpu, retraining: Retraining, control?: TrainControl<Model>): ReturnType<typeof retrainBy> =>
  retrainBy(gpu, retrainRecipe(retraining), retraining, control);

/** The same, to the end as trainToEnd(). */
export const retrainToEnd = (
  keeper: GpuKeeper,
  retraining: Retraining,
  control?: EndControl<Model>,
): AsyncGenerator<TrainEvent<Model> | SetbackEvent, Model> =>
  toEnd(keeper, (gpu, from) => retrainBy(gpu, retrainRecipe(retraining), retraining, from), control);

/** Uploads a model; programs are compiled when they are first needed. Throws OptionError where it has no trained scale yet. */
export const openSampler = (gpu: Gpu, model: AnyModel): Promise<Sampler> => recipeOf(model.options).sampling.open(gpu, model);

/** Throws OptionError for a sample that the model can't make; needs no GPU. */
export const checkSample = (model: AnyModel, options: SampleOptions): void =>
  recipeOf(model.options).sampling.check(model, options);

/** The main memory that a sample of this size takes at most, in bytes. */
export const sampleBytes = (model: AnyModel, size: Size): number => recipeOf(model.options).sampling.bytes(model, size);

/** The bytes of a model file; see writeModelFile. */
export const writeModel = (model: AnyModel, options?: ModelFileOptions): Uint8Array<ArrayBuffer> =>
  writeModelFile(model, RECIPES, options);

/** The model in a file, or of the finished scales in a checkpoint, at least one; see readModelFile. */
export function readModel(bytes: Uint8Array): AnyModel {
  const inside = modelFileIn(bytes);
  if (!inside) return readModelFile(bytes, RECIPES);
  const model = readModelFile(inside, RECIPES, 0);
  if (model.scales.length === 0) throw new ModelFileError("the training has not finished its first scale yet");
  return model;
}

/** The checkpoint in a file; see readCheckpointFile. */
export const readCheckpoint = (bytes: Uint8Array): Promise<Checkpoint> => readCheckpointFile(bytes, RECIPES);

/** The checkpoints in a store; see Checkpoints. */
export const openCheckpoints = (store: SlotStore, onDamaged: (why: string) => void): Promise<Checkpoints> =>
  Checkpoints.open(store, RECIPES, onDamaged);
