// Painting, editing and harmonization in Node, by library and by command line.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PNG } from "pngjs";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Gpu } from "../../src/gpu/device.ts";
import { toRgb8 } from "../../src/image/planes.ts";
import { encodePng, readPng } from "../../src/image/png.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { photoOf } from "../../src/singan/generation/applications/inject.ts";
import type { Model } from "../../src/singan/model/model.ts";
import { writeModel } from "../../src/singan/recipes.ts";
import { buildCli, singanIn } from "../command-line.ts";
import { edited, inject } from "../injection.ts";
import { TINY, tinyPhoto, trainAll } from "../tiny-training.ts";

let gpu: Gpu;
let model: Model;
let folder: string;

beforeAll(async () => {
  buildCli();
  gpu = await openDevice(await openAdapter());
  model = await trainAll(gpu, tinyPhoto(), TINY);
  folder = mkdtempSync(join(tmpdir(), "singan-inject-"));
  const put = (name: string, data: Uint8Array) => writeFileSync(join(folder, name), data);
  put("m.safetensors", writeModel(model));
  put("edited.png", encodePng(toRgb8(edited(model))));
  put("photo.png", encodePng(toRgb8(photoOf(model))));
  put("black.png", encodePng({ width: 24, height: 19, data: new Uint8Array(3 * 24 * 19) }));
  put("white.png", encodePng({ width: 24, height: 19, data: new Uint8Array(3 * 24 * 19).fill(255) }));
  put("clear.png", PNG.sync.write(Object.assign(new PNG({ width: 24, height: 19 }), { data: Buffer.alloc(4 * 24 * 19) })));
  put("tall.png", encodePng({ width: 20, height: 40, data: new Uint8Array(2400).fill(255) }));
});
afterAll(() => {
  gpu.dispose();
  rmSync(folder, { recursive: true, force: true });
});

it("paints, edits, composes and retrains, the same twice; keeps the photo's pixels outside the mask only", async () => {
  const before = gpu.stats().bytes;
  const first = await inject(gpu, model);
  expect(first.sizes).toEqual(Array(5).fill("24x19"));
  expect(new Set(first.hashes).size).toBe(5);
  const [pixels, same] = first.outside;
  expect(pixels).toBeGreaterThan(50);
  expect(same).toBe(pixels);
  const [masked, rendered] = first.inside;
  expect(masked).toBeGreaterThan(20);
  expect(rendered).toBe(masked);
  const [toPainting, toPhoto] = first.painted;
  expect(toPainting).toBeLessThan(toPhoto / 1.5);
  expect(await inject(gpu, model)).toEqual(first);
  expect(gpu.stats().bytes).toBe(before);
});

const singan = (...words: string[]) => singanIn(folder, ...words);
const sizeOf = (name: string) => {
  const { width, height } = readPng(readFileSync(join(folder, name)));
  return [width, height];
};

it("edits by the difference to the photo, at every scale, with a sheet", () => {
  const { status, out } = singan("edit", "m.safetensors", "edited.png", "--start-scale", "all", "--json");
  const names = ["edited-scale1.png", "edited-scale1-whole.png", "mask.png", "sheet.png"].map((name) =>
    join("edit-edited", name),
  );
  expect(JSON.parse(out)).toEqual({ files: names, startScales: [1], seed: 0 });
  expect(status).toBe(0);
  expect(sizeOf("edit-edited/edited-scale1.png")).toEqual([24, 19]);
});

it("paints quantized, into the model's folder", () => {
  const { status, out } = singan("paint", "m.safetensors", "tall.png", "--start-scale", "1", "--quantize");
  expect([status, out]).toEqual([0, `${join("paint-tall", "tall-scale1.png")}\n`]);
});

it.each([
  [
    ["edit", "m.safetensors", "photo.png", "--start-scale", "1"],
    1,
    "the difference of photo.png to the photo: the mask is empty",
  ],
  [["harmonize", "m.safetensors", "edited.png", "--mask", "black.png", "--start-scale", "1"], 1, "black.png: the mask is empty"],
  [
    ["edit", "m.safetensors", "edited.png", "--mask", "white.png", "--start-scale", "1"],
    1,
    "white.png: the mask covers the whole picture, so nothing of the photo would stay",
  ],
  [["edit", "m.safetensors", "edited.png", "--mask", "clear.png", "--start-scale", "1"], 1, "clear.png: the mask is empty"],
  [
    ["edit", "m.safetensors", "edited.png", "--mask", "tall.png", "--start-scale", "1"],
    2,
    "--mask: tall.png is 20x40, which does not fit edited.png of 24x19",
  ],
  [["edit", "m.safetensors", "edited.png", "--mask", "none.png", "--start-scale", "1"], 1, "there is no file none.png"],
  [["paint", "m.safetensors", "edited.png", "--start-scale", "0"], 2, '--start-scale must be 1, or all, not "0"'],
  [["paint", "m.safetensors", "edited.png"], 2, "--start-scale is missing: 1, or all"],
  [["paint", "photo.png", "edited.png", "--start-scale", "1"], 1, "photo.png: a PNG picture, not a model"],
  [
    ["paint", "m.safetensors", "edited.png", "--start-scale", "1", "--out", "photo.png"],
    1,
    "can't write to photo.png: it is a file",
  ],
])("refuses %j", (words, status, line) => {
  const before = readdirSync(folder);
  const ended = singan(...words);
  expect(ended.err).toContain(line);
  expect(ended.err).toMatch(/^singan: [^\n]+\n$/);
  expect([ended.status, ended.out]).toEqual([status, ""]);
  expect(readdirSync(folder)).toEqual(before);
});
