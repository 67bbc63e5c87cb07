// Timing: a warm-up, repetitions by measured time, rounds in which the compared jobs alternate, medians and quartiles.

/** Starts `count` runs one after the other; resolves when the last one has finished. */
export type Job = (count: number) => Promise<void>;

export interface Effort {
  /** How long one sample lasts: runs that are too short for the clock are repeated. */
  readonly sampleMs: number;
  /** Time to spend on the rounds of one measurement. */
  readonly totalMs: number;
  readonly rounds: readonly [min: number, max: number];
  /** A run that takes longer than this is not repeated, and larger work is left out. */
  readonly limitMs: number;
}

export interface Timing {
  readonly medianMs: number;
  readonly p25Ms: number;
  readonly p75Ms: number;
  readonly rounds: number;
  /** Runs per round, started in a row; a sample is their time divided by this number. */
  readonly runs: number;
}

/** Why something was not measured. The message is one line. */
export class TooSlow extends Error {
  override name = "TooSlow";
  constructor(
    message: string,
    readonly ms: number,
  ) {
    super(`${message} ${(ms / 1000).toFixed(1)} s`);
  }
}

/** Quantile q in [0,1], interpolated linearly. Throws RangeError without values. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new RangeError("no values");
  const sorted = [...values].sort((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low]! + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)]! - sorted[low]!);
}

const clamp = (low: number, x: number, high: number): number => Math.min(high, Math.max(low, x));

async function timed(job: Job, count: number): Promise<number> {
  const start = performance.now();
  await job(count);
  return performance.now() - start;
}

const MOST_RUNS = 2000;

/** The first run may take this many limits, because it may compile. */
const FIRST_RUN_LIMITS = 4;

/** The number of runs that fill a sample. Throws TooSlow where a run exceeds the limit. */
async function calibrate(job: Job, { sampleMs, limitMs }: Effort): Promise<number> {
  const first = await timed(job, 1);
  if (first > FIRST_RUN_LIMITS * limitMs) throw new TooSlow("the first run takes", first);
  let count = 1;
  for (;;) {
    const elapsed = await timed(job, count);
    if (elapsed / count > limitMs) throw new TooSlow("one run takes", elapsed / count);
    if (elapsed >= sampleMs / 2 || count >= MOST_RUNS) return clamp(1, Math.round((count * sampleMs) / elapsed), MOST_RUNS);
    count = clamp(count + 1, Math.ceil((count * sampleMs) / Math.max(elapsed, sampleMs / 50)), MOST_RUNS);
  }
}

/** Milliseconds per run, by job and round; every round times every job once. Throws TooSlow. */
export async function timeAlternately(jobs: readonly Job[], effort: Effort): Promise<{ samples: number[][]; runs: number[] }> {
  const runs: number[] = [];
  for (const job of jobs) runs.push(await calibrate(job, effort));
  const samples: number[][] = jobs.map(() => []);
  const round = async () => {
    const start = performance.now();
    for (const [i, job] of jobs.entries()) samples[i]!.push((await timed(job, runs[i]!)) / runs[i]!);
    return performance.now() - start;
  };
  const first = await round();
  const rounds = clamp(effort.rounds[0], Math.floor(effort.totalMs / first), effort.rounds[1]);
  for (let i = 1; i < rounds; i++) await round();
  return { samples, runs };
}

export function summarize(samples: readonly number[], runs: number): Timing {
  const at = (q: number) => quantile(samples, q);
  return { medianMs: at(0.5), p25Ms: at(0.25), p75Ms: at(0.75), rounds: samples.length, runs };
}

/** Throws TooSlow. */
export async function time(job: Job, effort: Effort): Promise<Timing> {
  const { samples, runs } = await timeAlternately([job], effort);
  return summarize(samples[0]!, runs[0]!);
}

/** Predicts times from the last measurement, for work that grows: what would exceed the limit is not started. */
export class Pace {
  #msPerFlop = 0;
  constructor(private readonly effort: Effort) {}

  /** The result of `measure` for work of so many flops, or one line that says why there is none. */
  async attempt<T extends { readonly medianMs: number }>(flops: number, measure: () => Promise<T>): Promise<T | string> {
    try {
      const predicted = flops * this.#msPerFlop;
      if (predicted > this.effort.limitMs) throw new TooSlow("one run would take about", predicted);
      const timing = await measure();
      this.#msPerFlop = timing.medianMs / flops;
      return timing;
    } catch (error) {
      if (!(error instanceof TooSlow)) throw error;
      this.#msPerFlop = error.ms / flops;
      return error.message;
    }
  }
}
