// The benchmark at its smallest: every figure is there, and a library whose numbers are not ours is refused.

import { afterAll, beforeAll, expect, test } from "vitest";
import type { BenchOptions } from "../../bench/bench.ts";
import type { Measurement } from "../../bench/records.ts";
import type { Peer, Subject } from "../../bench/subjects.ts";
import { runBench } from "../../bench/suite.ts";
import { sizeOf } from "../../src/autodiff/tensor.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { openDevice } from "../../src/runtime/open.ts";

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

test("peaks, convolutions and steps have figures, and give their memory back", async () => {
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
