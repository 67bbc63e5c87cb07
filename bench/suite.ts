// Runs all measurements on one adapter, in Node or in a page.

import type { Gpu } from "../src/gpu/device.ts";
import type { TuningStore } from "../src/runtime/tune.ts";
import { DEFAULTS } from "../src/singan/model/config.ts";
import type { Bench, BenchOptions } from "./bench.ts";
import { PYRAMID, SCALES } from "./cases.ts";
import { benchPeers } from "./comparison.ts";
import { benchConvolutions } from "./convolutions.ts";
import type { Effort } from "./measure.ts";
import { measurePeak } from "./peak.ts";
import type { Measurement } from "./records.ts";
import { benchSteps } from "./steps.ts";
import type { Peer } from "./subjects.ts";
import { NO_STORE, tune } from "./tuning.ts";

const effortFor = ({ quick, limitMs }: BenchOptions): Effort =>
  quick ? { sampleMs: 10, totalMs: 100, rounds: [3, 5], limitMs } : { sampleMs: 30, totalMs: 1000, rounds: [3, 25], limitMs };

/** Runs the parts that `options` name; the peers last. `store` keeps what the tuner finds. */
export async function runBench(
  gpu: Gpu,
  options: BenchOptions,
  report: (measurement: Measurement) => void,
  peers: readonly Peer[] = [],
  store: TuningStore = NO_STORE,
): Promise<void> {
  const effort = effortFor(options);
  const scales = SCALES.filter(({ size }) => size.width * size.height <= options.maxPixels);
  if (scales.length === 0) throw new Error(`no scale of the pyramid has at most ${options.maxPixels} pixels`);
  const peak = await measurePeak(gpu, effort, report);
  const numbers = scales.map(({ scale }) => scale);
  if (options.tune) await tune(gpu, { pyramid: PYRAMID, options: DEFAULTS }, store, numbers);
  const bench: Bench = { gpu, options, effort, scales, peers, peak, report };
  if (options.parts.includes("convs")) await benchConvolutions(bench);
  if (options.parts.includes("steps")) await benchSteps(bench);
  if (options.parts.includes("peers")) await benchPeers(bench);
}
