// The denoiser of instant pictures on the GPU against its definition, and how its work is split; singan instant.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodePng, readPng } from "../../src/image/png.ts";
import { GpuDenoiser } from "../../src/instant/gpu-denoiser.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { buildCli, singanIn } from "../command-line.ts";
import { denoiserCases, errorOf } from "../instant-cases.ts";

const gpu = await openDevice(await openAdapter());
const folder = mkdtempSync(join(tmpdir(), "instant-"));
beforeAll(buildCli);
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await gpu.finished();
  gpu.dispose();
});

describe("the denoiser on the GPU follows its definition to 1e-5 of the range", () => {
  for (const one of denoiserCases)
    test(one.name, async () => {
      const before = gpu.stats().bytes;
      const denoiser = await GpuDenoiser.open(gpu, one.source);
      const found = await denoiser.denoise(one.noisy, one.alpha, one.sigma);
      expect(errorOf(one, found)).toBeLessThan(1e-5);
      denoiser.dispose();
      expect(gpu.stats().bytes).toBe(before);
    });
});

test("how shifts are split into jobs changes no bit", async () => {
  for (const one of denoiserCases.filter(({ alpha }) => alpha > 0).slice(8, 12)) {
    const results = [];
    for (const rows of [undefined, 1, 2, 7]) {
      const denoiser = await GpuDenoiser.open(gpu, one.source, rows);
      results.push((await denoiser.denoise(one.noisy, one.alpha, one.sigma)).data);
      denoiser.dispose();
    }
    for (const result of results) expect(result).toEqual(results[0]);
  }
});

describe("singan instant", () => {
  const photo = join(folder, "photo.png");
  const singan = (...words: string[]) => singanIn(folder, ...words);
  beforeAll(() => {
    const data = Uint8Array.from({ length: 3 * 30 * 26 }, (_, i) => (37 * i) % 200);
    writeFileSync(photo, encodePng({ width: 30, height: 26, data }));
    writeFileSync(join(folder, "all.png"), encodePng({ width: 30, height: 26, data: data.map(() => 255) }));
    writeFileSync(join(folder, "tall.png"), encodePng({ width: 26, height: 30, data: data.map((_, i) => (i < 900 ? 255 : 0)) }));
    writeFileSync(
      join(folder, "mask.png"),
      encodePng({ width: 30, height: 26, data: data.map((_, i) => (i % 90 < 30 ? 255 : 0)) }),
    );
  });

  test("writes pictures, and the same ones again; on the GPU, too", () => {
    const { status, out, err } = singan("instant", "photo.png", "--count", "2", "--json", "--on", "processor");
    expect([status, err]).toEqual([0, expect.stringContaining("on the processor")]);
    const { files, size, patch } = JSON.parse(out) as { files: string[]; size: string; patch: number };
    expect([files.length, size, patch]).toEqual([2, "30x26", 5]);
    const first = files.map((file) => readFileSync(join(folder, file)));
    singan("instant", "photo.png", "--count", "2", "--on", "processor", "--out", "again");
    expect(readFileSync(join(folder, "again/001.png"))).toEqual(first[1]);
    const onGpu = singan("instant", "photo.png", "--count", "1", "--on", "gpu", "--out", "gpu");
    expect(onGpu.status).toBe(0);
    expect(readPng(readFileSync(join(folder, "gpu/000.png")))).toMatchObject({ width: 30, height: 26 });
  });

  test("by default pictures of other flags have another folder", () => {
    const folderOf = (...flags: string[]): string => {
      const { out } = singan("instant", ...flags, "--count", "1", "--on", "processor");
      return dirname(out.trim()).slice(join("out", "photo-instant").length);
    };
    expect(folderOf("photo.png")).toBe("-on-processor");
    expect(folderOf("photo.png", "--seed", "3", "--tile", "x")).toBe("-seed3-tile-x-on-processor");
    expect(folderOf("photo.png", "tall.png", "--keep", "mask.png")).toBe("-and-1-more-on-processor-keep-mask");
  });

  test("keeps what a mask says, and writes a GIF", () => {
    expect(singan("instant", "photo.png", "--keep", "mask.png", "--count", "1", "--gif", "--out", "kept").status).toBe(0);
    const [kept, whole] = ["kept/000.png", "photo.png"].map((file) => readPng(readFileSync(join(folder, file))).data);
    expect(kept!.filter((_, i) => i % 90 < 30)).toEqual(whole!.filter((_, i) => i % 90 < 30));
    expect(readFileSync(join(folder, "kept/000.gif")).subarray(0, 3).toString()).toBe("GIF");
  });

  test("are shown first by a training that is asked for them, and stay when it ends", () => {
    const words = ["--max-size", "30", "--iterations", "1", "--samples", "1", "--out", "trained", "--instant"];
    const { status, err } = singan("train", "photo.png", ...words);
    expect(status).toBe(0);
    const lines = err.split("\n");
    const line = (text: string) => lines.findIndex((one) => one.includes(text));
    expect(line("6 instant pictures")).toBeGreaterThan(-1);
    expect(line("6 instant pictures")).toBeLessThan(line("trained "));
    expect(readFileSync(join(folder, "trained/instant/005.png")).length).toBeGreaterThan(0);
    expect(readFileSync(join(folder, "trained/model.safetensors")).length).toBeGreaterThan(0);
  });

  test("may change everything where the mask is all white, and says so", () => {
    const { status, err } = singan(
      "instant",
      "photo.png",
      "--from",
      "photo.png",
      "--mask",
      "all.png",
      "--count",
      "1",
      "--out",
      "white",
    );
    expect(status).toBe(0);
    expect(err).toContain("all.png: the mask covers the whole picture, so nothing stays");
    const [made, photo] = ["white/000.png", "photo.png"].map((file) => readPng(readFileSync(join(folder, file))).data);
    expect(made).not.toEqual(photo);
  });

  test("refuses bad input in one line, and writes nothing", () => {
    const cases: [words: string[], status: number, text: string][] = [
      [["nothing.png"], 1, "nothing.png"],
      [["photo.png", "--patch", "2"], 2, "patch"],
      [["photo.png", "--size", "30x3"], 2, "too small"],
      [["photo.png", "--tile", "z"], 2, "--tile"],
      [["photo.png", "--freedom", "0.3"], 2, "--from"],
      [["photo.png", "--from", "photo.png", "--freedom", "3"], 2, "--freedom"],
      [["photo.png", "--keep", "mask.png", "--size", "60x60"], 2, "--size"],
      [["photo.png", "--keep", "all.png"], 1, "nothing would change"],
      [["photo.png", "--keep", "tall.png"], 2, "does not fit"],
      [["photo.png", "--retarget"], 2, "--size"],
      [["photo.png", "--max-size", "27"], 2, "give at least 29"],
    ];
    for (const [words, status, text] of cases) {
      const result = singan("instant", ...words, "--out", "never");
      expect([result.status, result.err.trim().split("\n").length]).toEqual([status, 1]);
      expect(result.err).toContain(text);
    }
  });
});
