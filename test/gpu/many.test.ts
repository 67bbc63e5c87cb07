// singan train with several photos: each has its folder, one failure does not stop the rest, and finished photos are skipped.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PNG } from "pngjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { foldersFor } from "../../src/cli/finished.ts";
import { toRgb8 } from "../../src/image/planes.ts";
import { encodePng } from "../../src/image/png.ts";
import { buildCli, CLI, singanIn } from "../command-line.ts";
import { tinyPhoto } from "../tiny-training.ts";

const TINY = ["--max-size", "30", "--iterations", "2", "--channels", "4", "--samples", "1"];
let folder: string;

beforeAll(() => {
  buildCli();
  folder = mkdtempSync(join(tmpdir(), "singan-many-"));
  const photo = encodePng(toRgb8(tinyPhoto(40, 34)));
  writeFileSync(join(folder, "a.png"), photo);
  writeFileSync(join(folder, "cut.png"), photo.subarray(0, photo.length / 2));
  writeFileSync(join(folder, "small.png"), encodePng(toRgb8(tinyPhoto(24, 40))));
  writeFileSync(join(folder, "c.png"), encodePng(toRgb8(tinyPhoto(36, 30))));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const train = (...words: string[]) => singanIn(folder, "train", ...words, ...TINY);

describe("several photos", () => {
  it("trains each into its folder; those that fail do not stop the rest", () => {
    const { status, out, err } = train("a.png", "cut.png", "small.png", "c.png", "--out", "all", "--json");
    const lines = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ photo, error }) => [photo, error !== undefined])).toEqual([
      ["a.png", false],
      ["cut.png", true],
      ["small.png", true],
      ["c.png", false],
    ]);
    expect(lines[0]).toMatchObject({ model: join("all", "a", "model.safetensors"), preset: "full" });
    expect(err).toMatch(/singan: cut\.png: truncated PNG/);
    expect(err).toMatch(/singan: small\.png: the picture is 24x40: its short side must be at least 25/);
    expect(err).toMatch(/photo 4\/4: c\.png/);
    expect(err).toMatch(/singan: 2 of 4 photos failed: cut\.png, small\.png\n$/);
    expect([status, readdirSync(join(folder, "all")).sort()]).toEqual([1, ["a", "c"]]);
  });

  it("skips what is finished, and trains again what was asked for otherwise", () => {
    const model = join(folder, "all/a/model.safetensors");
    const before = statSync(model).mtimeMs;
    const again = train("a.png", "c.png", "--out", "all", "--json");
    expect([again.status, again.out.match(/"isSkipped":true/g)?.length]).toEqual([0, 2]);
    expect(again.err).toContain(`a.png is finished: ${join("all", "a")}`);
    expect(statSync(model).mtimeMs).toBe(before);
    rmSync(join(folder, "all/c/model.safetensors"));
    const other = train("a.png", "c.png", "--out", "all", "--seed", "3");
    expect(other.err).toMatch(/a is trained again: it holds a training with --seed 0/);
    expect(other.err).toMatch(/c is trained again: it lacks model\.safetensors/);
    expect(other.status).toBe(0);
    expect(existsSync(join(folder, "all/c/model.safetensors"))).toBe(true);
  });

  it("goes on when the reader of stdout has seen enough", () => {
    const words = ["train", "a.png", "cut.png", "c.png", "--out", "piped", ...TINY].map((word) => `'${word}'`).join(" ");
    const command = `("${process.execPath}" "${CLI}" ${words}; echo "ended $?" >&2) | head -1`;
    const { stderr } = spawnSync("sh", ["-c", command], { cwd: folder, encoding: "utf8" });
    expect(readdirSync(join(folder, "piped")).sort()).toEqual(["a", "c"]);
    expect(stderr).toMatch(/singan: 1 of 3 photos failed: cut\.png\nended 1\n$/);
  });

  it("says that transparent places are white", () => {
    const half = new PNG({ width: 36, height: 30 });
    half.data.fill(255).fill(0, half.data.length / 2);
    writeFileSync(join(folder, "half.png"), PNG.sync.write(half));
    const note = "half.png is transparent in places, which are trained as white";
    expect(train("half.png", "--out", "half").err).toContain(note);
    expect(train("c.png", "--out", "whole").err).not.toContain("transparent");
  });

  it("skips one photo only where asked", () => {
    expect(train("a.png", "--out", "one").status).toBe(0);
    const skipped = train("a.png", "--out", "one", "--skip-finished");
    expect([skipped.status, skipped.err, skipped.out]).toEqual([
      0,
      `a.png is finished: one\n`,
      `${join("one", "model.safetensors")}\n`,
    ]);
    writeFileSync(join(folder, "a.png"), readFileSync(join(folder, "c.png")));
    expect(train("a.png", "--out", "one", "--skip-finished").err).toMatch(
      /one is trained again: it holds a training of another photo/,
    );
  });
});

describe("folders", () => {
  it("are named after the photos", () => {
    const names = (...photos: string[]) => [...foldersFor(photos).values()];
    expect(names("x/a.png", "y/b.jpg")).toEqual(["a", "b"]);
    expect(names("a.png", "a.jpg", "b.png")).toEqual(["a.png", "a.jpg", "b"]);
    expect(names("a.png", "./a.png", "b.png")).toEqual(["a", "b"]);
    expect(() => names("x/a.png", "y/a.png")).toThrow("x/a.png and y/a.png would share the folder a.png: rename one");
  });

  it("leave nothing where the call itself is wrong", () => {
    mkdirSync(join(folder, "x"), { recursive: true });
    writeFileSync(join(folder, "x/c.png"), readFileSync(join(folder, "c.png")));
    const { status, err } = train("c.png", "x/c.png", "--out", "clash");
    expect([status, err]).toEqual([2, expect.stringMatching(/^singan: c\.png and .*would share the folder[^\n]*\n$/)]);
    expect(existsSync(join(folder, "clash"))).toBe(false);
  });
});
