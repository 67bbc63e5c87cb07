// Times instant pictures made by several denoisers in turns, and compares their results. In Node or in a page.

import type { Planes } from "../../src/image/planes.ts";
import { imresizeTo } from "../../src/image/resample.ts";
import { instantPicture, type OpenDenoiser } from "../../src/instant/instant.ts";
import { instantOptions, pairsOf, STEPS } from "../../src/instant/options.ts";
import { quantile } from "../measure.ts";

/** Sizes of the photo, with the patches and the coarsest sides of the published method (250 px) or smaller ones. */
export const CASES = [
  { width: 64, height: 48, patch: 7, coarsest: 12 },
  { width: 128, height: 96, patch: 15, coarsest: 24 },
  { width: 250, height: 188, patch: 15, coarsest: 24 },
] as const;

/** How patches are compared: sums over shifts, on the processor or in WGSL, or products of matrices on the processor. */
export type Way = "shifts, processor" | "matrices, processor" | "shifts, WebGPU";

export interface InstantTiming {
  readonly size: string;
  readonly patch: number;
  readonly coarsest: number;
  readonly way: Way;
  /** Seconds per picture, by round. */
  readonly seconds: readonly number[];
  readonly median_s?: number;
  /** This way's time over that of the first way, in the same round: the median. */
  readonly ratio?: number;
  /** Pairs of patches that are compared, in all steps that compare any. */
  readonly pairs: number;
  /** Of a pair, by the formula in OPERATIONS: what the time is divided by. */
  readonly operations_per_pair: number;
  readonly gflops?: number;
  /** Largest difference of the first picture to the first way's, of a range of 2. */
  readonly difference?: number;
  /** Why there is no time. */
  readonly skipped?: string;
}

/**
 * Operations on float32 values per pair of patches of P x P pixels with 3 channels.
 * Matrices: distance and weighted sum, a product and a sum per value each.
 * Shifts, as written in src/instant/wasm/patches.ts, in every step where all pairs have a weight: in both passes the pixel's error (9), the sum down
 * the columns (2) and the one along the row (⌊P/4⌋ + P mod 4 + 2); in the first pass the weight (20), in the second one the weight (20), the blurs
 * (1.5·P and 2·P) and the photo's pixel (6). Most steps need less, because rows without weights are skipped.
 */
export const OPERATIONS: Record<Way, (patch: number) => number> = {
  "matrices, processor": (patch) => 4 * 3 * patch ** 2,
  "shifts, processor": shiftOperations,
  "shifts, WebGPU": shiftOperations,
};

function shiftOperations(patch: number): number {
  const distance = 9 + 2 + Math.floor(patch / 4) + (patch % 4) + 2;
  return 2 * distance + 20 + 20 + 3.5 * patch + 6;
}

/** A picture that is not counted: for what is compiled at first. */
const WARM_UP = { width: 32, height: 25, patch: 5, coarsest: 8 };

export interface Limits {
  /** Pictures per case and way. */
  readonly rounds: number;
  /** A way whose next picture would take longer, by its last one, is left out. */
  readonly limitSeconds: number;
  /** Long side of the largest case. */
  readonly maxSize: number;
}

/** Measures all ways in turns at each size. The first way is what the others are compared with. */
export async function timeInstant(
  photo: Planes,
  ways: ReadonlyMap<Way, OpenDenoiser>,
  { rounds, limitSeconds, maxSize }: Limits,
  report: (timing: InstantTiming) => void,
): Promise<void> {
  const made = ({ width, height, patch, coarsest }: typeof WARM_UP, seed: number, open: OpenDenoiser): Promise<Planes> => {
    const small = imresizeTo(photo, { width, height });
    const request = { ...instantOptions(small, { patch, coarsest }), size: { width, height }, seed };
    return instantPicture([small], { ...request, start: { kind: "noise" } }, open);
  };
  for (const open of ways.values()) await made(WARM_UP, 0, open);
  const secondsPerOperation = new Map<Way, number>();
  for (const one of CASES) {
    const { width, height, patch, coarsest } = one;
    if (width > maxSize) continue;
    const options = instantOptions(one, { patch, coarsest });
    const pairs = (STEPS - 1) * pairsOf([one], one, options).reduce((a, b) => a + b, 0);
    const seconds = new Map([...ways.keys()].map((way) => [way, [] as number[]]));
    const first = new Map<Way, Planes>();
    const skipped = new Map<Way, string>();
    for (const way of ways.keys()) {
      const forecast = (secondsPerOperation.get(way) ?? 0) * pairs * OPERATIONS[way](patch);
      if (forecast > limitSeconds) skipped.set(way, `a picture would take about ${Math.round(forecast)} s`);
    }
    for (let round = 0; round < rounds; round++) {
      for (const [way, open] of ways) {
        if (skipped.has(way)) continue;
        const begin = performance.now();
        const picture = await made(one, round, open);
        seconds.get(way)!.push((performance.now() - begin) / 1000);
        if (!first.has(way)) first.set(way, picture);
      }
    }
    const [standard] = ways.keys();
    for (const way of ways.keys()) {
      const times = seconds.get(way)!;
      const common = { size: `${width}x${height}`, patch, coarsest, way, pairs, operations_per_pair: OPERATIONS[way](patch) };
      if (skipped.has(way)) {
        report({ ...common, seconds: [], skipped: skipped.get(way)! });
        continue;
      }
      const operations = pairs * OPERATIONS[way](patch);
      const median = quantile(times, 0.5);
      secondsPerOperation.set(way, median / operations);
      const others = seconds.get(standard!)!;
      report({
        ...common,
        seconds: times.map((time) => Number(time.toPrecision(4))),
        median_s: Number(median.toPrecision(4)),
        ratio: Number(
          quantile(
            times.map((time, i) => time / others[i]!),
            0.5,
          ).toPrecision(3),
        ),
        gflops: Number((operations / median / 1e9).toPrecision(3)),
        difference: Number(largestDifference(first.get(way)!, first.get(standard!)!).toPrecision(2)),
      });
    }
  }
}

const largestDifference = (a: Planes, b: Planes): number =>
  a.data.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b.data[i]!)), 0);
