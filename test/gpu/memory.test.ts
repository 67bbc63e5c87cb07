// A training that does not fit into memory is refused before it starts, with numbers and a size that fits.

import { afterAll, beforeAll, expect, it } from "vitest";
import { inFlags } from "../../src/cli/train-options.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { openDevice } from "../../src/runtime/open.ts";
import type { Size, TrainOptions } from "../../src/singan/model/config.ts";
import { forecastBytes, pyramidOf, recipeOf, resolveOptions } from "../../src/singan/recipes.ts";
import { MemoryError, megabytes, requireMemory as requireMemoryBy } from "../../src/singan/training/plan.ts";

const requireMemory = (on: Gpu, photo: Size, options: TrainOptions, freeBytes?: number): Promise<number> =>
  requireMemoryBy(on, recipeOf(options), pyramidOf(photo, options), options, freeBytes);
const photo = { width: 96, height: 64 };
const options = resolveOptions({ maxSize: 60, channels: 8, maxChannels: 8 });
let gpu: Gpu;
beforeAll(async () => {
  gpu = await openDevice(await openAdapter());
});
afterAll(() => gpu.dispose());

it("gives the forecast where it fits", async () => {
  expect(await requireMemory(gpu, photo, options)).toBe(await forecastBytes(gpu, photo, options));
});

it.each(["regenerate", "replay"] as const)("takes at most 700 MB for the paper's size, %s", async (gStep) => {
  const paper = { width: 250, height: 188 };
  expect(await forecastBytes(gpu, paper, resolveOptions({ gStep }))).toBeLessThan(700e6);
});

it.runIf(() => gpu.isSoftware)("compares with free memory where the GPU is software", async () => {
  const bytes = await forecastBytes(gpu, photo, options);
  const free = 256e6 + bytes / 4;
  await expect(requireMemory(gpu, photo, options, free)).rejects.toThrow(
    `this training takes ${megabytes(bytes)} of memory, and ${megabytes(bytes / 4)} are free: take maxSize 30, or a smaller maxChannels`,
  );
});

it("says what a binding may hold", async () => {
  const { maxStorageBufferBindingSize: limit } = gpu.device.limits;
  const side = Math.ceil(Math.sqrt(limit / 4 / 512)) + 8;
  const huge = resolveOptions({ maxSize: side, minSize: Math.min(side, 512), channels: 512, maxChannels: 512 });
  await expect(requireMemory(gpu, { width: side, height: side }, huge)).rejects.toThrow(
    new RegExp(`at the finest scale, and this adapter allows ${megabytes(limit)} in one piece: take maxSize \\d+, or a smaller`),
  );
});

it("finds out by taking it whether the GPU has so much", async () => {
  const before = gpu.stats();
  expect(await gpu.canHold(1e6)).toBe(true);
  const promisesAnything = /llvmpipe/.test(gpu.adapterName); // it allocates memory when it is first written
  expect(await gpu.canHold(2 ** 45)).toBe(promisesAnything);
  expect(gpu.stats()).toEqual(before);
});

it("names flags in place of options on the command line", () => {
  const fail = () => {
    throw new MemoryError("too much: take maxSize 30, or a smaller maxChannels");
  };
  expect(() => inFlags(fail)).toThrow(new Error("too much: take --max-size 30, or a smaller --max-channels"));
});
