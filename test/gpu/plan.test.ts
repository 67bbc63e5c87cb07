// A training that does not fit into memory is refused before it starts, with numbers and a size that fits.

import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { sizeOf } from "../../src/autodiff/tensor.ts";
import { inFlags } from "../../src/cli/training-flags.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { DEFAULTS, PRESETS, type Size, type TrainOptions } from "../../src/singan/model/config.ts";
import { type Net, parameterShapes } from "../../src/singan/model/shapes.ts";
import { forecastBytes, planTraining, planWithoutGpu, pyramidOf, recipeOf, resolveOptions } from "../../src/singan/recipes.ts";
import { MemoryError, megabytes, requireMemory as requireMemoryBy } from "../../src/singan/training/plan.ts";

const requireMemory = (on: Gpu, photo: Size, options: TrainOptions, freeBytes?: number): Promise<number> =>
  requireMemoryBy(on, photo, { recipe: recipeOf(options), options, pyramid: pyramidOf(photo, options) }, freeBytes);
const photo = { width: 96, height: 64 };
const options = resolveOptions({ maxSize: 90, channels: 8, maxChannels: 8 });
let gpu: Gpu;
beforeAll(async () => {
  gpu = await openDevice(await openAdapter());
});
afterAll(() => gpu.dispose());

it("gives the forecast where it fits", async () => {
  expect(await requireMemory(gpu, photo, options)).toBe(await forecastBytes(gpu, photo, options));
});

it.each(["regenerate", "replay"] as const)("takes at most 700 MB for the paper's size, %s", async (gStep) => {
  const paper = resolveOptions({ gStep });
  const bytesOf = (net: Net) =>
    4 * [...parameterShapes(net, paper.maxChannels, DEFAULTS).values()].reduce((sum, shape) => sum + sizeOf(shape), 0);
  const state = 4 * bytesOf("generator") + 3 * bytesOf("discriminator"); // weights, moments and G's average, while they are read
  expect((await forecastBytes(gpu, { width: 250, height: 188 }, paper)) - state).toBeLessThan(700e6);
});

it.runIf(() => gpu.isSoftware)(
  "refuses with both numbers and the largest size that fits, where the GPU is software",
  async () => {
    const bytes = await forecastBytes(gpu, photo, options);
    const free = 0.8 * bytes;
    const refused = requireMemory(gpu, photo, options, 256e6 + free);
    await expect(refused).rejects.toThrow(
      `this training takes ${megabytes(bytes)} of memory, and ${megabytes(free)} are free: the largest maxSize that fits is `,
    );
    const size = await refused.catch(({ message }: Error) => Number(/\d+$/.exec(message)![0]));
    expect(await requireMemory(gpu, photo, { ...options, maxSize: size as number }, 256e6 + free)).toBeLessThan(free);
    expect(await forecastBytes(gpu, photo, { ...options, maxSize: (size as number) + 1 })).toBeGreaterThan(free);
  },
);

it.runIf(() => gpu.isSoftware)("says so where no size fits", async () => {
  await expect(requireMemory(gpu, photo, options, 0)).rejects.toThrow(
    "of memory, and 0 MB are free: no maxSize fits, fewer channels may",
  );
  // An elongated photo has no smaller pyramid.
  const strip = { width: 250, height: 26 };
  await expect(requireMemory(gpu, strip, resolveOptions({ channels: 8, maxChannels: 8 }), 256e6 + 1e6)).rejects.toThrow(
    "1 MB are free: no maxSize fits",
  );
});

it("says what a binding may hold, and the largest size within it", async () => {
  const { maxStorageBufferBindingSize: limit } = gpu.device.limits;
  const side = Math.ceil(Math.sqrt(limit / 4 / 256)) + 8;
  const huge = resolveOptions({ maxSize: side, minSize: Math.min(side - 20, 512), channels: 256, maxChannels: 256 });
  await expect(requireMemory(gpu, { width: side, height: side }, huge)).rejects.toThrow(
    new RegExp(`and this adapter allows ${megabytes(limit)} in one piece: the largest maxSize that fits is \\d+`),
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
    throw new MemoryError("too much: the largest maxSize that fits is 30");
  };
  expect(() => inFlags(fail)).toThrow(new Error("too much: the largest --max-size that fits is 30"));
});

describe("planTraining", () => {
  const clouds = { width: 256, height: 124 };
  const fast = { overhead: 0.002, rate: 1e13, growth: 0, compile: 1 };
  const slow = { overhead: 0.5, rate: 1e9, growth: 0, compile: 10 };

  it("takes a named preset, made large enough for an elongated photo, and forecasts its time", async () => {
    const plan = await planTraining(gpu, clouds, { preset: "preview", options: { seed: 3 } }, { speed: slow });
    // 48 px would make the short side 23 px, below the 25 px of the coarsest scale.
    expect(plan).toMatchObject({ preset: "preview", isPicked: false, options: { ...PRESETS.preview, seed: 3, maxSize: 65 } });
    const { options, pyramid, forecastSeconds, bytes } = plan;
    expect(pyramid).toEqual(pyramidOf(clouds, options));
    expect(bytes).toBe(await forecastBytes(gpu, clouds, options));
    const macs = pyramid.sizes.reduce((sum, _, k) => sum + recipeOf(options).macsPerIteration(k, pyramid.sizes, options), 0);
    const finishing = 2; // iterations
    const iterations = (options.iterations + finishing) * (macs / slow.rate + pyramid.sizes.length * slow.overhead);
    expect(forecastSeconds).toBeCloseTo(iterations + (slow.compile * pyramid.sizes.length) / 4, 6);
  });

  it("picks the best preset that takes a reasonable time at the measured speed, and keeps given options", async () => {
    const picked = (speed: typeof fast, options: Partial<TrainOptions> = {}) =>
      planTraining(gpu, clouds, { options }, { speed, freeBytes: 2 ** 40 });
    expect(await picked(fast)).toMatchObject({ preset: "full", isPicked: true, options: PRESETS.full, speed: fast });
    expect(await picked(slow, { iterations: 7 })).toMatchObject({ preset: "preview", options: { iterations: 7, maxSize: 65 } });
    expect((await picked(slow)).options).toMatchObject({ channels: 16, iterations: 40 });
    expect((await picked(fast, { recipe: "consingan" })).options).toMatchObject({ recipe: "consingan", stages: 6 });
  });

  it("takes the preset full where size and iterations are given, and times a short training for nobody", async () => {
    const options = { maxSize: 40, iterations: 2, channels: 4, maxChannels: 4 };
    const onTiming = () => expect.fail("timed");
    const plan = await planTraining(gpu, { width: 40, height: 40 }, { options }, { onTiming });
    expect(plan).toMatchObject({ preset: "full", isPicked: false, forecastSeconds: null, speed: null });
    expect(plan.options).toEqual({ ...PRESETS.full, ...options });
    expect(planWithoutGpu({ width: 40, height: 40 }, { options })).toMatchObject({
      options: plan.options,
      pyramid: plan.pyramid,
    });
  });

  it("times and forecasts where a preset is named, and where the training is long in any case", async () => {
    const photo = { width: 40, height: 40 };
    const short = { maxSize: 40, iterations: 2, channels: 4, maxChannels: 4 };
    const long = { maxSize: 40, iterations: 2000, channels: 8, maxChannels: 8 };
    for (const [preset, options, isTimed] of [
      ["full", short, true],
      [undefined, short, false],
      [undefined, long, true],
    ] as const) {
      const { forecastSeconds } = await planTraining(gpu, photo, { preset, options }, { speed: fast });
      expect(forecastSeconds !== null).toBe(isTimed);
    }
    const onTiming = vi.fn();
    const plan = await planTraining(gpu, photo, { preset: "full", options: short }, { onTiming });
    const shares = onTiming.mock.calls.map(([share]) => share);
    expect(shares[0]).toBe(0);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(shares.at(-1)).toBeLessThanOrEqual(1);
    const ended = planTraining(gpu, photo, { preset: "full", options: short }, { onTiming: (share) => expect(share).toBe(0) });
    await expect(ended).rejects.toThrow("expected 0.1"); // the second call: a program is compiled
    expect(plan.speed!.rate).toBeGreaterThan(0);
  });

  it("refuses what can't be trained, in the words of the options", async () => {
    const plan = (options: Partial<TrainOptions>, freeBytes?: number) =>
      planTraining(gpu, clouds, { preset: "full", options }, { speed: fast, ...(freeBytes && { freeBytes }) });
    await expect(plan({ maxSize: 40 })).rejects.toThrow(
      "its short side must have at least 25. Choose a max size of 52, or crop the picture",
    );
    await expect(plan({ stages: 3 })).rejects.toThrow("stages has no meaning in the recipe singan");
    await expect(plan({ recipe: "gan" })).rejects.toThrow("recipe must be singan or sr or consingan, not gan");
    // More than the paper's size is trained only where it is asked for.
    const strip = { width: 900, height: 26 };
    for (const preset of ["preview", "full", undefined] as const)
      await expect(planTraining(gpu, strip, { preset, options: {} }, { speed: fast })).rejects.toThrow("900x26 pixels to 250x8");
    if (gpu.isSoftware) await expect(plan({}, 300e6)).rejects.toThrow(MemoryError);
  });
});
