// singan eval on folders of pictures as a user runs it: which files it measures, its output and its errors. Needs no GPU.

import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { encodePng } from "../../src/image/png.ts";
import { buildCli, CLI } from "../command-line.ts";

const ROOT = join(import.meta.dirname, "../..");
const FIXTURES = join(ROOT, "test/fixtures/metrics");
let folder: string;

beforeAll(() => {
  buildCli();
  folder = mkdtempSync(join(tmpdir(), "singan-eval-"));
  for (const name of ["real.png", "photo.png"]) copyFileSync(join(FIXTURES, name), join(folder, name));
  // A folder as singan train writes it.
  mkdirSync(join(folder, "trained/samples"), { recursive: true });
  for (const [to, from] of [
    ["samples/000.png", "sample_0.png"],
    ["samples/001.png", "sample_1.png"],
    ["reconstruction.png", "rec.png"],
    ["scales.png", "photo.png"],
  ] as const)
    copyFileSync(join(FIXTURES, from), join(folder, "trained", to));
  mkdirSync(join(folder, "empty"));
  mkdirSync(join(folder, "mixed"));
  copyFileSync(join(FIXTURES, "sample_0.png"), join(folder, "mixed/0.png"));
  copyFileSync(join(FIXTURES, "photo.png"), join(folder, "mixed/1.png"));
  mkdirSync(join(folder, "small"));
  writeFileSync(join(folder, "small/0.png"), encodePng({ width: 15, height: 20, data: new Uint8Array(900) }));
  mkdirSync(join(folder, "broken"));
  writeFileSync(join(folder, "broken/0.png"), "no picture");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function evaluate(words: readonly string[], program = CLI) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, "eval", ...words], { cwd: folder, encoding: "utf8" });
  return { status, out: stdout, err: stderr };
}

it("gives the recorded figures of a folder, as JSON on stdout and in a file", () => {
  const { status, out } = evaluate([FIXTURES, "--against", "photo.png", "--json", "--out", "reports/figures.json"]);
  const { folder: from, against, width, height, samples, real_resized_from, ...figures } = JSON.parse(out);
  expect([status, from, against, width, height, samples, real_resized_from]).toEqual([
    ...[0, FIXTURES, "photo.png", 37, 34, 5],
    [90, 61],
  ]);
  const recorded = JSON.parse(readFileSync(join(FIXTURES, "recorded.json"), "utf8"));
  const { frechet_inception64, frechet_inception64_sd, ...shared } = figures;
  expect(Object.keys(shared).sort()).toEqual(Object.keys(recorded.againstPhoto).sort());
  // The last decimal may differ by one, because quality.py sums in float32 and this program in float64.
  for (const [name, value] of Object.entries<number | number[]>(shared)) {
    for (const [i, x] of [value].flat().entries())
      expect(Math.abs(x - [recorded.againstPhoto[name]].flat()[i]), name).toBeLessThan(name === "psnr" ? 1.01e-3 : 1.01e-5);
  }
  expect(frechet_inception64).toBeGreaterThan(frechet_inception64_sd);
  expect(readFileSync(join(folder, "reports/figures.json"), "utf8")).toBe(out);
});

it("takes what singan train writes, and prints a table", () => {
  const { status, out, err } = evaluate(["trained", "--against", "real.png"]);
  expect([status, err]).toEqual([0, "measuring 2 samples of 37x34 against real.png …\n"]);
  const rows = out.trim().split("\n");
  expect(rows.map((line) => line.split(" ")[0])).toEqual([
    ...["figure", "swd", "swd_sd", "swd_levels", "swd_pooled", "swd_detail", "diversity", "nn_fidelity", "nn_coverage"],
    ...["colour", "in_place", "largest_copy"],
    ...["frechet_inception64", "frechet_inception64_sd", "psnr", "ssim"],
  ]);
  expect(rows.find((line) => line.startsWith("psnr"))).toMatch(/^psnr +↑ +34\.139 +PSNR of the reconstruction, in dB$/);
});

it("says in a line each what it can't give: no reconstruction, no Inception weights", () => {
  // The program without nsfwjs next to it.
  const copy = join(folder, "program");
  cpSync(join(ROOT, "dist"), join(copy, "dist"), { recursive: true });
  mkdirSync(join(copy, "node_modules"));
  for (const name of ["pngjs", "gifenc"]) symlinkSync(join(ROOT, "node_modules", name), join(copy, "node_modules", name));
  copyFileSync(join(ROOT, "package.json"), join(copy, "package.json"));
  const { status, out, err } = evaluate(["trained/samples", "--against", "real.png", "--json"], join(copy, "dist/cli.js"));
  expect(status).toBe(0);
  expect(err).toContain("\nno Fréchet distance: the npm package nsfwjs@4.3.0 is not installed next to this program\n");
  expect(err).toContain("\nno PSNR and SSIM: the folder has no reconstruction.png or rec.png; --rec FILE names another file\n");
  const names = Object.keys(JSON.parse(out));
  expect(names).toContain("nn_coverage");
  expect(names.filter((name) => /psnr|ssim|frechet/.test(name))).toEqual([]);
});

it.each([
  [["nowhere", "--against", "real.png"], 1, "there is no file nowhere"],
  [["real.png"], 1, "real.png: "],
  [["trained"], 2, "--against PHOTO is missing"],
  [["trained", "--against", "real.png", "--samples", "3"], 2, "--samples is for a MODEL"],
  [["trained", "--against", "gone.png"], 1, "there is no file gone.png"],
  [["empty", "--against", "real.png"], 1, "there are no samples in empty"],
  [["mixed", "--against", "real.png"], 1, "1.png is 90x61 and mixed/0.png is 37x34"],
  [["small", "--against", "real.png"], 1, "the samples are 15x20, but both sides must have at least 16 px"],
  [["broken", "--against", "real.png"], 1, "broken/0.png: not a picture of a known format"],
  [["trained", "--against", "real.png", "--rec", "photo.png"], 1, "photo.png is 90x61"],
])("refuses %j", (words, status, line) => {
  const before = readdirSync(folder);
  const ended = evaluate([...words, "--out", "refused/figures.json"]);
  expect(ended.err).toContain(line);
  expect(ended.err).toMatch(/^singan: [^\n]+\n$/);
  expect([ended.status, ended.out, existsSync(join(folder, "refused"))]).toEqual([status, "", false]);
  expect(readdirSync(folder)).toEqual(before);
});
