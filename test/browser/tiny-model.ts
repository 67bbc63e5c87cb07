// A tiny model for the tests of one file: its model file, and the library's sampler, whose pictures the page's must equal.

import { afterAll, beforeAll } from "vitest";
import type { Gpu } from "../../src/gpu/device.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { SinganSampler } from "../../src/singan/generation/singan-sampler.ts";
import type { Model } from "../../src/singan/model/model.ts";
import { writeModel } from "../../src/singan/recipes.ts";
import { TINY, tinyPhoto, trainAll } from "../tiny-training.ts";

export let gpu: Gpu;
export let model: Model;
export let sampler: SinganSampler;
export let file: Uint8Array;
beforeAll(async () => {
  gpu = await openDevice(await openAdapter());
  model = await trainAll(gpu, tinyPhoto(), TINY);
  file = writeModel(model);
  sampler = await SinganSampler.load(gpu, model);
});
afterAll(async () => {
  await sampler?.dispose();
  gpu?.dispose();
});
