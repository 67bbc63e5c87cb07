// What a benchmark writes: one line of JSON per measurement, which can be read without the other lines.

import type { Timing } from "./measure.ts";

/** Where a measurement was made. */
export interface Environment {
  readonly adapter: string;
  readonly isSoftware: boolean;
  readonly driver: string;
  readonly runtime: string;
  /** CPU cores of the computer, on which a software adapter computes. */
  readonly cores: number;
  readonly commit: string;
  /** YYYY-MM-DD. */
  readonly date: string;
}

export interface Measurement {
  readonly what: "multiplyAdd" | "copy" | "conv2d" | "conv2dInput" | "conv2dWeight" | "dStep" | "gStep" | "training";
  /** Scale of the pyramid, 0 the coarsest; null where there is none. */
  readonly scale: number | null;
  readonly shape: string;
  /** The kernel's variant, where one kernel was measured. */
  readonly variant?: string;
  /** Whether training would use this variant. */
  readonly isChosen?: boolean;
  readonly timing?: Timing;
  readonly gflops?: number;
  readonly gbps?: number;
  /** gflops as a share of the fastest multiply-add kernel on the same adapter. */
  readonly shareOfPeak?: number;
  /** The library, with its version; absent for ours. */
  readonly peer?: string;
  /** The peer's time over ours in the same round: above 1 ours is faster. */
  readonly ratio?: { readonly median: number; readonly p25: number; readonly p75: number };
  /** Between the peer's numbers and ours before timing: the largest ‖a−b‖/‖b‖ of all results. */
  readonly difference?: number;
  /** Why there is no time. */
  readonly skipped?: string;
}

const DIGITS = 5;
const rounded = (x: number | undefined): number | undefined => (x === undefined ? undefined : Number(x.toPrecision(DIGITS)));

/** One line of NDJSON, without its line end. */
export function recordLine(measurement: Measurement, environment: Environment): string {
  const { what, scale, shape, variant, isChosen, timing, gflops, gbps, shareOfPeak, peer, ratio, difference, skipped } =
    measurement;
  return JSON.stringify({
    what,
    scale: scale ?? undefined,
    shape,
    variant,
    chosen: isChosen,
    peer,
    median_ms: rounded(timing?.medianMs),
    p25_ms: rounded(timing?.p25Ms),
    p75_ms: rounded(timing?.p75Ms),
    rounds: timing?.rounds,
    runs: timing?.runs,
    gflops: rounded(gflops),
    gbps: rounded(gbps),
    share_of_peak: rounded(shareOfPeak),
    ratio: rounded(ratio?.median),
    ratio_p25: rounded(ratio?.p25),
    ratio_p75: rounded(ratio?.p75),
    difference: rounded(difference),
    skipped,
    adapter: environment.adapter,
    software: environment.isSoftware,
    driver: environment.driver,
    runtime: environment.runtime,
    cores: environment.cores,
    commit: environment.commit,
    date: environment.date,
  });
}

/** `n` significant digits, and all digits before the point. */
const digits = (x: number, n: number): string => (x >= 10 ** (n - 1) ? x.toFixed(0) : x.toPrecision(n));

/** A line to print; a star marks the variant that training would use. */
export function describe({
  what,
  shape,
  variant,
  isChosen,
  timing,
  gflops,
  gbps,
  shareOfPeak,
  peer,
  ratio,
  skipped,
}: Measurement): string {
  const name = [what, shape, variant && `[${variant}${isChosen ? " *" : ""}]`, peer].filter(Boolean).join("  ");
  if (!timing) return `${name}  left out: ${skipped}`;
  const { medianMs, p25Ms, p75Ms } = timing;
  const figures = [
    `${digits(medianMs, 4)} ms (${digits(p25Ms, 3)}–${digits(p75Ms, 3)})`,
    gflops !== undefined && `${gflops.toPrecision(4)} GFLOP/s`,
    gbps !== undefined && `${gbps.toPrecision(4)} GB/s`,
    shareOfPeak !== undefined && `${(100 * shareOfPeak).toFixed(1)} % of peak`,
    ratio && `ours is ${ratio.median.toPrecision(3)} times as fast (${ratio.p25.toPrecision(3)}–${ratio.p75.toPrecision(3)})`,
  ];
  return `${name}  ${figures.filter(Boolean).join(", ")}`;
}
