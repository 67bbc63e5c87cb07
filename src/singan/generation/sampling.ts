// What all samplers share: their interface, the options of a sample, and the checks that do not depend on the kind of model. Pure, no GPU.

import type { Gpu } from "../../gpu/device.ts";
import type { Mask } from "../../image/mask.ts";
import type { Planes, Wraps } from "../../image/planes.ts";
import { type ImageChannels, OptionError, type Size } from "../model/config.ts";
import { type AnyModel, requireScale } from "../model/model.ts";
import type { ScoreMap } from "./scores.ts";

/** none: every random noise is replaced by zeros. */
export type Noise = "random" | "none";

export interface SampleOptions {
  readonly seed: number;
  /** Number of the picture among those of the seed (default: 0, the first). */
  readonly index?: number;
  /** The first scale with random noise: 0 (the default) changes the layout, higher values change only details. */
  readonly startScale?: number;
  /** Size of the picture, px (default: the trained size). */
  readonly size?: Size;
  /** Makes the scales below startScale: the reconstruction's noise, or the photo itself (default: noise at the trained size, else photo). */
  readonly below?: "noise" | "photo";
  /** Default: random. */
  readonly noise?: Noise;
  /** The axes on which the picture continues at its opposite border: a seamless tile (default: none). */
  readonly wraps?: Wraps;
  /** What stays of the photo: where the mask is set. Only at the trained size (default: nothing). */
  readonly keep?: Mask;
}

/** Rows of a picture, from row `top` on. */
export interface Band {
  readonly top: number;
  readonly picture: Planes;
}

/** Called with the share of the work that is done, 0 … 1. */
export type ShareProgress = (share: number) => void;

/** A model on the GPU that makes pictures. A sample is a pure function of the model and its options (on one driver). */
export interface Sampler {
  readonly model: AnyModel;
  /** A random picture. Throws OptionError for what the model can't make (see checkSample). */
  sample(options: SampleOptions): Promise<Planes>;
  /** The same picture in bands from top to bottom, so that a large one can be written while it is made. Throws as sample(). */
  bands(options: SampleOptions, progress?: ShareProgress): AsyncGenerator<Band>;
  /** The picture that the model was trained to reproduce: its memory of the photo. */
  reconstruction(): Promise<Planes>;
  /**
   * What the discriminator of a trained scale says of pictures of one size: how much each patch looks like one of the photo at this scale.
   * Throws OptionError for a scale whose discriminator the model does not have, and as scoreMaps().
   */
  scores(scale: number, pictures: readonly Planes[]): Promise<ScoreMap[]>;
  dispose(): Promise<void>;
}

/** How one kind of model is sampled. */
export interface Sampling<M extends AnyModel> {
  /** Throws OptionError for what the model can't make; the message names the option. Needs no GPU. */
  check(model: M, options: SampleOptions): void;
  /** The main memory that a sample of this size takes at most, in bytes. */
  bytes(model: M, size: Size): number;
  /** Uploads the model; programs are compiled when they are first needed. Throws OptionError where no scale is trained yet. */
  open(gpu: Gpu, model: M): Promise<Sampler>;
}

/** Bytes of a picture as float planes. */
export const planesBytes = ({ width, height }: Size, { imageChannels }: ImageChannels): number =>
  imageChannels * Float32Array.BYTES_PER_ELEMENT * width * height;

/** The size of the finest trained scale. Throws OptionError where no scale is trained yet. */
export function trainedSize({ sizes, scales }: Pick<AnyModel, "sizes" | "scales">): Size {
  const size = sizes[scales.length - 1];
  if (!size) throw new OptionError("the model has no trained scale yet");
  return size;
}

/** Throws OptionError unless `value` is a whole number from `low` to 2³² − 1, the range of the random generator's key. */
export function requireUint32(name: string, value: number, low = 0): void {
  if (!Number.isInteger(value) || value < low || value >= 2 ** 32)
    throw new OptionError(`${name} must be a whole number from ${low} to ${2 ** 32 - 1}, not ${value}`);
}

/** The random generator counts values in 32 bits. */
const MAX_VALUES = 2 ** 32 - 1;

/** Throws OptionError unless the sides are positive whole numbers with a product of at most 1.4 gigapixels; with alpha 1.07. */
export function requireSize({ width, height }: Size, { imageChannels }: ImageChannels = { imageChannels: 3 }): void {
  for (const side of [width, height]) {
    if (!Number.isInteger(side) || side < 1)
      throw new OptionError(`a picture's size must be positive whole numbers, not ${width}x${height}`);
  }
  const most = MAX_VALUES / Math.max(3, imageChannels);
  if (width * height > most)
    throw new OptionError(`${width}x${height} is too large: at most ${(most / 1e9).toFixed(1)} gigapixels are possible`);
}

/** The checks of a sample that all kinds of model share. Throws OptionError. */
export function checkShared(model: AnyModel, { seed, index = 0, startScale = 0, size }: SampleOptions): void {
  const trained = trainedSize(model);
  requireUint32("seed", seed);
  requireUint32("index", index);
  requireScale(model, startScale, 0);
  requireSize(size ?? trained, model.options);
}
