// Chooses settings that fit the machine: times a few steps on the adapter in hand, then forecasts whole trainings.
// The cost model: an iteration takes a fixed time (dispatches) plus its multiply-adds at the adapter's measured rate.

import type { Gpu } from "../../gpu/device.ts";
import { inRecipe, PRESETS, resolveOptions, type Size, type TrainOptions } from "../model/config.ts";
import { pyramidOf } from "../model/pyramid.ts";
import { withStandIn } from "./dry-run.ts";
import { macsPerIteration } from "./train.ts";

export interface Speed {
  /** Seconds of an iteration that do not depend on its size. */
  readonly overhead: number;
  /** Multiply-adds per second beyond that. */
  readonly rate: number;
  /** Seconds to compile a scale's programs, the first time and later. */
  readonly compile: number;
}

export interface Choice {
  readonly preset: string;
  readonly options: TrainOptions;
  readonly forecastSeconds: number;
  /** What was measured, for forecasts of other options. */
  readonly speed: Speed;
}

/** What `auto` considers, best first, and how long it may take at most. The last one is taken whatever it takes. */
const CANDIDATES: readonly { preset: string; options: TrainOptions; atMostSeconds: number }[] = [
  { preset: "paper", options: PRESETS.paper, atMostSeconds: 30 * 60 },
  { preset: "balanced", options: PRESETS.balanced, atMostSeconds: 10 * 60 },
  ...[
    { channels: 32, iterations: 300 },
    { channels: 32, iterations: 200 },
    { channels: 32, iterations: 150 },
    { channels: 16, iterations: 300 },
    { channels: 16, iterations: 200 },
    { channels: 16, iterations: 150 },
    { channels: 16, iterations: 120 },
    { channels: 16, iterations: 100 },
    { channels: 16, iterations: 80 },
    { channels: 16, iterations: 60 },
    { channels: 16, iterations: 40 },
  ].map(({ channels, iterations }) => ({
    preset: "preview",
    options: { ...PRESETS.preview, channels, maxChannels: channels, iterations },
    atMostSeconds: 3.25 * 60, // 4 minutes, less what a forecast may be wrong by
  })),
];

/**
 * The best preset whose forecast for a photo of this size is short enough on this adapter, with `fixed` options in place of its own, its
 * recipe's among them. `speed` where it is known already.
 */
export async function chooseAuto(
  gpu: Gpu,
  photo: Size,
  fixed: Partial<TrainOptions> = {},
  speed: Speed | null = null,
): Promise<Choice> {
  speed ??= await measureSpeed(gpu);
  for (const [i, { preset, options, atMostSeconds }] of CANDIDATES.entries()) {
    const fitted = { ...fitTo(photo, { ...inRecipe(options, fixed.recipe ?? "singan"), ...fixed }), ...fixed };
    const seconds = forecastSeconds(speed, photo, fitted);
    if (seconds <= atMostSeconds || i === CANDIDATES.length - 1) {
      return { preset, options: fitted, forecastSeconds: seconds, speed };
    }
  }
  throw new Error("unreachable: the last candidate is always taken");
}

/** Raises maxSize where an elongated photo's short side would fall below minSize. */
export function fitTo({ width, height }: Size, options: TrainOptions): TrainOptions {
  const [short, long] = [Math.min(width, height), Math.max(width, height)];
  const needed = Math.ceil((options.minSize * 1.25 * long) / short);
  return { ...options, maxSize: Math.max(options.maxSize, Math.min(long, needed)) };
}

/** How long a training will take. Throws PyramidError for a photo that can't be trained. */
export function forecastSeconds(speed: Speed, photo: Size, options: TrainOptions): number {
  const { sizes } = pyramidOf(photo, options);
  const perScale = sizes.map(
    (_, scale) => options.iterations * (speed.overhead + macsPerIteration(scale, sizes, options) / speed.rate),
  );
  return perScale.reduce((a, b) => a + b, (speed.compile * sizes.length) / 4); // most kernels are those that were timed
}

interface Probe extends Size {
  readonly channels: number;
}
const SMALL: Probe = { width: 33, height: 25, channels: 16 };
/** The second point: a little larger where the first is slow already, else large enough to keep a GPU busy. */
const LARGER = { slow: { width: 33, height: 25, channels: 32 }, fast: { width: 160, height: 120, channels: 64 } };
/** A large probe flatters such an adapter, and software at any speed: its kernels for many channels are twice as fast per multiply-add. */
const SLOW_SECONDS = 0.05;
const PROBE_ITERATIONS = 3;

/** Times a few training iterations at two sizes: a few seconds, also on a machine without a GPU. */
export async function measureSpeed(gpu: Gpu): Promise<Speed> {
  const small = await timeIteration(gpu, SMALL);
  const large = await timeIteration(gpu, gpu.isSoftware || small.seconds > SLOW_SECONDS ? LARGER.slow : LARGER.fast);
  const rate = (large.macs - small.macs) / Math.max(large.seconds - small.seconds, small.seconds / 100);
  return { rate, overhead: Math.max(0, small.seconds - small.macs / rate), compile: small.compile + large.compile };
}

async function timeIteration(
  gpu: Gpu,
  { channels, ...size }: Probe,
): Promise<{ seconds: number; macs: number; compile: number }> {
  const options = resolveOptions({ iterations: PROBE_ITERATIONS, channels, maxChannels: channels });
  const start = performance.now();
  return withStandIn(gpu, { sizes: [size], scaleFactor: 1 }, options, 0, async (trainer) => {
    const compiled = performance.now();
    const times: number[] = [];
    let before = performance.now();
    for await (const _ of trainer.iterations(1)) {
      times.push(performance.now() - before);
      before = performance.now();
    }
    const [, median] = times.sort((a, b) => a - b);
    return { seconds: median! / 1000, macs: macsPerIteration(0, [size], options), compile: (compiled - start) / 1000 };
  });
}
