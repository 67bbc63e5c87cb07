// A training that diverges ends in pictures of one colour or of stripes, with finite losses: that is noticed, and no good training is suspected.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Gpu } from "../../src/gpu/device.ts";
import type { Planes } from "../../src/image/planes.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { openDevice } from "../../src/runtime/open.ts";
import type { TrainOptions } from "../../src/singan/model/config.ts";
import type { Preview } from "../../src/singan/model/model.ts";
import { train } from "../../src/singan/recipes.ts";
import { collapse } from "../../src/singan/training/collapse.ts";
import { tinyPhoto } from "../tiny-training.ts";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openDevice(await openAdapter());
});
afterAll(() => gpu.dispose());

const SINGAN = { maxSize: 32, minSize: 18, scaleFactor: 0.6, channels: 8, maxChannels: 8, iterations: 60, seed: 1 };
const CONSINGAN = { recipe: "consingan", maxSize: 32, minSize: 18, channels: 8, stages: 2, iterations: 60, seed: 1 };

async function lastPreview(options: Partial<TrainOptions>): Promise<Preview> {
  let last: Preview | null = null;
  for await (const event of train(gpu, tinyPhoto(46, 36), options)) if (event.kind === "scaleDone") last = event.preview;
  return last!;
}

// Measured on lavapipe: RMSE of the reconstruction per that of the mean colour, and contrast of the sample per the photo's.
describe("notices a collapsed model", () => {
  test.each<[string, Partial<TrainOptions>]>([
    ["learning rate 1: 5.4 and 0.55", { ...SINGAN, lr: 1 }],
    ["learning rate 1, reconstruction weight 10000: 3.7 and 0.72", { ...SINGAN, lr: 1, alphaRec: 10_000 }],
    ["consingan, learning rate 1: 3.0 and 0.00", { ...CONSINGAN, lr: 1 }],
  ])("%s", async (_, options) => expect(collapse(await lastPreview(options))).toMatch(/^its (reconstruction|random pictures) /));
});

describe("does not suspect a training that is sound, however short", () => {
  test.each<[string, Partial<TrainOptions>]>([
    ["singan: 0.34 and 0.73", SINGAN],
    ["singan, another seed, 120 iterations: 0.31 and 0.88", { ...SINGAN, seed: 2, iterations: 120 }],
    ["consingan: 0.85 and 0.75", CONSINGAN],
    ["consingan, 10 iterations: 0.99 and 0.09", { ...CONSINGAN, iterations: 10 }],
    ["singan, one iteration", { ...SINGAN, iterations: 1 }],
    ["consingan, one iteration", { ...CONSINGAN, iterations: 1 }],
    ["consingan, two iterations of 4 channels: 0.00 of contrast", { ...CONSINGAN, channels: 4, iterations: 2 }],
  ])("%s", async (_, options) => expect(collapse(await lastPreview(options))).toBeNull());
});

test("says what is wrong, and nothing about a photo of one colour", () => {
  const of = (colour: number): Planes => ({ width: 8, height: 8, data: new Float32Array(192).fill(colour) });
  const photo = tinyPhoto(8, 8);
  const nothing = new Float32Array(192).fill(Number.NaN);
  expect(collapse({ real: photo, reconstruction: photo, sample: of(-1) })).toBe("its random pictures have one colour only");
  expect(collapse({ real: photo, reconstruction: { ...photo, data: nothing }, sample: photo })).toMatch(/^its reconstruction is/);
  expect(collapse({ real: photo, reconstruction: of(0), sample: photo })).toBeNull();
  expect(collapse({ real: of(0.5), reconstruction: of(1), sample: of(1) })).toBeNull();
});
