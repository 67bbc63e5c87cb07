// singan sample as a user runs it: sizes, start scales, tiles and errors.

import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Rgb8, toRgb8 } from "../../src/image/planes.ts";
import { encodePng, readPng } from "../../src/image/png.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { openSampler, writeModel } from "../../src/singan/recipes.ts";
import { buildCli, singanIn } from "../command-line.ts";
import { TINY, tinyPhoto, trainAll } from "../tiny-training.ts";

let folder: string;
/** What the library makes of the options of a call. */
const expected: Record<"noise" | "photo", Rgb8> = {} as never;

beforeAll(async () => {
  buildCli();
  folder = mkdtempSync(join(tmpdir(), "singan-sample-"));
  const gpu = await openDevice(await openAdapter());
  const model = await trainAll(gpu, tinyPhoto(), TINY);
  writeFileSync(join(folder, "m.safetensors"), writeModel(model));
  const sampler = await openSampler(gpu, model);
  for (const below of ["noise", "photo"] as const)
    expected[below] = toRgb8(await sampler.sample({ seed: 0, startScale: 1, below }));
  await sampler.dispose();
  gpu.dispose();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const sample = (...words: string[]) => singanIn(folder, "sample", "m.safetensors", ...words);
const sizeOf = (name: string) => {
  const { width, height } = readPng(readFileSync(join(folder, name)));
  return `${width}x${height}`;
};

it("makes pictures of a size in pixels and of one in factors", () => {
  const wide = sample("--size", "70x33", "--count", "1", "--json");
  expect(JSON.parse(wide.out)).toEqual({
    samples: [join("samples-seed0-70x33", "000.png")],
    size: "70x33",
    seed: 0,
    startScale: 0,
  });
  expect(sizeOf("samples-seed0-70x33/000.png")).toBe("70x33");
  expect(sample("--scale", "1.5x0.5", "--count", "1", "--out", "factors").status).toBe(0);
  expect(sizeOf("factors/000.png")).toBe("36x10"); // of 24x19: 9.5 rounds to even
});

it("accepts the folder of a model, and writes there", () => {
  mkdirSync(join(folder, "trained"));
  expect(singanIn(folder, "sample", "trained").err).toBe("singan: trained is a directory, not a model\n");
  copyFileSync(join(folder, "m.safetensors"), join(folder, "trained/model.safetensors"));
  const { out } = singanIn(folder, "sample", "trained", "--count", "1", "--seed", "3");
  expect(out.trim()).toBe(join("trained", "samples-seed3", "000.png"));
  expect(sample("--count", "1", "--seed", "3").status).toBe(0);
  expect(readFileSync(join(folder, out.trim()))).toEqual(readFileSync(join(folder, "samples-seed3/000.png")));
});

it("samples from every start scale, by the reconstruction's noise or from the photo, as the library does", () => {
  const { status, out } = sample("--start-scale", "all", "--count", "2", "--below", "photo", "--out", "all");
  const names = ["scale0-000.png", "scale0-001.png", "scale1-000.png", "scale1-001.png", "sheet.png"].map((name) =>
    join("all", name),
  );
  expect([status, out.trim().split("\n")]).toEqual([0, names]);
  expect(sample("--start-scale", "1", "--count", "1", "--out", "one").status).toBe(0);
  expect(readPng(readFileSync(join(folder, "one/000.png")))).toEqual(expected.noise);
  expect(readPng(readFileSync(join(folder, "all/scale1-000.png")))).toEqual(expected.photo);
  expect(expected.photo).not.toEqual(expected.noise);
});

it("keeps what a mask says", () => {
  const [width, height] = [24, 19];
  const white = (set: (x: number) => boolean) => ({
    ...{ width, height },
    data: Uint8Array.from({ length: 3 * width * height }, (_, i) => (set(Math.floor(i / 3) % width) ? 255 : 0)),
  });
  writeFileSync(join(folder, "left.png"), encodePng(white((x) => x < 8)));
  writeFileSync(join(folder, "all.png"), encodePng(white(() => true)));
  const { status, out } = sample("--keep", "left.png", "--count", "2");
  const files = out.trim().split("\n");
  expect([status, files]).toEqual([0, ["000.png", "001.png"].map((name) => join("samples-seed0-kept", name))]);
  const [a, b] = files.map((file) => readPng(readFileSync(join(folder, file))).data);
  const left = (_: number, i: number) => Math.floor(i / 3) % width < 8;
  expect(a!.filter(left)).toEqual(b!.filter(left));
  expect(a).not.toEqual(b);
  const refused = sample("--keep", "all.png");
  expect([refused.status, refused.err]).toEqual([
    1,
    "singan: all.png: the mask covers the whole picture, so nothing would change\n",
  ]);
  expect(sample("--keep", "left.png", "--size", "48x38").err).toBe(
    "singan: parts of the photo can be kept in pictures of the trained size only\n",
  );
});

it("makes seamless tiles, in a folder of their own", () => {
  const { status, out } = sample("--tile", "x", "--size", "40x30", "--count", "1", "--json");
  const name = join("samples-seed0-40x30-tile-x", "000.png");
  expect([status, JSON.parse(out)]).toEqual([0, { samples: [name], size: "40x30", seed: 0, tile: "x", startScale: 0 }]);
  expect(sizeOf(name)).toBe("40x30");
});

it.each([
  [["--tile", "sideways"], 2, '--tile must be x, y or both, not "sideways"'],
  [["--size", "0x5"], 2, '--size must be WIDTHxHEIGHT in pixels, as 400x250, not "0x5"'],
  [["--scale", "2"], 2, '--scale must be WIDTHxHEIGHT in factors, as 1.5x1, not "2"'],
  [["--scale", "1x1", "--size", "9x9"], 2, "--size and --scale say the same thing: give one of them"],
  [["--size", "60000x60000"], 2, "60000x60000 is too large: at most 1.4 gigapixels are possible"],
  [["--size", "1000000x1000000"], 2, "1000000x1000000 is too large: at most 1.4 gigapixels are possible"],
  [["--start-scale", "-1"], 2, '--start-scale must be a whole number from 0 to 1, or all, not "-1"'],
  [["--start-scale", "2"], 2, '--start-scale must be a whole number from 0 to 1, or all, not "2"'],
  [["--below", "sea"], 2, '--below must be noise or photo, not "sea"'],
  [
    ["--size", "50x50", "--start-scale", "1", "--below", "noise"],
    2,
    "the reconstruction's noise exists at the trained size only",
  ],
])("refuses %j", (words, status, line) => {
  const before = readdirSync(folder);
  const ended = sample(...words);
  expect(ended.err).toContain(line);
  expect(ended.err).toMatch(/^singan: [^\n]+\n$/);
  expect([ended.status, ended.out]).toEqual([status, ""]);
  expect(readdirSync(folder)).toEqual(before);
});
