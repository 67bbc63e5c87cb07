// Where an iteration's time goes at a scale: its kernels by the GPU's own clock, and what they leave of the wall clock's time.

import type { Gpu } from "../../gpu/device.ts";
import { DispatchTimer } from "../../runtime/dispatch-timer.ts";
import type { Dispatch } from "../../runtime/program.ts";
import type { Size } from "../model/config.ts";
import { withTrainer } from "./dry-run.ts";
import type { LevelTrainer } from "./level-trainer.ts";
import type { TrainingOutline } from "./recipe.ts";

/** All dispatches of an iteration that one kernel does for one op. */
export interface KernelProfile {
  readonly op: string;
  readonly kernel: string;
  readonly calls: number;
  /** Time and rates are of all calls together. */
  readonly ms: number;
  /** Of the time in kernels. */
  readonly share: number;
  /** Null where nothing is counted (runtime/work.ts), or where the clock is too coarse. */
  readonly gflops: number | null;
  readonly gbps: number | null;
}

export interface ScaleProfile {
  readonly scale: number;
  readonly size: Size;
  readonly channels: number;
  readonly dispatches: number;
  /** Time of an iteration as trainings run it, many per submit. */
  readonly wallMs: number;
  /** Sum over the dispatches, each timed in a pass of its own. */
  readonly kernelMs: number;
  /** 1 − kernelMs/wallMs, at least 0: no less of the wall time is without a kernel, for passes of their own add a little to each. */
  readonly idleShare: number;
  readonly kernels: readonly KernelProfile[];
}

/** Wall and kernels are timed alternately, for a computer's speed changes while it computes: so long each time, in so many rounds. */
const MEASURE_MS = 300;
const LEAST_ROUNDS = 3;
const MOST_ROUNDS = 7;
/** After this time there are no more than the least rounds. */
const ENOUGH_MS = 20_000;
/** Enough iterations for any adapter: the loop is left early. */
const ENDLESS = 1e5;

/** Profiles the iterations of one scale on noise. Throws GpuError where the adapter has no timestamp-query. */
export async function profileBy(gpu: Gpu, outline: TrainingOutline, scale: number): Promise<ScaleProfile> {
  const { recipe, options, pyramid } = outline;
  new DispatchTimer(gpu, 1).dispose(); // refuses before the work of compiling
  const endless = { ...outline, options: { ...options, iterations: ENDLESS } };
  return withTrainer(gpu, endless, scale, async (trainer) => {
    const dispatches = trainer.iteration(0).flatMap(({ program }) => program.dispatches);
    const rounds: { readonly wallMs: number; readonly times: readonly number[]; readonly kernelMs: number }[] = [];
    const start = performance.now();
    while (rounds.length < LEAST_ROUNDS || (rounds.length < MOST_ROUNDS && performance.now() - start < ENOUGH_MS)) {
      const wallMs = await timeIterations(trainer);
      const times = await timeDispatches(gpu, trainer, dispatches.length);
      rounds.push({ wallMs, times, kernelMs: sum(times) });
    }
    // The round whose share is the median: both times are of one speed.
    const { wallMs, times, kernelMs } = rounds.sort((a, b) => a.kernelMs / a.wallMs - b.kernelMs / b.wallMs)[rounds.length >> 1]!;
    return {
      ...{ scale, size: pyramid.sizes[scale]!, channels: recipe.channelsAt(scale, options), dispatches: dispatches.length },
      ...{ wallMs, kernelMs, idleShare: Math.max(0, 1 - kernelMs / wallMs) },
      kernels: byKernel(dispatches, times, kernelMs),
    };
  });
}

/** Mean wall time of an iteration in batches of full size: they grow until one takes long enough, and small ones wait more than they compute. */
async function timeIterations(trainer: LevelTrainer): Promise<number> {
  const full = { count: 0, ms: 0 };
  const start = performance.now();
  let before = { at: start, iteration: 0, count: 0 };
  for await (const { iteration } of trainer.run()) {
    const [at, count] = [performance.now(), iteration - before.iteration];
    if (count <= before.count) {
      full.count += count;
      full.ms += at - before.at;
    }
    before = { at, iteration, count };
    if (full.count > 0 && at - start > MEASURE_MS) break; // the batch in flight ends first
  }
  return full.ms / full.count;
}

/** Mean milliseconds of each dispatch of an iteration, in order. */
async function timeDispatches(gpu: Gpu, trainer: LevelTrainer, count: number): Promise<number[]> {
  const timer = new DispatchTimer(gpu, count);
  try {
    const repeats: number[][] = [];
    const start = performance.now();
    do {
      for (const { program, feed, before } of trainer.iteration(repeats.length)) {
        trainer.feed.write(feed);
        timer.submit([...before, program]);
      }
      repeats.push(await timer.read());
    } while (performance.now() - start < MEASURE_MS);
    return Array.from({ length: count }, (_, i) => sum(repeats.map((times) => times[i]!)) / repeats.length);
  } finally {
    timer.dispose();
  }
}

function byKernel(dispatches: readonly Dispatch[], times: readonly number[], totalMs: number): KernelProfile[] {
  const rows = new Map<string, { op: string; kernel: string; calls: number; ms: number; flops: number; bytes: number }>();
  for (const [i, { label: op, kernel, work }] of dispatches.entries()) {
    const row = rows.get(`${op} ${kernel}`) ?? { op, kernel, calls: 0, ms: 0, flops: 0, bytes: 0 };
    row.calls++;
    row.ms += times[i]!;
    row.flops += work.flops;
    row.bytes += work.bytes;
    rows.set(`${op} ${kernel}`, row);
  }
  const rate = (amount: number, ms: number) => (amount > 0 && ms > 0 ? amount / ms / 1e6 : null);
  return [...rows.values()]
    .sort((a, b) => b.ms - a.ms)
    .map(({ flops, bytes, ...row }) => ({
      ...row,
      share: row.ms / totalMs,
      gflops: rate(flops, row.ms),
      gbps: rate(bytes, row.ms),
    }));
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
