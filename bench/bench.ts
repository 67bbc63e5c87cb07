// The types of a benchmark's options and of what its parts receive; the suite and its parts share them.

import type { Gpu } from "../src/gpu/device.ts";
import type { ScaleCase } from "./cases.ts";
import type { Effort } from "./measure.ts";
import type { Measurement } from "./records.ts";
import type { Peer } from "./subjects.ts";

export const PARTS = ["convs", "steps", "peers"] as const;
export type Part = (typeof PARTS)[number];

/** Plain data, so that it can be sent to a page. */
export interface BenchOptions {
  readonly parts: readonly Part[];
  /** Few and short rounds. */
  readonly quick: boolean;
  /** Scales with more pixels are left out. */
  readonly maxPixels: number;
  /** Every candidate for the convolutions, in place of the one that training would use. */
  readonly variants: boolean;
  /** The kernels that the tuner finds fastest, which trainings use; else those that are chosen without timing. */
  readonly tune: boolean;
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
