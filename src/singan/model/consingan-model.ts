// A trained ConSinGAN as plain data: one generator of several stages, one discriminator. No GPU in here.

import type { Planes } from "../../image/planes.ts";
import { OptionError, type Size, type TrainOptions } from "./config.ts";
import type { AnyModel, Model, ScaleRecord, StateDict } from "./model.ts";

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

export const isConsingan = (model: AnyModel): model is ConsinganModel => model.options.recipe === "consingan";

/** The model, where it is SinGAN's. Throws OptionError in the words "the recipe … has no …" where it is not. */
export function singanModel(model: AnyModel, what: string): Model {
  if (isConsingan(model)) throw new OptionError(`the recipe ${model.options.recipe} has no ${what}`);
  return model;
}
