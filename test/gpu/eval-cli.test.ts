// singan eval MODEL: it measures the pictures that singan sample draws, against the photo in the model or another.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Gpu } from "../../src/gpu/device.ts";
import { toRgb8 } from "../../src/image/planes.ts";
import { encodePng } from "../../src/image/png.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { Sampler } from "../../src/singan/generate.ts";
import { writeModel } from "../../src/singan/model-file.ts";
import { TINY, tinyPhoto, trainAll } from "../tiny-training.ts";

const ROOT = join(import.meta.dirname, "../..");
let folder: string;

beforeAll(async () => {
  const built = spawnSync(process.execPath, ["build.mjs", "--stale"], { cwd: ROOT, encoding: "utf8" });
  if (built.status !== 0) throw new Error(`the build failed: ${built.stderr}`);
  folder = mkdtempSync(join(tmpdir(), "singan-eval-"));
  mkdirSync(join(folder, "drawn"));
  const gpu = await Gpu.open(await openAdapter());
  const model = await trainAll(gpu, tinyPhoto(), TINY);
  const sampler = await Sampler.load(gpu, model);
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
  const program = [join(ROOT, "dist/cli.js"), "eval", ...words];
  const { status, stdout, stderr } = spawnSync(process.execPath, program, { cwd: folder, encoding: "utf8" });
  return { status, out: stdout, err: stderr };
}

it("gives a model's samples the figures of the same pictures in a folder", () => {
  const ofModel = evaluate("m.safetensors", "--samples", "2", "--seed", "7", "--json", "--out", "figures.json");
  expect(ofModel.status, ofModel.err).toBe(0);
  const { model, seed, against, ...figures } = JSON.parse(ofModel.out);
  expect([model, seed, against]).toEqual(["m.safetensors", 7, null]);
  const ofFolder = JSON.parse(evaluate("drawn", "--against", "photo.png", "--json").out);
  expect({ ...figures, folder: "drawn", against: "photo.png" }).toEqual(ofFolder);
  expect(figures.psnr).toBeGreaterThan(0);
  expect(readFileSync(join(folder, "figures.json"), "utf8")).toBe(ofModel.out);
});

it("refuses numbers of samples that can't be", () => {
  const { status, out, err } = evaluate("m.safetensors", "--samples", "0");
  expect([status, out, err]).toEqual([2, "", "singan: --samples must be a whole number from 1 to 1000, not 0\n"]);
});
