// Settings that fit the machine: times a few steps on the adapter in hand, then forecasts whole trainings.
// The cost model: an iteration takes a fixed time (dispatches) plus its multiply-adds at the adapter's measured rate.

import type { Gpu } from "../../gpu/device.ts";
import { optionsOf, PAPER, PRESETS, type PresetName, type Size, type TrainOptions } from "../model/config.ts";
import { withTrainer } from "./dry-run.ts";
import { costsOf, type TrainingOutline, type TrainingRecipe } from "./recipe.ts";
import { singanTraining } from "./singan/singan-training.ts";

export interface Speed {
  /** Seconds of an iteration that do not depend on its size. */
  readonly overhead: number;
  /** Multiply-adds per second beyond that. */
  readonly rate: number;
  /** Seconds to compile a scale's programs, the first time and later. */
  readonly compile: number;
}

interface Candidate {
  readonly preset: PresetName;
  readonly options: TrainOptions;
  readonly atMostSeconds: number;
}

/** A preview of so many channels and iterations takes at most 4 minutes, less what a forecast may be wrong by. */
const preview = (channels: number, iterations: number, atMostSeconds = 3.25 * 60): Candidate => ({
  preset: "preview",
  options: { ...PRESETS.preview, channels, maxChannels: channels, iterations },
  atMostSeconds,
});

/** What `auto` considers, best first, and how long it may take at most. The last one is taken whatever it takes. */
const CANDIDATES: readonly Candidate[] = [
  { preset: "paper", options: PRESETS.paper, atMostSeconds: 30 * 60 },
  { preset: "balanced", options: PRESETS.balanced, atMostSeconds: 10 * 60 },
  ...[300, 200, 150].map((iterations) => preview(32, iterations)),
  ...[300, 200, 150, 120, 100, 80, 60].map((iterations) => preview(16, iterations)),
  preview(16, 40, Number.POSITIVE_INFINITY),
];

/**
 * A training by a preset's options in a recipe, with `fixed` options in place of its own, and large enough for an elongated photo.
 * Throws OptionError, PyramidError.
 */
export function presetOutline(
  recipe: TrainingRecipe,
  photo: Size,
  preset: TrainOptions,
  fixed: Partial<TrainOptions>,
): TrainingOutline {
  const adapted = preset.recipe === recipe.name ? preset : recipe.adapt(preset);
  const options = optionsOf(recipe, { ...fitTo(photo, { ...adapted, ...fixed }), ...fixed });
  return { recipe, options, pyramid: recipe.pyramid(photo, options) };
}

/** The best preset whose forecast for a photo of this size is short enough at this speed, with `fixed` options in place of its own. */
export function chooseAuto(
  recipe: TrainingRecipe,
  photo: Size,
  fixed: Partial<TrainOptions>,
  speed: Speed,
): { readonly preset: PresetName; readonly outline: TrainingOutline } {
  for (const { preset, options, atMostSeconds } of CANDIDATES) {
    const outline = presetOutline(recipe, photo, options, fixed);
    if (forecastSeconds(speed, outline) <= atMostSeconds) return { preset, outline };
  }
  throw new Error("unreachable: the last candidate is always taken");
}

/** Raises maxSize, to the paper's at most, where an elongated photo's short side would fall below minSize. */
function fitTo({ width, height }: Size, options: TrainOptions): TrainOptions {
  const [short, long] = [Math.min(width, height), Math.max(width, height)];
  const needed = Math.ceil((options.minSize * 1.25 * long) / short);
  return { ...options, maxSize: Math.max(options.maxSize, Math.min(long, needed, PAPER.maxSize)) };
}

/** How long a training will take. */
export function forecastSeconds(speed: Speed, outline: TrainingOutline): number {
  const perLevel = costsOf(outline).map((macs) => outline.options.iterations * speed.overhead + macs / speed.rate);
  return perLevel.reduce((a, b) => a + b, (speed.compile * perLevel.length) / 4); // most kernels are those that were timed
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

/** Times a few iterations of SinGAN at two sizes: a few seconds, also on a machine without a GPU. */
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
  const options = optionsOf(singanTraining, { iterations: PROBE_ITERATIONS, channels, maxChannels: channels });
  const recipe = singanTraining;
  const pyramid = { sizes: [size], scaleFactor: 1, factors: [1], scale1: 1, stopScale: 0 };
  const start = performance.now();
  return withTrainer(gpu, { recipe, options, pyramid }, 0, async (trainer) => {
    const compiled = performance.now();
    const times: number[] = [];
    let before = performance.now();
    for await (const _ of trainer.run({ maxBatch: 1 })) {
      times.push(performance.now() - before);
      before = performance.now();
    }
    const [, median] = times.sort((a, b) => a - b);
    const macs = recipe.macsPerIteration(0, [size], options);
    return { seconds: median! / 1000, macs, compile: (compiled - start) / 1000 };
  });
}
