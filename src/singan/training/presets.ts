// Settings that fit the machine: times a few steps on the adapter in hand, then forecasts whole trainings.
// The cost model: an iteration takes a fixed time (dispatches) plus its multiply-adds at the adapter's measured rate, which grows with the channels.

import type { Gpu } from "../../gpu/device.ts";
import { DEFAULTS, optionsOf, PRESETS, type PresetName, type Size, type TrainOptions } from "../model/config.ts";
import { withTrainer } from "./dry-run.ts";
import { costsOf, type TrainingOutline, type TrainingRecipe } from "./recipe.ts";
import { singanTraining } from "./singan/singan-training.ts";

export interface Speed {
  /** Seconds of an iteration that do not depend on its size. */
  readonly overhead: number;
  /** Multiply-adds per second beyond that, with 32 channels. */
  readonly rate: number;
  /** With other channels the rate is (channels/32)^growth times as high. */
  readonly growth: number;
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

/** In steps of about 10 %, so that noise in the measured speed changes little. */
const ITERATIONS = [300, 270, 240, 220, 200, 180, 165, 150, 135, 120, 110, 100, 90, 80, 70, 60] as const;

/** What `auto` considers, best first, and how long it may take at most. The last one is taken whatever it takes. */
const CANDIDATES: readonly Candidate[] = [
  { preset: "full", options: PRESETS.full, atMostSeconds: 30 * 60 },
  { preset: "balanced", options: PRESETS.balanced, atMostSeconds: 10 * 60 },
  ...ITERATIONS.filter((iterations) => iterations >= 150).map((iterations) => preview(32, iterations)),
  ...ITERATIONS.map((iterations) => preview(16, iterations)),
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
  return { ...options, maxSize: Math.max(options.maxSize, Math.min(long, needed, DEFAULTS.maxSize)) };
}

/** Finishing a level (recalibrated statistics, z*, previews, the picture that is passed on) takes as long as so many of its iterations. */
const FINISHING_ITERATIONS = 2;
/** A level compiles this share of what the probes have compiled: most of its kernels are those that were timed. */
const COMPILED_SHARE = 1 / 4;

/** How long a training will take. */
export function forecastSeconds({ overhead, rate, growth, compile }: Speed, outline: TrainingOutline): number {
  const { recipe, options } = outline;
  const perLevel = costsOf(outline).map((macs, level) => {
    const channels = Math.min(recipe.channelsAt(level, options), WIDEST);
    const iteration = overhead + macs / options.iterations / (rate * (channels / REFERENCE_CHANNELS) ** growth);
    return (options.iterations + FINISHING_ITERATIONS) * iteration + compile * COMPILED_SHARE;
  });
  return perLevel.reduce((a, b) => a + b, 0);
}

/** The time of an iteration on a picture with so many channels. */
export interface ProbeTime {
  readonly channels: number;
  readonly macs: number;
  readonly seconds: number;
}

/** The channels at which `rate` holds, and up to which it is taken to grow. */
const REFERENCE_CHANNELS = 32;
const WIDEST = 64;

/**
 * Overhead and rate from two pictures with the same channels; the growth of the rate from a third time with fewer channels, where there is
 * one. The rate's growth is between 0 and 1: loads per multiply-add fall with the channels, at most in proportion.
 */
export function fitSpeed([small, large]: readonly [ProbeTime, ProbeTime], narrow?: ProbeTime): Omit<Speed, "compile"> {
  const slope = (large.macs - small.macs) / Math.max(large.seconds - small.seconds, small.seconds / 100);
  const overhead = Math.max(0, small.seconds - small.macs / slope);
  const rate = small.macs / Math.max(small.seconds - overhead, small.seconds / 100);
  if (!narrow) return { overhead, rate, growth: 0 };
  const narrowRate = narrow.macs / Math.max(narrow.seconds - overhead, narrow.seconds / 100);
  const growth = Math.log(rate / narrowRate) / Math.log(small.channels / narrow.channels);
  return { overhead, rate, growth: Math.min(1, Math.max(0, growth)) };
}

interface Probe extends Size {
  readonly channels: number;
}
const NARROW: Probe = { width: 33, height: 25, channels: 16 };
/** Where the first probe is slow, and on software at any speed: the same picture with more channels, and a larger one. */
const SLOW: readonly [Probe, Probe] = [
  { width: 33, height: 25, channels: 32 },
  { width: 50, height: 38, channels: 32 },
];
/** Else large enough to keep a GPU busy. */
const FAST: Probe = { width: 160, height: 120, channels: 64 };
const SLOW_SECONDS = 0.05;
/** Iterations of a probe: at least and at most so many, and no more after so long. The fastest counts: other processes only slow them down. */
const PROBE_ITERATIONS = [3, 12] as const;
const PROBE_MS = 700;

/** Called with the share of the timing that is done; an error that it throws ends the timing. */
export type OnTiming = (share: number) => void;

/** Times a few iterations of SinGAN at two or three sizes: a few seconds, also on a machine without a GPU. */
export async function measureSpeed(gpu: Gpu, onTiming: OnTiming = () => {}): Promise<Speed> {
  const probe = (size: Probe, done: number) => timeIteration(gpu, size, (share) => onTiming((done + share) / 3));
  const narrow = await probe(NARROW, 0);
  if (!gpu.isSoftware && narrow.seconds <= SLOW_SECONDS) {
    const large = await probe(FAST, 2);
    return { ...fitSpeed([narrow, large]), compile: narrow.compile + large.compile };
  }
  const [small, large] = [await probe(SLOW[0], 1), await probe(SLOW[1], 2)];
  return { ...fitSpeed([small, large], narrow), compile: narrow.compile + small.compile };
}

async function timeIteration(
  gpu: Gpu,
  { channels, ...size }: Probe,
  onTiming: OnTiming,
): Promise<ProbeTime & { readonly compile: number }> {
  onTiming(0);
  const [least, most] = PROBE_ITERATIONS;
  const options = optionsOf(singanTraining, { iterations: most, channels, maxChannels: channels });
  const recipe = singanTraining;
  const pyramid = { sizes: [size], scaleFactor: 1, factors: [1], scale1: 1, stopScale: 0 };
  const start = performance.now();
  return withTrainer(gpu, { recipe, options, pyramid }, 0, async (trainer) => {
    const compiled = performance.now();
    onTiming(0.5);
    const times: number[] = [];
    let before = compiled;
    for await (const _ of trainer.run({ maxBatch: 1 })) {
      const now = performance.now();
      times.push(now - before);
      onTiming(0.5 + (0.5 * times.length) / most);
      before = now;
      if (times.length >= least && now - compiled > PROBE_MS) break;
    }
    // The first waits for two iterations: the next is submitted before it is awaited.
    const fastest = Math.min(...times.slice(1));
    const macs = recipe.macsPerIteration(0, [size], options);
    return { channels, macs, seconds: fastest / 1000, compile: (compiled - start) / 1000 };
  });
}
