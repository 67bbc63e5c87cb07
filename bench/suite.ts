// All measurements on one adapter, in Node or in a page.

import type { Gpu } from "../src/gpu/device.ts";
import { Tuner } from "../src/runtime/tuner.ts";
import { PAPER } from "../src/singan/model/config.ts";
import { tuneTraining } from "../src/singan/recipes.ts";
import type { Bench, BenchOptions } from "./bench.ts";
import { PYRAMID, SCALES, type ScaleCase } from "./cases.ts";
import { benchPeers } from "./comparison.ts";
import { benchConvolutions } from "./convolutions.ts";
import type { Effort } from "./measure.ts";
import { measurePeak } from "./peak.ts";
import type { Measurement } from "./records.ts";
import { benchSteps } from "./steps.ts";
import type { Peer } from "./subjects.ts";

const effortFor = ({ quick, limitMs }: BenchOptions): Effort =>
  quick ? { sampleMs: 10, totalMs: 100, rounds: [3, 5], limitMs } : { sampleMs: 30, totalMs: 1000, rounds: [3, 25], limitMs };

/** Time per scale for the tuner, as the command line gives it. */
const TUNING_MS = 3000;

/** Tunes as a training's first run on a computer does; nothing of it is kept. Leaves out large scales where small ones take long. */
async function tune(gpu: Gpu, scales: readonly ScaleCase[]): Promise<void> {
  const tuner = await Tuner.open(gpu, { read: async () => ({}), write: async () => {}, clear: async () => {} });
  for (const { scale } of scales) {
    const start = performance.now();
    const includes = (level: number) => level === scale;
    await tuneTraining(gpu, tuner, { pyramid: PYRAMID, options: PAPER }, { budgetMs: TUNING_MS, includes });
    if (performance.now() - start > 2 * TUNING_MS) return; // single runs exceed the budget
  }
}

/** Runs everything that `options` ask for; the peers last. */
export async function runBench(
  gpu: Gpu,
  options: BenchOptions,
  report: (measurement: Measurement) => void,
  peers: readonly Peer[] = [],
): Promise<void> {
  const effort = effortFor(options);
  const scales = SCALES.filter(({ size }) => size.width * size.height <= options.maxPixels);
  if (scales.length === 0) throw new Error(`no scale of the pyramid has at most ${options.maxPixels} pixels`);
  const peak = await measurePeak(gpu, effort, report);
  if (options.tune) await tune(gpu, scales);
  const bench: Bench = { gpu, options, effort, scales, peers, peak, report };
  if (options.parts.includes("convs")) await benchConvolutions(bench);
  if (options.parts.includes("steps")) await benchSteps(bench);
  if (options.parts.includes("peers")) await benchPeers(bench);
}
