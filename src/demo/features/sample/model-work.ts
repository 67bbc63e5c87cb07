// Samples of a model.

import { toRgb8 } from "../../../image/planes.ts";
import type { SampleOptions } from "../../../singan/generation/sampling.ts";
import { checkSample } from "../../../singan/recipes.ts";
import type { ModelWork } from "../work.ts";

export const sampleOfModel: ModelWork<"sample"> = async ({ seeds, from, ...options }, { model, withSampler, pass, reply }) => {
  const startScale = "startScale" in from ? from.startScale : 0;
  for (const seed of seeds) {
    const request: SampleOptions = { ...options, seed, startScale };
    checkSample(model, request);
    const picture = await withSampler((sampler) => sampler.sample(request));
    reply({ seed, scales: model.scales.length, picture: toRgb8(picture) });
    await pass();
  }
};
