// The sampler of a model of any kind: what can be asked of it, and how it is opened.

import type { Gpu } from "../../gpu/device.ts";
import { type AnyModel, isConsingan } from "../model/model.ts";
import { consinganSampling } from "./consingan-sampler.ts";
import type { SampleOptions, Sampler, Sampling } from "./sampling.ts";
import { singanSampling } from "./singan-sampler.ts";

export type { Band, SampleOptions, Sampler } from "./sampling.ts";

const samplingOf = (model: AnyModel): Sampling<AnyModel> => (isConsingan(model) ? consinganSampling : singanSampling);

/** Throws OptionError for a sample that the model can't make; needs no GPU. */
export const checkSample = (model: AnyModel, options: SampleOptions): void => samplingOf(model).check(model, options);

/** Uploads the model; programs are compiled when they are first needed. Throws OptionError where no scale is trained yet. */
export const openSampler = (gpu: Gpu, model: AnyModel): Promise<Sampler> => samplingOf(model).open(gpu, model);
