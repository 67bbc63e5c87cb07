// Painting, editing and harmonization in Node, by library and by command line.

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PNG } from "pngjs";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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
import { FAULTS } from "../picture-cases.ts";
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

describe("the masks and edits of test/faults", () => {
  const SCALE = ["--start-scale", "2"];
  const run = (...words: string[]) => {
    const ended = singan(...words);
    expect([ended.status, ended.err]).toEqual([0, expect.not.stringMatching(/is stretched|does not fit/)]);
    return ended.err;
  };
  const pixels = (...path: string[]) => readPng(readFileSync(join(folder, ...path)));
  const maskBy = (edit: string, ...mask: string[]) => {
    run("edit", "of-64", edit, ...mask, ...SCALE, "--out", "masked");
    return pixels("masked", "mask.png");
  };

  beforeAll(() => {
    cpSync(FAULTS, folder, { recursive: true });
    const small = ["--max-size", "64", "--iterations", "5", "--channels", "8", "--max-channels", "8"];
    run("train", "photo-250x168.png", ...small, "--out", "of-64");
  });

  it("an edit in the photo's size is not told as stretched, and one nearly opaque pixel changes nothing", () => {
    const mask = maskBy("edit-opaque.png");
    expect(new Set(mask.data)).toEqual(new Set([0, 255])); // before it is widened and blurred
    expect(maskBy("edit-one-pixel-254.png")).toEqual(mask);
  });

  it("masks of values 0 and 1, of one colour, and in the trained size are as the one of 0 and 255", () => {
    const mask = maskBy("edit-opaque.png", "--mask", "mask-255.png");
    for (const name of ["mask-values-0-1.png", "mask-pure-red.png"])
      expect(maskBy("edit-opaque.png", "--mask", name)).toEqual(mask);
    expect(maskBy("edit-opaque.png", "--mask", "mask-at-trained-size-64x44.png")).toMatchObject({ width: 64, height: 44 });
  });

  it("an all-white mask means everything, and a line says so", () => {
    const err = run("edit", "of-64", "edit-opaque.png", "--mask", "mask-all-white.png", ...SCALE, "--out", "all");
    expect(err).toContain("the mask covers the whole picture, so nothing of the photo stays\n");
    expect(pixels("all", "edit-opaque-scale2.png")).toEqual(pixels("all", "edit-opaque-scale2-whole.png"));
  });

  it.each(["edit", "harmonize"])(
    "%s takes back the mask and the picture that it wrote, by file, difference and transparency",
    async (kind) => {
      run(kind, "of-64", "edit-opaque.png", "--mask", "mask-255.png", ...SCALE, "--out", "first");
      run(kind, "of-64", "edit-opaque.png", "--mask", "first/mask.png", ...SCALE, "--out", "second");
      for (const file of ["mask.png", "edit-opaque-scale2.png"]) expect(pixels("second", file)).toEqual(pixels("first", file));
      run(kind, "of-64", "first/edit-opaque-scale2.png", "--mask", "second/mask.png", ...SCALE, "--out", "third");
      run(kind, "of-64", "first/edit-opaque-scale2.png", ...SCALE, "--out", "fourth");
      // The second mask as transparency of the first result.
      const [picture, mask] = ["first/edit-opaque-scale2.png", "second/mask.png"].map((file) => sharp(join(folder, file)));
      const alpha = await mask!.extractChannel(0).raw().toBuffer();
      const raw = { width: 64, height: 44, channels: 1 } as const;
      await picture!.joinChannel(alpha, { raw }).toFile(join(folder, "object.png"));
      run(kind, "of-64", "object.png", ...SCALE, "--out", "fifth");
      const counts = ["third", "fifth"].map((out) => pixels(out, "mask.png").data.filter((v) => v > 0).length);
      expect(counts[1]).toBe(counts[0]);
    },
  );

  it("paint takes an edit, and the picture that it wrote", () => {
    run("paint", "of-64", "edit-one-pixel-254.png", ...SCALE, "--out", "painted");
    run("paint", "of-64", "painted/edit-one-pixel-254-scale2.png", ...SCALE, "--out", "again");
  });
});
