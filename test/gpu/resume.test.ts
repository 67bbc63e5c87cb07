// A training on the command line that is interrupted, and goes on: with the same result, or a clear line why not.

import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toRgb8 } from "../../src/image/planes.ts";
import { encodePng } from "../../src/image/png.ts";
import { readModel } from "../../src/singan/recipes.ts";
import { buildCli, CLI, singanIn } from "../command-line.ts";
import { tinyPhoto } from "../tiny-training.ts";

const TINY = ["--max-size", "30", "--iterations", "12", "--channels", "4", "--samples", "1"];
let folder: string;
const at = (...names: string[]) => join(folder, ...names);
const singan = (...words: string[]) => singanIn(folder, ...words);
const modelIn = (name: string) => {
  const model = readModel(readFileSync(at(name, "model.safetensors")));
  return { ...model, scales: model.scales.map((scale) => ({ ...scale, seconds: 0 })) };
};

/** Starts a command and ends it by `signal` at the first line on stderr that fits. Returns how it ended. */
async function interrupted(signal: NodeJS.Signals, line: RegExp, ...words: string[]) {
  const child: ChildProcess = spawn(process.execPath, [CLI, ...words], { cwd: folder });
  let err = "";
  child.stderr!.on("data", (data) => {
    err += data;
    if (line.test(err) && child.exitCode === null && !child.killed) child.kill(signal);
  });
  const code = await new Promise((resolve) => child.on("close", (status, by) => resolve(status ?? by)));
  return { code, err };
}

beforeAll(() => {
  buildCli();
  folder = mkdtempSync(join(tmpdir(), "singan-resume-"));
  writeFileSync(at("a.png"), encodePng(toRgb8(tinyPhoto(40, 34))));
  writeFileSync(at("b.png"), encodePng(toRgb8(tinyPhoto(41, 34))));
  expect(singan("train", "a.png", ...TINY, "--out", "whole").status).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("an interrupted training", () => {
  it("goes on, and ends as one that was not", async () => {
    const first = await interrupted("SIGTERM", /scale 0 of 0-2 done/, "train", "a.png", ...TINY, "--out", "cut");
    expect([first.code, readdirSync(at("cut")).join(" ")]).toEqual([
      143,
      expect.stringMatching(/^(checkpoint-[01]\.safetensors ?){1,2}$/),
    ]);
    const info = singan("info", "cut");
    expect(info.out).toMatch(/1 of 3 scales up to 29x25 \(of 30x26\)/);
    expect(info.out).toMatch(/unfinished: the training in cut is at scale 1 of 0-2, iteration \d+ of 12\n$/);
    const sample = singan("sample", "cut", "--count", "1");
    expect([sample.status, existsSync(at("cut/samples-seed0-1of3/000.png"))]).toEqual([0, true]);
    expect(sample.err).toMatch(/the training has 1 of 3 scales so far: pictures have 29x25/);
    const second = singan("train", "a.png", ...TINY, "--out", "cut", "--resume");
    expect(second.err).toMatch(/goes on at scale 1 of 0-2, iteration \d+ of 12/);
    expect(second.status).toBe(0);
    expect(modelIn("cut")).toEqual(modelIn("whole"));
    for (const name of ["samples/000.png", "reconstruction.png", "scales.png"])
      expect(readFileSync(at("cut", name)).equals(readFileSync(at("whole", name))), name).toBe(true);
    expect(readdirSync(at("cut")).sort()).toEqual([...readdirSync(at("whole")), "samples-seed0-1of3"].sort());
  });

  it("is refused to another call, which is told the difference, unless it restarts; to an equal call with explicit defaults it is not", async () => {
    await interrupted("SIGINT", /scale 0 of 0-2 done/, "train", "a.png", ...TINY, "--out", "mine");
    const other = singan("train", "a.png", ...TINY, "--seed", "3", "--out", "mine");
    expect([other.status, other.err]).toEqual([
      1,
      expect.stringMatching(
        /mine holds an unfinished training with --seed 0: choose another --out, or --restart to give it up\n$/,
      ),
    ]);
    expect(singan("train", "b.png", ...TINY, "--out", "mine").err).toMatch(/an unfinished training of another photo/);
    expect(singan("train", "a.png", ...TINY, "--seed", "0", "--preset", "full", "--out", "mine").err).toMatch(/goes on at scale/);
    expect(modelIn("mine")).toEqual(modelIn("whole"));
    const replaced = await interrupted(
      "SIGINT",
      /scale 0 of 0-2 done/,
      "train",
      "a.png",
      ...TINY,
      "--out",
      "mine",
      "--seed",
      "3",
    );
    expect(replaced.err).toMatch(/mine is replaced at the end: it holds a training with --seed 0/);
    await interrupted("SIGINT", /, on /, "train", "a.png", ...TINY, "--out", "mine", "--restart"); // before anything is trained
    expect(singan("info", "mine").out).toMatch(/unfinished: the training in mine is at scale 1/);
    const anew = singan("train", "a.png", ...TINY, "--out", "mine", "--restart");
    expect([anew.status, anew.err]).toEqual([0, expect.not.stringMatching(/goes on/)]);
    expect(modelIn("mine")).toEqual(modelIn("whole"));
    const none = singan("train", "a.png", ...TINY, "--out", "mine", "--resume");
    expect([none.status, none.err]).toEqual([1, expect.stringMatching(/there is no unfinished training in mine to resume\n$/)]);
    expect(singan("train", "a.png", "--resume", "--restart").status).toBe(2);
  });

  it("of super-resolution, and of a scale for a painting, goes on as well", async () => {
    const sr = ["sr", "a.png", "--max-size", "34", "--iterations", "12", "--channels", "4", "--factor", "1.5", "--out"];
    expect(singan(...sr, "sr-whole").status).toBe(0);
    await interrupted("SIGHUP", /scale 0 of 0-\d+ done/, ...sr, "sr-cut");
    expect(singan(...sr, "sr-cut").err).toMatch(/goes on at scale 1/);
    expect(modelIn("sr-cut")).toEqual(modelIn("sr-whole"));
    const paint = ["paint", "whole", "b.png", "--start-scale", "2", "--quantize", "--out"];
    expect(singan(...paint, "paint-whole").status).toBe(0);
    const cut = await interrupted("SIGINT", /trains scale 2 again/, ...paint, "paint-cut");
    expect(cut.code).toBe(130);
    expect(singan(...paint, "paint-cut").status).toBe(0);
    const picture = (name: string) => readFileSync(at(name, "b-scale2.png"));
    expect(picture("paint-cut").equals(picture("paint-whole"))).toBe(true);
    expect(readdirSync(at("paint-cut"))).toEqual(["b-scale2.png"]);
  });
});

describe("a finished folder", () => {
  const skip = (name: string, ...more: string[]) => singan("train", "a.png", ...TINY, ...more, "--out", name, "--skip-finished");

  it("that lacks files gets them again from its model", () => {
    expect(skip("whole").err).toMatch(/^a\.png is finished: whole\n$/);
    const before = modelIn("whole");
    const picture = readFileSync(at("whole/reconstruction.png"));
    for (const name of ["samples", "reconstruction.png", "scales.png"]) rmSync(at("whole", name), { recursive: true });
    const again = skip("whole", "--samples", "2");
    expect(again.err).toMatch(/whole is finished, but lacks reconstruction\.png: what is missing is made from its model/);
    expect(readdirSync(at("whole/samples"))).toEqual(["000.png", "001.png"]);
    expect(existsSync(at("whole/scales.png"))).toBe(true);
    expect(readFileSync(at("whole/reconstruction.png")).equals(picture)).toBe(true);
    expect(modelIn("whole")).toEqual(before);
  });

  it("with another model than its report's is not finished", () => {
    expect(singan("train", "a.png", ...TINY, "--seed", "4", "--out", "mixed").status).toBe(0);
    copyFileSync(at("whole/model.safetensors"), at("mixed/model.safetensors"));
    expect(skip("mixed", "--seed", "4").err).toMatch(/mixed is trained again: its model is not the one of its report/);
  });
});

describe("a folder", () => {
  it("that another training is using is left alone", async () => {
    const child = spawn(process.execPath, [CLI, "train", "a.png", ...TINY, "--iterations", "5000", "--out", "busy"], {
      cwd: folder,
    });
    await new Promise<void>((resolve) => child.stderr.on("data", (text) => /scale 0 of/.test(String(text)) && resolve()));
    const second = singan("train", "a.png", ...TINY, "--out", "busy");
    expect([second.status, second.err]).toEqual([
      1,
      `singan: busy is in use by another training (process ${child.pid}): wait for it, or choose another --out\n`,
    ]);
    child.kill("SIGKILL");
    await new Promise((resolve) => child.on("close", resolve));
    const third = singan("train", "a.png", ...TINY, "--out", "busy", "--restart");
    expect([third.status, third.err]).toEqual([0, expect.stringContaining("removed from busy what a killed run had left there")]);
    expect(modelIn("busy")).toEqual(modelIn("whole"));
  });

  it("with the remains of a killed run is cleared of them", () => {
    mkdirSync(at("old/.singan-abcdef"), { recursive: true });
    expect(singan("train", "a.png", ...TINY, "--iterations", "1", "--out", "old").err).toMatch(/removed from old/);
    expect(readdirSync(at("old")).filter((name) => name.startsWith("."))).toEqual([]);
  });
});

it("a training that diverges says so, is kept, and is no success the second time either, nor where files are made again", () => {
  writeFileSync(at("c.png"), encodePng(toRgb8(tinyPhoto(46, 36))));
  const sizes = ["--max-size", "32", "--min-size", "18", "--scale-factor", "0.6", "--channels", "8", "--max-channels", "8"];
  const options = [...sizes, "--iterations", "60", "--seed", "1", "--lr", "1", "--samples", "1"]; // see collapse.test.ts
  const diverging = ["train", "c.png", ...options, "--out", "diverged", "--skip-finished"];
  for (const lost of [null, null, "reconstruction.png"]) {
    if (lost) rmSync(at("diverged", lost));
    const ended = singan(...diverging);
    expect(ended.status).toBe(1);
    expect(ended.err).toMatch(
      /singan: the training has diverged: its .*; try a lower --lr, or another --seed \(.* diverged\)\n$/,
    );
  }
  for (const name of ["model.safetensors", "reconstruction.png"]) expect(existsSync(at("diverged", name))).toBe(true);
});
