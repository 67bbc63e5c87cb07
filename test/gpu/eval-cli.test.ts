// singan eval MODEL measures the pictures that singan sample makes, against the photo in the model or another photo.

import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { toRgb8 } from "../../src/image/planes.ts";
import { encodePng, readPng } from "../../src/image/png.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { SinganSampler } from "../../src/singan/generation/singan-sampler.ts";
import { DEFAULTS } from "../../src/singan/model/config.ts";
import type { Model } from "../../src/singan/model/model.ts";
import { parameterShapes } from "../../src/singan/model/shapes.ts";
import { resolveOptions, writeModel } from "../../src/singan/recipes.ts";
import { buildCli, CLI } from "../command-line.ts";
import { tinyPhoto } from "../tiny-training.ts";

let folder: string;

/** An untrained scale. Its figures are bad, which does not matter here. */
function untrained(): Model {
  const photo = tinyPhoto(24, 19);
  const [size, channels] = [{ width: 24, height: 19 }, 4];
  const values = (length: number, seed: number) => Float32Array.from({ length }, (_, i) => 0.3 * Math.sin(seed + 1.7 * i));
  const state = (net: "generator" | "discriminator") =>
    new Map(
      [...parameterShapes(net, channels, DEFAULTS)].flatMap(([name, shape]): [string, Float32Array][] => {
        const weights: [string, Float32Array] = [
          name,
          values(
            shape.reduce((a, b) => a * b),
            name.length,
          ),
        ];
        if (net === "discriminator" || !name.endsWith("norm.bias")) return [weights];
        const statistic = (of: string, value: number): [string, Float32Array] => [
          name.replace("bias", of),
          new Float32Array(channels).fill(value),
        ];
        return [weights, statistic("running_mean", 0), statistic("running_var", 1)];
      }),
    );
  const losses = { dReal: 0, dFake: 0, gradientPenalty: 0, gAdversarial: 0, reconstruction: 0 };
  const scale = { size, channels, noiseAmp: 1, generator: state("generator"), discriminator: state("discriminator") };
  return {
    options: resolveOptions({ maxSize: 24, minSize: 19, channels, maxChannels: channels }),
    scaleFactor: 1,
    ...{ sizes: [size], scales: [{ ...scale, losses, seconds: 0 }], zStar: values(24 * 19, 5), photo },
  };
}

beforeAll(async () => {
  buildCli();
  folder = mkdtempSync(join(tmpdir(), "singan-eval-"));
  mkdirSync(join(folder, "drawn"));
  const gpu = await openDevice(await openAdapter());
  const model = untrained();
  const sampler = await SinganSampler.load(gpu, model);
  for (const index of [0, 1]) {
    const sample = await sampler.sample({ seed: 7, index });
    writeFileSync(join(folder, `drawn/${index}.png`), encodePng(toRgb8(sample)));
  }
  writeFileSync(join(folder, "drawn/rec.png"), encodePng(toRgb8(await sampler.reconstruction())));
  writeFileSync(join(folder, "photo.png"), encodePng(toRgb8(model.photo)));
  writeFileSync(join(folder, "m.safetensors"), writeModel(model));
  await sampler.dispose();
  gpu.dispose();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function evaluate(...words: string[]) {
  const program = [CLI, "eval", ...words];
  const { status, stdout, stderr } = spawnSync(process.execPath, program, { cwd: folder, encoding: "utf8" });
  return { status, out: stdout, err: stderr };
}

it("gives a model's samples the figures of the same pictures in a folder", () => {
  const ofModel = evaluate("m.safetensors", "--samples", "2", "--seed", "7", "--json", "--out", "figures.json");
  expect(ofModel.status, ofModel.err).toBe(0);
  const { model, seed, against, ...figures } = JSON.parse(ofModel.out);
  expect([model, seed, against, figures.width, figures.height]).toEqual(["m.safetensors", 7, null, 24, 19]);
  const ofFolder = JSON.parse(evaluate("drawn", "--against", "photo.png", "--json").out);
  expect({ ...figures, folder: "drawn", against: "photo.png" }).toEqual(ofFolder);
  const [photo, rebuilt] = ["photo.png", "drawn/rec.png"].map((name) => readPng(readFileSync(join(folder, name))).data);
  const error = photo!.reduce((sum, v, i) => sum + (v - rebuilt![i]!) ** 2, 0) / photo!.length;
  expect(figures.psnr).toBeCloseTo(10 * Math.log10(255 ** 2 / error), 3);
  expect(readFileSync(join(folder, "figures.json"), "utf8")).toBe(ofModel.out);
});

it("compares a folder that holds a model with the photo inside it", () => {
  const figures = JSON.parse(evaluate("drawn", "--against", "photo.png", "--json").out);
  copyFileSync(join(folder, "m.safetensors"), join(folder, "drawn/model.safetensors"));
  const { status, out } = evaluate("drawn", "--json");
  rmSync(join(folder, "drawn/model.safetensors"));
  expect(status).toBe(0);
  expect(JSON.parse(out)).toEqual({ ...figures, against: null });
});

it("refuses numbers of samples that can't be", () => {
  const { status, out, err } = evaluate("m.safetensors", "--samples", "0");
  expect([status, out, err]).toEqual([2, "", "singan: --samples must be a whole number from 2 to 1000, not 0\n"]);
});
