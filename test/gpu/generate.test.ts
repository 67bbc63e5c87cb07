// Pictures along every path of a tiny model: sizes, determinism, start scales, and tiles that have the bits of the whole.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../src/gpu/device.ts";
import { crop, type Planes, toRgb8 } from "../../src/image/planes.ts";
import { edgeSteps } from "../../src/metrics/edges.ts";
import { toPicture } from "../../src/metrics/picture.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { injectionPath, type Path, photoPath, reconstructionPath, samplePath } from "../../src/singan/generation/path.ts";
import type { SampleOptions } from "../../src/singan/generation/sampling.ts";
import { SinganSampler } from "../../src/singan/generation/singan-sampler.ts";
import type { Model } from "../../src/singan/model/model.ts";
import { TINY, tinyPhoto, trainAll } from "../tiny-training.ts";

/** A limit that makes tiles of 16 px for models with 4 channels. */
const TILE_16 = 4 * 4 * (16 + 8) ** 2;

let gpu: Gpu;
let model: Model;
let whole: SinganSampler;
let tiled: SinganSampler;

beforeAll(async () => {
  gpu = await openDevice(await openAdapter());
  model = await trainAll(gpu, tinyPhoto(), { ...TINY, zStar: "fixed" });
  whole = await SinganSampler.load(gpu, model);
  tiled = await SinganSampler.load(gpu, model, TILE_16);
});
afterAll(async () => {
  await whole.dispose();
  await tiled.dispose();
  gpu.dispose();
});

const sizeOf = ({ width, height }: Planes) => [width, height];
const rms = (a: Planes, b: Planes) => Math.sqrt(a.data.reduce((sum, v, i) => sum + (v - b.data[i]!) ** 2, 0) / a.data.length);

describe("tiled equals untiled, bit for bit", () => {
  const paths: [string, () => Path][] = [
    ["as trained", () => samplePath(model)],
    ["wide", () => samplePath(model, { size: { width: 75, height: 18 } })],
    ["large", () => samplePath(model, { size: { width: 53, height: 70 } })],
    ["from scale 1", () => samplePath(model, { startScale: 1 })],
    ["the photo from scale 1", () => photoPath(model, { size: { width: 60, height: 41 }, startScale: 1 })],
    ["an injected picture", () => injectionPath(model, tinyPhoto(37, 50), 1)],
    ["reconstruction", () => reconstructionPath(model)],
    ["a seamless tile", () => ({ ...samplePath(model, { size: { width: 53, height: 41 } }), wraps: { x: true, y: true } })],
    ["seamless along x", () => ({ ...samplePath(model, { size: { width: 38, height: 45 } }), wraps: { x: true, y: false } })],
    ["seamless along y, from scale 1", () => ({ ...samplePath(model, { startScale: 1 }), wraps: { x: false, y: true } })],
    [
      "a seamless tile, the photo from scale 1",
      () => ({ ...photoPath(model, { size: { width: 44, height: 50 }, startScale: 1 }), wraps: { x: true, y: true } }),
    ],
  ];
  it.each(paths)("%s", async (_, path) => {
    const options = { seed: 11, index: 2 };
    const [a, b] = [await whole.render(path(), options), await tiled.render(path(), options)];
    expect(sizeOf(b)).toEqual(sizeOf(a));
    expect(a.data.every((v, i) => Object.is(v, b.data[i]))).toBe(true);
    expect(new Set(a.data).size).toBeGreaterThan(100);
  });

  it("with noise up to the border", async () => {
    const { width, height } = model.sizes[0]!;
    const zStar = Float32Array.from({ length: (width + 10) * (height + 10) }, (_, i) => Math.sin(i));
    const padded: Model = { ...model, options: { ...model.options, noisePadding: true }, zStar };
    const [one, many] = [await SinganSampler.load(gpu, padded), await SinganSampler.load(gpu, padded, TILE_16)];
    for (const path of [samplePath(padded, { size: { width: 50, height: 33 } }), reconstructionPath(padded)]) {
      const [a, b] = [await one.render(path, { seed: 1 }), await many.render(path, { seed: 1 })];
      expect(a.data.every((v, i) => Object.is(v, b.data[i]))).toBe(true);
    }
    await one.dispose();
    await many.dispose();
  });
});

it("keeps parts of the photo to the last bit, whole and tile by tile", async () => {
  const { width, height, data } = model.photo;
  const keep = { width, height, data: Float32Array.from({ length: width * height }, (_, p) => Number(p % width < 9)) };
  const isKept = (_: number, i: number) => keep.data[i % keep.data.length] === 1;
  const [free, kept] = [await whole.sample({ seed: 5 }), await whole.sample({ seed: 5, keep })];
  expect(kept.data.filter(isKept)).toEqual(data.filter(isKept));
  const others = (values: Float32Array) => values.filter((v, i) => !isKept(v, i));
  expect(others(kept.data)).not.toEqual(others(data));
  expect((await tiled.sample({ seed: 5, keep })).data).toEqual(kept.data);
  expect(await whole.sample({ seed: 5 })).toEqual(free);
  const elsewhere = { seed: 5, keep, size: { width: 40, height: 40 } };
  await expect(whole.sample(elsewhere)).rejects.toThrow("trained size");
  await expect(whole.sample({ seed: 5, keep: { ...keep, data: keep.data.map(() => 1) } })).rejects.toThrow(
    "nothing would change",
  );
});

describe("seamless tiles", () => {
  const [width, height] = [31, 27];
  const wraps = { x: true, y: true };

  it("are one period of a larger picture with periodic noise", async () => {
    const z = Float32Array.from({ length: width * height }, (_, i) => Math.sin(1 + i * i));
    const stage = { scale: 0, noise: "given", statistics: "random", grey: true } as const;
    const path = { start: null, factor: model.scaleFactor };
    const one = { ...path, wraps, stages: [{ ...stage, size: { width, height } }] };
    const tile = await whole.render(one, { seed: 0, given: [z] });
    const large = { width: width + 12, height: height + 12 };
    const periodic = Float32Array.from({ length: large.width * large.height }, (_, i) => {
      const [x, y] = [i % large.width, Math.floor(i / large.width)];
      return z[((y + height - 6) % height) * width + ((x + width - 6) % width)]!;
    });
    const around = await whole.render({ ...path, stages: [{ ...stage, size: large }] }, { seed: 0, given: [periodic] });
    expect(crop(around, 6, 6, width, height).data).toEqual(tile.data);
  });

  it("have no larger steps across their borders than inside, which other pictures have", async () => {
    const size = { width, height };
    const steps = async (options: Partial<SampleOptions>) => {
      const pictures = [];
      for (let index = 0; index < 4; index++)
        pictures.push(toPicture(toRgb8(await whole.sample({ seed: 3, index, size, ...options }))));
      return edgeSteps(pictures);
    };
    const [tiles, plain] = [await steps({ wraps }), await steps({})];
    for (const axis of ["edge_x", "edge_y"] as const) {
      expect(tiles[axis]).toBeLessThan(1.5);
      expect(tiles[axis]).toBeLessThan(plain[axis]);
    }
  });
});

it("yields bands from top to bottom and reports its progress", async () => {
  const shares: number[] = [];
  const tops: number[] = [];
  let next = 0;
  const options = { seed: 1, size: { width: 40, height: 50 } };
  for await (const { top, picture } of tiled.bands(options, (share) => shares.push(share))) {
    expect(top).toBe(next);
    expect(picture.width).toBe(40);
    next += picture.height;
    tops.push(top);
  }
  expect(next).toBe(50);
  expect(tops.length).toBeGreaterThan(2);
  expect(shares).toEqual([...shares].sort((a, b) => a - b));
  expect(shares.at(-1)).toBeCloseTo(1, 9);
});

it("takes the same GPU memory for a picture of any size", async () => {
  const most = async (width: number, height: number) => {
    let bytes = 0;
    for await (const _ of tiled.bands({ seed: 0, size: { width, height } }, () => {
      bytes = Math.max(bytes, gpu.stats().bytes);
    }));
    return bytes;
  };
  expect(await most(200, 150)).toBeLessThanOrEqual((await most(64, 48)) * 1.05);
});

it("depends on seed and index, and without noise on neither: as if all amplitudes were 0", async () => {
  const first = await whole.sample({ seed: 4 });
  expect(await whole.sample({ seed: 4 })).toEqual(first);
  const others = [await whole.sample({ seed: 5 }), await whole.sample({ seed: 4, index: 1 })];
  // Independent pictures are as far apart as they are from each other, not a rounding error.
  for (const other of others) expect(rms(other, first)).toBeGreaterThan(0.5 * rms(others[0]!, others[1]!));
  const silent = await SinganSampler.load(gpu, { ...model, scales: model.scales.map((scale) => ({ ...scale, noiseAmp: 0 })) });
  const still = await silent.sample({ seed: 6 });
  await silent.dispose();
  for (const seed of [4, 5]) expect(await whole.sample({ seed, noise: "none" })).toEqual(still);
});

it("keeps the layout below the start scale: by the reconstruction's noise, or by the photo", async () => {
  const reconstruction = await whole.reconstruction();
  const free = await whole.sample({ seed: 4 });
  const kept = await whole.sample({ seed: 4, startScale: 1 });
  expect(rms(kept, reconstruction)).toBeLessThan(rms(free, reconstruction) / 3);
  const options = { seed: 4, startScale: 1 };
  const large = { width: 60, height: 41 };
  expect(await whole.sample({ ...options, below: "noise" })).toEqual(kept);
  expect(await whole.sample({ ...options, below: "photo" })).toEqual(await whole.render(photoPath(model, options), options));
  const path = photoPath(model, { ...options, size: large });
  expect(await whole.sample({ ...options, size: large })).toEqual(await whole.render(path, options));
});

it("uses given noise", async () => {
  const path = samplePath(model);
  const given: Path = { ...path, stages: path.stages.map((stage) => ({ ...stage, noise: "given" })) };
  const values = path.stages.map(({ size, grey }, k) =>
    new Float32Array((grey ? 1 : 3) * size.width * size.height).fill(0.3 * k),
  );
  const one = await whole.render(given, { seed: 0, given: values });
  expect(await tiled.render(given, { seed: 9, given: values })).toEqual(one);
  await expect(whole.render(given, { seed: 0 })).rejects.toThrow("the noise of stage 0 is to be given, but is not");
});

it.each([
  [() => samplePath(model, { size: { width: 0, height: 5 } }), "a picture's size must be positive whole numbers, not 0x5"],
  [() => samplePath(model, { size: { width: 65535, height: 65535 } }), "too large"],
  [() => samplePath(model, { size: { width: 60, height: 41 }, startScale: 1 }), "at another size start from the photo itself"],
  [() => samplePath(model, { startScale: 2 }), "startScale must be a whole number from 0 to 1, not 2"],
  [() => injectionPath(model, tinyPhoto(), 0), "startScale must be a whole number from 1 to 1, not 0"],
])("refuses what has no path: %#", (make, message) => {
  expect(make).toThrow(message);
});

it("frees everything", async () => {
  const before = gpu.stats().bytes;
  const sampler = await SinganSampler.load(gpu, model, TILE_16);
  await Promise.all([
    sampler.sample({ seed: 1 }),
    sampler.reconstruction(),
    sampler.sample({ seed: 2, size: { width: 9, height: 40 } }),
  ]);
  await sampler.dispose();
  expect(gpu.stats().bytes).toBe(before);
});
