// All measurements on one adapter, in Node or in a page.

import type { Gpu } from "../src/gpu/device.ts";
import { SCALES, type ScaleCase } from "./cases.ts";
import { benchPeers } from "./comparison.ts";
import { benchConvolutions } from "./convolutions.ts";
import type { Effort } from "./measure.ts";
import { measurePeak } from "./peak.ts";
import type { Measurement } from "./records.ts";
import { benchSteps } from "./steps.ts";
import type { Peer } from "./subjects.ts";

export const PARTS = ["convs", "steps", "peers"] as const;
export type Part = (typeof PARTS)[number];

/** Plain data, so that it can be handed to a page. */
export interface BenchOptions {
  readonly parts: readonly Part[];
  /** Few and short rounds. */
  readonly quick: boolean;
  /** Scales with more pixels are left out. */
  readonly maxPixels: number;
  /** Every variant of the convolutions in place of the one that training would use. */
  readonly variants: boolean;
  /** Longest single run that is measured. */
  readonly limitMs: number;
}

export interface Bench {
  readonly gpu: Gpu;
  readonly options: BenchOptions;
  readonly effort: Effort;
  readonly scales: readonly ScaleCase[];
  readonly peers: readonly Peer[];
  /** GFLOP/s of the fastest multiply-add kernel. */
  readonly peak: number;
  report(measurement: Measurement): void;
}

const effortFor = ({ quick, limitMs }: BenchOptions): Effort =>
  quick ? { sampleMs: 10, totalMs: 100, rounds: [3, 5], limitMs } : { sampleMs: 30, totalMs: 1000, rounds: [3, 25], limitMs };

/** Runs everything that `options` ask for; the peers last. Throws where a peer's numbers are not ours. */
export async function runBench(
  gpu: Gpu,
  options: BenchOptions,
  report: (measurement: Measurement) => void,
  peers: readonly Peer[] = [],
): Promise<void> {
  const effort = effortFor(options);
  const scales = SCALES.filter(({ size }) => size.width * size.height <= options.maxPixels);
  const peak = await measurePeak(gpu, effort, report);
  const bench: Bench = { gpu, options, effort, scales, peers, peak, report };
  if (options.parts.includes("convs")) await benchConvolutions(bench);
  if (options.parts.includes("steps")) await benchSteps(bench);
  if (options.parts.includes("peers")) await benchPeers(bench);
}
