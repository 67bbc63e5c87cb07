// Super-resolution: exact sizes for every factor and orientation, noise by seed, tiles, and `singan sr` as a user runs it.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Gpu } from "../../src/gpu/device.ts";
import { crop, toRgb8 } from "../../src/image/planes.ts";
import { encodePng, readPng } from "../../src/image/png.ts";
import { imresize } from "../../src/image/resample.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { srPath } from "../../src/singan/generation/applications/super-resolution.ts";
import { SinganSampler } from "../../src/singan/generation/singan-sampler.ts";
import type { Model } from "../../src/singan/model/model.ts";
import { readModel, writeModel } from "../../src/singan/recipes.ts";
import { tinySrModel } from "../applications.ts";
import { buildCli, singanIn } from "../command-line.ts";
import { refusal } from "../refusal.ts";
import { tinyPhoto } from "../tiny-training.ts";

let gpu: Gpu;
let model: Model;
let folder: string;

beforeAll(async () => {
  buildCli();
  gpu = await openDevice(await openAdapter());
  model = await tinySrModel(gpu);
  folder = mkdtempSync(join(tmpdir(), "singan-sr-"));
  writeFileSync(join(folder, "m.safetensors"), writeModel(model));
  writeFileSync(join(folder, "plain.safetensors"), writeModel({ ...model, options: { ...model.options, recipe: "singan" } }));
  writeFileSync(join(folder, "tall.png"), encodePng(toRgb8(tinyPhoto(24, 31))));
});
afterAll(() => {
  gpu.dispose();
  rmSync(folder, { recursive: true, force: true });
});

/** The model with another photo: enlarging uses only the finest generator. */
function withPhoto(width: number, height: number): Model {
  const size = { width, height };
  const scales = [...model.scales.slice(0, -1), { ...model.scales.at(-1)!, size }];
  return { ...model, sizes: [...model.sizes.slice(0, -1), size], scales, photo: tinyPhoto(width, height) };
}

describe.each([
  ["landscape", 31, 24],
  ["portrait", 24, 31],
  ["square", 24, 24],
])("%s", (_, width, height) => {
  it("has the exact size for factors 2, 3, 4, 8 and 2.5", async () => {
    const own = withPhoto(width, height);
    const sampler = await SinganSampler.load(gpu, own);
    for (const factor of [2, 3, 4, 8, 2.5]) {
      const picture = await sampler.render(srPath(own, factor), { seed: 0 });
      expect([factor, picture.width, picture.height]).toEqual([factor, Math.floor(factor * width), Math.floor(factor * height)]);
      expect(picture.data).toHaveLength(3 * picture.width * picture.height);
      expect(picture.data.every(Number.isFinite)).toBe(true);
    }
    await sampler.dispose();
  });
});

it("depends on the seed, without noise on no seed, as if the amplitude were 0, and never on the tiles", async () => {
  const sampler = await SinganSampler.load(gpu, model);
  const tiled = await SinganSampler.load(gpu, model, 4 * 4 * (16 + 8) ** 2);
  const silent = await SinganSampler.load(gpu, { ...model, scales: model.scales.map((scale) => ({ ...scale, noiseAmp: 0 })) });
  const enlarged = async (seed: number, noise: "random" | "none" = "random", by = sampler) =>
    (await by.render(srPath(model, 2), { seed, noise })).data;
  const first = await enlarged(1);
  expect(await enlarged(1)).toEqual(first);
  expect(await enlarged(2)).not.toEqual(first);
  const still = await enlarged(3, "random", silent);
  for (const seed of [1, 2]) expect(await enlarged(seed, "none")).toEqual(still);
  expect(await enlarged(1, "random", tiled)).toEqual(first);
  await silent.dispose();
  await tiled.dispose();
  await sampler.dispose();
});

it("is the photo enlarged step by step where the generator adds nothing", async () => {
  const finest = model.scales.at(-1)!;
  const silent = [...finest.generator].map(
    ([name, values]) => [name, name.startsWith("tail.") ? values.map(() => 0) : values] as const,
  );
  const idle = { ...model, scales: [...model.scales.slice(0, -1), { ...finest, generator: new Map(silent) }] };
  const sampler = await SinganSampler.load(gpu, idle);
  const enlarged = await sampler.render(srPath(idle, 2), { seed: 0 });
  await sampler.dispose();
  let want = model.photo;
  for (let i = 0; i < 3; i++) want = imresize(want, 2 ** (1 / 3));
  want = crop(want, 0, 0, enlarged.width, enlarged.height);
  // Tap weights and sums are float32 on the GPU: a few units in the last place per step.
  expect(Math.max(...enlarged.data.map((v, i) => Math.abs(v - want.data[i]!)))).toBeLessThan(1e-5);
});

const sr = (...words: string[]) => singanIn(folder, "sr", ...words);
const sizeOf = (name: string) => {
  const { width, height } = readPng(readFileSync(join(folder, name)));
  return [width, height];
};

it("trains on a photo, writes the model, and takes it for another factor", () => {
  const flags = ["--max-size", "20", "--min-size", "16", "--iterations", "2", "--channels", "4", "--max-channels", "4"];
  const trained = sr("tall.png", "--factor", "3", "--compare", ...flags, "--json");
  expect([trained.status, trained.err]).toEqual([
    0,
    expect.stringContaining("first reduced to 16x20, so the result will have 48x60"),
  ]);
  const files = ["model.safetensors", "x3.png", "x3-compare.png"].map((name) => join("out/tall-sr", name));
  expect(JSON.parse(trained.out)).toEqual({
    ...{ files, model: files[0], factor: 3, from: "16x20", size: "48x60", seed: 0, noise: "random" },
  });
  expect(sizeOf("out/tall-sr/x3.png")).toEqual([48, 60]);
  const { options } = readModel(readFileSync(join(folder, files[0]!)));
  expect(options).toMatchObject({ recipe: "sr", alphaRec: 100, minSize: 16, scaleFactor: 1 / 3 ** (1 / 5) });

  const again = sr(files[0]!, "--factor", "2", "--noise", "none");
  expect([again.status, again.out]).toEqual([0, `${join("out/tall-sr", "x2.png")}\n`]);
  expect(sizeOf("out/tall-sr/x2.png")).toEqual([32, 40]);
});

it("says so where a model was not trained for it", () => {
  const { status, err } = sr("plain.safetensors", "--factor", "2", "--out", "plain");
  expect([status, err]).toEqual([0, expect.stringContaining("the model was not trained for super-resolution")]);
  expect(sizeOf("plain/x2.png")).toEqual([48, 38]);
});

it.each([
  [["m.safetensors", "--factor", "0"], 2, "--factor must be a number from 1.2 to 8, not 0"],
  [["m.safetensors", "--factor", "-4"], 2, "--factor must be a number from 1.2 to 8, not -4"],
  [["m.safetensors", "--factor", "1e9"], 2, "--factor must be a number from 1.2 to 8, not 1000000000"],
  [["m.safetensors", "--noise", "some"], 2, '--noise must be random or none, not "some"'],
  [["m.safetensors", "--iterations", "9"], 2, "--iterations concerns the training, and m.safetensors is already trained"],
  [["none.safetensors"], 1, "there is no file none.safetensors"],
  [["none.png"], 1, "there is no file none.png"],
  [["m.safetensors", "--out", "m.safetensors"], 1, "can't write to m.safetensors: it is a file"],
])("refuses %j", async (words, status, line) => {
  const before = readdirSync(folder);
  const places = words.map((word) => (/\.(safetensors|png)$/.test(word) ? join(folder, word) : word));
  const ended = await refusal("sr", ...places);
  expect({ ...ended, line: ended.line.replaceAll(`${folder}/`, "") }).toEqual({ status, line, written: "" });
  expect(readdirSync(folder)).toEqual(before);
});
