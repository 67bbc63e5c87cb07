// The recipe consingan as a user runs it: train, info and sample. Flags and commands that it lacks are refused.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { toRgb8 } from "../../src/image/planes.ts";
import { encodePng, readPng } from "../../src/image/png.ts";
import { buildCli, singanIn } from "../command-line.ts";
import { tinyPhoto } from "../tiny-training.ts";

const RECIPE = ["--recipe", "consingan", "--stages", "2", "--max-size", "30", "--iterations", "2", "--channels", "4"];
let folder: string;
const at = (...names: string[]): string => join(folder, ...names);

beforeAll(() => {
  buildCli();
  folder = mkdtempSync(join(tmpdir(), "singan-consingan-"));
  writeFileSync(at("photo.png"), encodePng(toRgb8(tinyPhoto(40, 34))));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const singan = (...words: string[]) => singanIn(folder, ...words);

it("trains, tells what it trained, and samples the same pictures again", () => {
  const trained = singan("train", "photo.png", ...RECIPE, "--out", "m", "--samples", "1");
  expect([trained.status, trained.err]).toEqual([
    0,
    expect.stringContaining("2 scales up to 30x26, 2 iterations each, 4 channels"),
  ]);
  const report = JSON.parse(readFileSync(at("m", "report.json"), "utf8"));
  expect(report).toMatchObject({ options: { recipe: "consingan", stages: 2 }, scales: [{}, { size: "30x26", channels: 4 }] });
  expect(readPng(readFileSync(at("m", "scales.png"))).height).toBeGreaterThan(2 * 26);

  const info = singan("info", "m/model.safetensors");
  expect(info.out).toContain("2 scales up to 30x26");
  expect(info.out).toContain("--recipe consingan");
  expect(JSON.parse(singan("info", "m/model.safetensors", "--json").out)).toMatchObject({
    wantedScales: 2,
    options: report.options,
  });

  const sampled = singan("sample", "m/model.safetensors", "--count", "1", "--out", "again");
  expect([sampled.status, sampled.err]).toEqual([0, expect.stringContaining("of 30x26")]);
  expect(readPng(readFileSync(at("again", "000.png")))).toEqual(readPng(readFileSync(at("m", "samples", "000.png"))));
});

it.each([
  [["train", "photo.png", ...RECIPE, "--z-star", "fixed"], /--z-star has no meaning in the recipe consingan/],
  [["train", "photo.png", "--stages", "4"], /--stages has no meaning in the recipe singan/],
  [["train", "photo.png", "--recipe", "fast"], /--recipe must be singan or sr or consingan, not fast/],
  [["train", "photo.png", "--recipe", "sr"], /--recipe sr is what singan sr PHOTO trains/],
  [["sample", "m", "--below", "noise"], /--below has no meaning in the recipe consingan/],
  [["sample", "m", "--start-scale", "1", "--size", "50x50"], /--start-scale must be 0 unless .* the trained size, 30x26,/],
  [["sample", "m", "--start-scale", "2"], /--start-scale must be a whole number from 0 to 1, or all/],
  [["sample", "m", "--size", "70000x9"], /70000x9 is too large/],
])("refuses %j", (words, message) => {
  const { status, err } = singan(...words);
  expect([status, err.trim().split("\n").length]).toEqual([2, 1]);
  expect(err).toMatch(message);
  expect(existsSync(at("out"))).toBe(false);
});

it("is profiled as other recipes are", () => {
  const { status, out } = singanIn(
    folder,
    "bench",
    "--profile",
    ...RECIPE.filter((_, i) => i !== 6 && i !== 7),
    "--size",
    "30x25",
    "--scales",
    "1",
    "--json",
  );
  expect(status).toBe(0);
  const [stage] = JSON.parse(out).scales;
  expect(stage).toMatchObject({ scale: 1, size: "30x25", channels: 4 });
  expect(stage.kernels.map(({ op }: { op: string }) => op)).toContain("conv2dLeaky");
});
