// A trained model as plain data: what training produces, the model file holds and generation uses. No GPU in here.

import type { Planes } from "../../image/planes.ts";
import { imresize } from "../../image/resample.ts";
import { OptionError, type Size, type TrainOptions } from "./config.ts";

/** A net's tensors by their official state_dict names (head.conv.weight, body.block1.norm.running_mean, tail.0.bias, …). */
export type StateDict = ReadonlyMap<string, Float32Array>;

/** The losses of a training, in the order in which its programs write them. */
export const LOSSES = ["dReal", "dFake", "gradientPenalty", "gAdversarial", "reconstruction"] as const;
export type LossRecord = Readonly<Record<(typeof LOSSES)[number], number>>;

/** What is known of a trained scale besides its nets. */
export interface ScaleRecord {
  readonly size: Size;
  readonly channels: number;
  readonly noiseAmp: number;
  readonly losses: LossRecord;
  readonly seconds: number;
}

export interface ScaleModel extends ScaleRecord {
  /** With the batch statistics of random pictures. */
  readonly generator: StateDict;
  /** The generator's batch statistics in the reconstruction (docs/adr/0014); absent where all pictures share one set. */
  readonly reconstruction?: StateDict | undefined;
  /** The discriminator, kept for continuing a training; sampling does not need it. */
  readonly discriminator: StateDict;
}

/** A model of any recipe. */
export type AnyModel = Model | ConsinganModel;

export interface Model {
  readonly options: TrainOptions;
  /** Ratio between neighbouring scales, coarse/fine < 1; irrelevant with one scale. */
  readonly scaleFactor: number;
  /** Sizes of all scales, coarsest first; `scales` may hold fewer while training goes on. */
  readonly sizes: readonly Size[];
  readonly scales: readonly ScaleModel[];
  /** z* of the coarsest scale, [1,1,h,w] of noiseSize: one channel for all three colours. */
  readonly zStar: Float32Array;
  /** The photo at the finest scale, in [-1,1]. */
  readonly photo: Planes;
}

/** A trained ConSinGAN: one generator of several stages, one discriminator. */
export interface ConsinganModel {
  readonly options: TrainOptions;
  /** Sizes of all stages, coarsest first; `scales` may hold fewer while training goes on. */
  readonly sizes: readonly Size[];
  readonly scales: readonly ScaleRecord[];
  /** Tensors of all trained stages by official names (head.conv.weight, body.0.block0.conv.weight, tail.0.bias, …). */
  readonly generator: StateDict;
  /** The newest stage's, kept for continuing a training. */
  readonly discriminator: StateDict;
  /** The photo at the coarsest scale: what the reconstruction starts from. Its noise at the others is a function of the seed. */
  readonly coarsest: Planes;
  /** The photo at the finest scale, in [-1,1]. */
  readonly photo: Planes;
}

export interface Preview {
  /** The photo at the scale in training. */
  readonly real: Planes;
  /** A random picture of the scale in training. */
  readonly sample: Planes;
  readonly reconstruction: Planes;
  /** What the discriminator says of `sample`; only where it was asked for. */
  readonly scores?: ScoreMap;
}

/** The discriminator's score of every 11x11 patch of a picture, row by row: higher is more real. `data` is [height, width]; unbounded. */
export interface ScoreMap {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** Multiply-adds done and in all: what an estimate of the remaining time goes by, for later scales cost more. */
export interface Work {
  readonly done: number;
  readonly total: number;
}

/** The photo at a scale of the model, as the pyramid has it. */
export const photoAt = ({ photo, sizes, scaleFactor }: Model, scale: number): Planes =>
  scale === sizes.length - 1 ? photo : imresize(photo, scaleFactor ** (sizes.length - 1 - scale), sizes[scale]!);

/** Throws OptionError unless `scale` is a whole number from `low` to the model's last scale. */
export function requireScale(model: Pick<AnyModel, "scales">, scale: number, low: number): void {
  const last = model.scales.length - 1;
  if (last < low) throw new OptionError(`the model has ${last + 1} scale${last === 0 ? "" : "s"}: none to start at`);
  if (!Number.isInteger(scale) || scale < low || scale > last)
    throw new OptionError(`startScale must be a whole number from ${low} to ${last}, not ${scale}`);
}

/** Whether one generator of all stages makes the pictures, not one generator per scale. */
export const isConsingan = (model: AnyModel): model is ConsinganModel => "generator" in model;

/** The model, where it is SinGAN's. Throws OptionError in the words "the recipe … has no …" where it is not. */
export function singanModel(model: AnyModel, what: string): Model {
  if (isConsingan(model)) throw new OptionError(`the recipe ${model.options.recipe} has no ${what}`);
  return model;
}
