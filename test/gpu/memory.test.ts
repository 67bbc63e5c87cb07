// The forecast of a training's memory is what it then takes at most: with previews and states, to the end of its last level.

import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Gpu } from "../../src/gpu/device.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { openDevice } from "../../src/runtime/open.ts";
import type { TrainOptions } from "../../src/singan/model/config.ts";
import { singanModel } from "../../src/singan/model/model.ts";
import { forecastBytes, resolveOptions, retrain, train } from "../../src/singan/recipes.ts";
import { tinyPhoto, trainAll } from "../tiny-training.ts";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openDevice(await openAdapter());
});
afterAll(() => gpu.dispose());

/** The most bytes in use at one time during `work`, beyond those in use before it. */
async function peakOf(work: () => Promise<unknown>): Promise<number> {
  const before = gpu.stats().bytes;
  let peak = 0;
  const create = gpu.create.bind(gpu);
  const spy = vi.spyOn(gpu, "create").mockImplementation((...of) => {
    const slice = create(...of);
    peak = Math.max(peak, gpu.stats().bytes - before);
    return slice;
  });
  await work();
  spy.mockRestore();
  expect(gpu.stats().bytes).toBe(before);
  return peak;
}

const photo = tinyPhoto(46, 36);
const BASE = { maxSize: 46, minSize: 16, iterations: 4, seed: 5 };

/** The share of the forecast that a training takes, which asks for a preview and keeps the state at every batch if `reads`. */
async function share(given: Partial<TrainOptions>, reads = true): Promise<number> {
  const options = resolveOptions({ ...BASE, ...given });
  const forecast = await forecastBytes(gpu, photo, options);
  const peak = await peakOf(async () => {
    for await (const event of train(gpu, photo, options, reads ? { maxBatch: 1, keeps: () => true } : {}))
      if (reads && event.kind === "progress") await event.preview();
  });
  return peak / forecast;
}

const expectForecast = (found: number): void => {
  expect(found).toBeGreaterThan(0.9);
  expect(found).toBeLessThan(1.1);
};

describe("a training takes the memory that was forecast, within 10 %", () => {
  test.each<[string, Partial<TrainOptions>]>([
    ["singan", { channels: 8, maxChannels: 8 }],
    [
      "a new fake in every G step, running statistics",
      { channels: 8, maxChannels: 8, gStep: "regenerate", statistics: "running" },
    ],
    ["noise up to the borders, a fixed z*", { channels: 8, maxChannels: 8, noisePadding: true, zStar: "fixed" }],
    ["one scale", { channels: 16, maxChannels: 16, minSize: 36 }],
    ["channels that double", { channels: 8, maxChannels: 16, minSize: 12, scaleFactor: 0.75 }],
    ["sr", { recipe: "sr", channels: 8, maxChannels: 8 }],
    ["consingan", { recipe: "consingan", channels: 8, stages: 3 }],
  ])("%s", async (_, options) => expectForecast(await share(options)));

  test("also where no preview and no state is read", async () => {
    expectForecast(await share({ channels: 8, maxChannels: 8 }, false));
  });

  test("quantized retraining of the finest scale", async () => {
    const options = resolveOptions({ ...BASE, channels: 8, maxChannels: 8 });
    const model = singanModel(await trainAll(gpu, photo, options), "retrained in this test");
    const palette = Float32Array.of(-1, -1, -1, 0, 0.5, 0, 1, 1, 1);
    const peak = await peakOf(async () => {
      const training = retrain(gpu, { model, scale: model.scales.length - 1, palette });
      while (!(await training.next()).done);
    });
    expectForecast(peak / (await forecastBytes(gpu, photo, options)));
  });
});
