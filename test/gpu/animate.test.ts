// Animations of a tiny model: frames by seed, parts that stand still, loops, GPU memory; and `singan animate` as a user runs it.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Gpu } from "../../src/gpu/device.ts";
import { readPng } from "../../src/image/png.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { type AnimationOptions, animate } from "../../src/singan/generation/applications/animation.ts";
import { SinganSampler } from "../../src/singan/generation/singan-sampler.ts";
import type { Model } from "../../src/singan/model/model.ts";
import { writeModel } from "../../src/singan/recipes.ts";
import { tinySrModel } from "../applications.ts";
import { buildCli, singanIn } from "../command-line.ts";
import { refusal } from "../refusal.ts";
import { TINY, tinyPhoto, trainAll } from "../tiny-training.ts";

let gpu: Gpu;
let folder: string;
let plain: Model;
let padded: Model;

beforeAll(async () => {
  buildCli();
  gpu = await openDevice(await openAdapter());
  plain = await trainAll(gpu, tinyPhoto(), TINY);
  padded = await tinySrModel(gpu);
  folder = mkdtempSync(join(tmpdir(), "singan-animate-"));
  writeFileSync(join(folder, "m.safetensors"), writeModel(plain));
});
afterAll(() => {
  gpu.dispose();
  rmSync(folder, { recursive: true, force: true });
});

async function frames(model: Model, options: Partial<AnimationOptions>): Promise<Float32Array[]> {
  const sampler = await SinganSampler.load(gpu, model);
  const all: Float32Array[] = [];
  for await (const { data } of animate(sampler, options)) all.push(data);
  await sampler.dispose();
  return all;
}
const rms = (a: Float32Array, b: Float32Array) => Math.sqrt(a.reduce((sum, v, i) => sum + (v - b[i]!) ** 2, 0) / a.length);

it("is a function of the seed, and stays at the photo's reconstruction with alpha 1", async () => {
  const before = gpu.stats().bytes;
  const first = await frames(plain, { frames: 3, seed: 7 });
  expect(await frames(plain, { frames: 3, seed: 7 })).toEqual(first);
  // Both walks start at the reconstruction and move apart.
  const [one, other] = [await frames(plain, { frames: 6, seed: 7 }), await frames(plain, { frames: 6, seed: 8 })];
  expect(one.slice(0, 3)).toEqual(first);
  expect(rms(one[0]!, other[0]!)).toBeGreaterThan(0);
  expect(rms(one[5]!, other[5]!)).toBeGreaterThan(1.5 * rms(one[0]!, other[0]!));
  const sampler = await SinganSampler.load(gpu, plain);
  const { data } = await sampler.reconstruction();
  await sampler.dispose();
  for (const frame of await frames(plain, { frames: 3, alpha: 1 })) expect(rms(frame, data)).toBeLessThan(1e-6);
  expect(gpu.stats().bytes).toBe(before);
});

it.each([
  ["a plain model", () => plain],
  ["one with noise up to the borders", () => padded],
])("loops without a seam: %s", async (_, model) => {
  const T = 12;
  const loop = await frames(model(), { frames: T, loop: true, seed: 3 });
  const steps = loop.map((frame, t) => rms(frame, loop[(t + 1) % T]!));
  const others = steps.slice(0, -1);
  expect(steps.at(-1)!).toBeLessThan(1.5 * Math.max(...others));
  expect(steps.at(-1)!).toBeGreaterThan(Math.min(...others) / 1.5);
  // A walk that is not a loop ends elsewhere.
  const open = await frames(model(), { frames: T, seed: 3 });
  expect(rms(open.at(-1)!, open[0]!)).toBeGreaterThan(2 * rms(open[1]!, open[0]!));
});

it("moves less from a finer start scale on", async () => {
  const travel = async (startScale: number) => {
    const all = await frames(plain, { frames: 4, startScale });
    return rms(all[0]!, all[3]!);
  };
  const [all, fine] = [await travel(0), await travel(plain.scales.length - 1)];
  expect(fine).toBeGreaterThan(0);
  expect(fine).toBeLessThan(all);
});

const cli = (...words: string[]) => singanIn(folder, "animate", ...words);

it("writes a GIF, an APNG with the frames' colours, and frames of a shorter run in place of older ones", () => {
  const gif = cli("m.safetensors", "--frames", "3", "--fps", "30", "--json");
  expect(JSON.parse(gif.out)).toEqual({
    ...{ files: ["animation.gif"], format: "gif", size: "24x19", frames: 3, seed: 0, alpha: 0.1, beta: 0.9, startScale: 0 },
    ...{ loop: false, fps: 100 / 3 },
  });
  expect(gif.err).toContain("GIF counts hundredths of a second: 3 per frame, 33.3 frames per second");
  expect(readFileSync(join(folder, "animation.gif")).toString("latin1", 0, 6)).toBe("GIF89a");

  mkdirSync(join(folder, "a/animation"), { recursive: true });
  writeFileSync(join(folder, "a/animation/0002.png"), "old");
  writeFileSync(join(folder, "a/animation/mine.png"), "mine");
  const flags = ["m.safetensors", "--frames", "2", "--out", "a", "--loop"];
  expect(cli(...flags, "--format", "png").out).toBe("a/animation/0000.png\na/animation/0001.png\n");
  expect(readdirSync(join(folder, "a/animation"))).toEqual(["0000.png", "0001.png", "mine.png"]);
  expect(cli(...flags, "--format", "apng").out).toBe("a/animation.png\n");
  const first = readPng(readFileSync(join(folder, "a/animation.png")));
  expect(first).toEqual(readPng(readFileSync(join(folder, "a/animation/0000.png"))));
});

it.each([
  [["m.safetensors", "--frames", "0"], 2, "--frames must be a whole number from 1 to 10000, not 0"],
  [["m.safetensors", "--fps", "60"], 2, "--fps must be a whole number from 1 to 50, not 60"],
  [["m.safetensors", "--alpha", "2"], 2, "--alpha must be a number from 0 to 1, not 2"],
  [["m.safetensors", "--alpha", "0", "--loop"], 2, "--alpha must be a number from 0.01 to 1 in a loop, not 0"],
  [["m.safetensors", "--start-scale", "9"], 2, "--start-scale must be a whole number from 0 to 1, not 9"],
  [["m.safetensors", "--format", "mp4"], 2, '--format must be gif, apng or png, not "mp4"'],
  [["m.safetensors", "--out", "m.safetensors"], 1, "can't write to m.safetensors: it is a file"],
])("refuses %j", async (words, status, line) => {
  const before = readdirSync(folder);
  const places = words.map((word) => (word.endsWith(".safetensors") ? join(folder, word) : word));
  const ended = await refusal("animate", ...places);
  expect({ ...ended, line: ended.line.replaceAll(`${folder}/`, "") }).toEqual({ status, line, written: "" });
  expect(readdirSync(folder)).toEqual(before);
});
