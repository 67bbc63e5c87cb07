// The benchmark at its smallest: every figure is there, a library whose numbers are not ours is refused, and the device bundle leaves results.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { BenchOptions } from "../../bench/bench.ts";
import type { Measurement } from "../../bench/records.ts";
import type { Peer, Subject } from "../../bench/subjects.ts";
import { runBench } from "../../bench/suite.ts";
import { sizeOf } from "../../src/autodiff/tensor.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { readModel } from "../../src/singan/recipes.ts";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openDevice(await openAdapter());
});
afterAll(async () => {
  await gpu.finished(); // Dawn crashes where a process ends with work pending
  gpu.dispose();
});

/** The coarsest scale alone. */
const SMALLEST: BenchOptions = { parts: [], quick: true, maxPixels: 900, variants: false, tune: false, limitMs: 60_000 };

test("peaks, convolutions and steps have figures, and free their memory", async () => {
  const before = gpu.stats();
  const measured: Measurement[] = [];
  await runBench(gpu, { ...SMALLEST, parts: ["convs", "steps"] }, (m) => measured.push(m));
  const whats = new Set(measured.map((m) => m.what));
  expect([...whats]).toEqual(["multiplyAdd", "copy", "conv2d", "conv2dInput", "conv2dWeight", "dStep", "gStep"]);
  expect(measured.filter((m) => !(m.timing!.medianMs > 0) || !((m.gflops ?? m.gbps)! > 0))).toEqual([]);
  expect({ ...gpu.stats(), pipelines: 0 }).toEqual({ ...before, pipelines: 0 });
});

test("a peer with other numbers is not timed", async () => {
  const zeros = (length: number): Subject => ({
    run: async () => {},
    read: async () => [new Float32Array(length)],
    dispose: () => {},
  });
  const wrong: Peer = { name: "Zeros", package: "none", conv: (_, { g }) => zeros(sizeOf(g.shape)) };
  const measured: Measurement[] = [];
  await runBench(gpu, { ...SMALLEST, parts: ["peers"] }, (m) => measured.push(m), [wrong]);
  const told = measured.filter((m) => m.peer);
  const untimed = (text: string) => `differs from ours by ${text}, more than 0.0001: not timed`;
  expect(told.map(({ what, timing, difference, skipped }) => ({ what, timing, difference, skipped }))).toEqual([
    { what: "conv2d", difference: 1, skipped: untimed("1.00") },
    { what: "conv2dInput", difference: Infinity, skipped: untimed("Infinity") }, // not even the size fits
    { what: "conv2dWeight", difference: Infinity, skipped: untimed("Infinity") },
  ]);
});

/** Too little for most tasks on a software adapter: those are cut off. */
const BUNDLE_MINUTES = 0.6;

test("the device bundle's program leaves results within its budget", () => {
  const program = "out/test-device"; // inside the project, whose Dawn it then finds
  const out = mkdtempSync(join(tmpdir(), "device-"));
  try {
    execFileSync(process.execPath, ["bench/device/bundle.mjs", "--program", program]);
    const words = ["--parts", "a,b,d,e", "--budget", String(BUNDLE_MINUTES), "--out", out];
    const start = performance.now();
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(program, "device.mjs"), ...words], { encoding: "utf8" });
    expect(status, stderr).toBe(0);
    expect((performance.now() - start) / 60_000).toBeLessThan(BUNDLE_MINUTES + 0.25);
    expect(stdout).toContain(readFileSync(join(out, "summary.txt"), "utf8").trimEnd());
    const { tasks } = JSON.parse(readFileSync(join(out, "summary.json"), "utf8"));
    expect(tasks.map(({ part, task }: Record<string, string>) => `${part} ${task}`)).toEqual([
      ...["a vectors", "a kernels", "b tuned", "b untuned", "d pytorch", "e training"],
    ]);
    expect(tasks.filter(({ state }: Record<string, string>) => !["done", "skipped", "cut off"].includes(state!))).toEqual([]);
    const lines = (file: string) => (existsSync(join(out, file)) ? readFileSync(join(out, file), "utf8").trim().split("\n") : []);
    const checks = [...lines("vectors.txt"), ...lines("kernels.txt")];
    expect(checks.length).toBeGreaterThan(0);
    expect(checks.filter((line) => !line.startsWith("ok "))).toEqual([]);
    expect(lines("untuned-device.ndjson").map((line) => JSON.parse(line).what)).toContain("multiplyAdd");
    expect(lines("training/progress.ndjson").length).toBeGreaterThan(0);
    const model = join(out, "training/model.safetensors");
    if (existsSync(model)) expect(readModel(readFileSync(model)).scales.length).toBeGreaterThan(0);
    else expect(tasks.at(-1).state).toBe("cut off");
  } finally {
    for (const folder of [out, program]) rmSync(folder, { recursive: true, force: true });
  }
});
