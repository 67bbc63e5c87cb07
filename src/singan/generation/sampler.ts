// Pictures from a model of any recipe.

import type { Gpu } from "../../gpu/device.ts";
import { type AnyModel, isConsingan } from "../model/model.ts";
import { ConsinganSampler } from "./consingan-sampler.ts";
import { Sampler } from "./singan-sampler.ts";

/** Uploads the model; programs are compiled when first needed. Throws OptionError where it has no trained scale yet. */
export function openSampler(gpu: Gpu, model: AnyModel): Promise<Sampler | ConsinganSampler> {
  return isConsingan(model) ? ConsinganSampler.load(gpu, model) : Sampler.load(gpu, model);
}
