// The discriminator's map of scores in a preview: that of its network in f64, over the very sample of the preview.

import { afterAll, beforeAll, expect, test } from "vitest";
import { leaf } from "../../src/autodiff/tensor.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { evaluate } from "../../src/reference/evaluate.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { DEFAULTS, imageShape, type TrainOptions } from "../../src/singan/model/config.ts";
import { discriminatorShapes } from "../../src/singan/model/consingan-models.ts";
import { buildPyramid } from "../../src/singan/model/pyramid.ts";
import { parameterShapes } from "../../src/singan/model/shapes.ts";
import * as consingan from "../../src/singan/networks/consingan-network.ts";
import * as singan from "../../src/singan/networks/networks.ts";
import { recipeOf, resolveOptions } from "../../src/singan/recipes.ts";
import { TINY, tinyPhoto } from "../tiny-training.ts";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openDevice(await openAdapter());
});
afterAll(() => gpu.dispose());

const CONSINGAN: Partial<TrainOptions> = {
  recipe: "consingan",
  ...{ maxSize: 24, minSize: 12, stages: 3, trainedStages: 2, iterations: 2, channels: 4, seed: 5 },
};

test.each([
  ["singan", TINY, singan.discriminator, (channels: number) => parameterShapes("discriminator", channels, DEFAULTS)],
  ["consingan", CONSINGAN, consingan.discriminator, discriminatorShapes],
] as const)("%s", async (_, given, discriminator, shapesOf) => {
  const options = resolveOptions(given);
  const recipe = recipeOf(options);
  const pyramid = recipe.pyramid(tinyPhoto(), options);
  const before = gpu.stats().bytes;
  const course = recipe.begin(gpu, { options, pyramid, reals: buildPyramid(tinyPhoto(), pyramid) });
  const trainer = await course.open(0);
  await trainer.measureNoiseAmp();
  for await (const _ of trainer.run());
  const plain = await trainer.preview(9);
  const { scores, ...pictures } = await trainer.preview(9, { scores: true });
  const tensors = await trainer.readTensors();
  for (const one of [trainer, course]) one.dispose();

  expect(pictures).toEqual(plain); // asking for scores changes nothing else
  expect(plain.scores).toBeUndefined();
  const { width, height } = plain.sample;
  expect(scores).toMatchObject({ width: width - 10, height: height - 10 });
  const picture = leaf("picture", imageShape(plain.sample, DEFAULTS));
  const weights = new Map([...shapesOf(options.channels)].map(([name, shape]) => [name, leaf(name, shape)]));
  const values = [...weights].map(([name, t]) => [t, tensors.get(`D ${name}`)!] as const);
  const [wanted] = evaluate([discriminator(picture, weights)], new Map([[picture, plain.sample.data] as const, ...values]));
  const scale = Math.hypot(...wanted!) / Math.sqrt(wanted!.length);
  // Five layers in f32, of sums of at most 9·channels terms each, with a normalisation in between.
  const worst = Math.max(...wanted!.map((score, i) => Math.abs(score - scores!.data[i]!)));
  expect(worst / scale).toBeLessThan(1e-4);
  expect(gpu.stats().bytes).toBe(before);
});
