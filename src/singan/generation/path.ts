// The way a picture takes through a model's generators: which of them, at what sizes, from what start. Pure, no GPU.
// Official code: SinGAN_generate (manipulate.py) and the preparations of its applications; here they differ only in their path.

import type { Planes } from "../../image/planes.ts";
import { imresize, imresizeTo, isSameSize } from "../../image/resample.ts";
import { OptionError, type Size } from "../model/config.ts";
import { type AnyModel, type Model, requireScale } from "../model/model.ts";
import { enlarge } from "../model/upsampling.ts";

/** One generator's turn in the making of a picture. */
export interface Stage {
  /** Whose generator and noise amplitude. */
  readonly scale: number;
  /** Of its result. */
  readonly size: Size;
  /** star: z* at the coarsest scale, none elsewhere; given: the caller's values. */
  readonly noise: "random" | "star" | "none" | "given";
  /** One channel of noise for all three colours, as at the coarsest scale. */
  readonly grey: boolean;
}

export interface Path {
  readonly stages: readonly Stage[];
  /** What the first generator improves on, in the size of its stage; null is mid-grey. */
  readonly start: Planes | null;
  /** Below 1: between stages a picture is enlarged by 1/factor on imresize's grid, and cropped to the next stage's size. */
  readonly factor: number;
  /** Of the result, its top left part: default all of it. */
  readonly crop?: Size;
}

export const resultSize = ({ stages, crop }: Path): Size => crop ?? stages.at(-1)!.size;

/** Rounds half to even, as Python does: the sizes of the official code. */
export function roundHalfToEven(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

/** Counters of the noise are 32-bit. */
const MAX_VALUES = 2 ** 32 - 1;

/**
 * The sizes of all trained scales when the finest is to be `size` (default: as trained): each side in proportion, rounded half to even.
 * Throws OptionError for a size that is not of positive whole numbers, or beyond 1.4 gigapixels.
 */
export function sizesFor({ sizes, scales }: Pick<AnyModel, "sizes" | "scales">, size?: Size): Size[] {
  const trained = sizes.slice(0, scales.length);
  const finest = trained.at(-1)!;
  const { width, height } = size ?? finest;
  for (const side of [width, height]) {
    if (!Number.isInteger(side) || side < 1)
      throw new OptionError(`a picture's size must be positive whole numbers, not ${width}x${height}`);
  }
  if (3 * width * height > MAX_VALUES)
    throw new OptionError(`${width}x${height} is too large: at most 1.4 gigapixels can be drawn`);
  const at = (side: number, share: number) => Math.max(1, roundHalfToEven(side * share));
  return trained.map((s, k) =>
    k === trained.length - 1
      ? { width, height }
      : { width: at(s.width, width / finest.width), height: at(s.height, height / finest.height) },
  );
}

/**
 * A random picture of any size. Scales below `startScale` keep the reconstruction's noise, so the photo's layout stays; z* fits the
 * trained size only, elsewhere see `photoPath`. Throws OptionError.
 */
export function samplePath(
  model: Model,
  { size, startScale = 0 }: { readonly size?: Size; readonly startScale?: number } = {},
): Path {
  requireScale(model, startScale, 0);
  const sizes = sizesFor(model, size);
  if (startScale > 0 && !isSameSize(sizes.at(-1)!, model.sizes[model.scales.length - 1]!))
    throw new OptionError(
      "the reconstruction's noise exists at the trained size only: at another size start from the photo itself, or at scale 0",
    );
  return { stages: stagesOf(sizes, 0, startScale), start: null, factor: model.scaleFactor };
}

/** Stages of the scales from `first` on, random from `random` on. */
const stagesOf = (sizes: readonly Size[], first: number, random: number): Stage[] =>
  sizes.slice(first).map((size, i) => {
    const scale = first + i;
    return { scale, size, noise: scale < random ? "star" : "random", grey: scale === 0 };
  });

/** What the model makes of z* alone: its memory of the photo. */
export function reconstructionPath(model: Model): Path {
  const sizes = sizesFor(model);
  return { stages: stagesOf(sizes, 0, sizes.length), start: null, factor: model.scaleFactor };
}

/**
 * A picture injected at a scale, as painting, editing and harmonization do: brought to the photo's size (or `size`), reduced to the scale
 * before `startScale`, enlarged to `startScale`; from there on all noise is random. Throws OptionError unless 1 ≤ startScale ≤ last.
 */
export function injectionPath(model: Model, picture: Planes, startScale: number, size?: Size): Path {
  requireScale(model, startScale, 1);
  const sizes = sizesFor(model, size);
  const whole = isSameSize(picture, sizes.at(-1)!) ? picture : imresizeTo(picture, sizes.at(-1)!);
  const steps = sizes.length - startScale;
  const reduced = imresize(whole, model.scaleFactor ** steps, { size: sizes[startScale - 1]! });
  const start = enlarge(reduced, model.scaleFactor, sizes[startScale]!, model.options.upsample);
  return { stages: stagesOf(sizes, startScale, startScale), start, factor: model.scaleFactor };
}

/** A picture that already has few colours, brought to `startScale` directly: nothing coarser is looked at. Throws as injectionPath(). */
export function quantizedPath(model: Model, picture: Planes, startScale: number): Path {
  requireScale(model, startScale, 1);
  const sizes = sizesFor(model);
  const steps = sizes.length - 1 - startScale;
  const whole = isSameSize(picture, sizes.at(-1)!) ? picture : imresizeTo(picture, sizes.at(-1)!);
  const start = steps === 0 ? whole : imresize(whole, model.scaleFactor ** steps, { size: sizes[startScale]! });
  return { stages: stagesOf(sizes, startScale, startScale), start, factor: model.scaleFactor };
}

/** The photo injected in place of a reconstruction: the other way to keep its layout below `startScale`, at any size. Throws OptionError. */
export function photoPath(model: Model, { size, startScale }: { readonly size?: Size; readonly startScale: number }): Path {
  if (startScale === 0) return samplePath(model, size ? { size } : {});
  return injectionPath(model, model.photo, startScale, size);
}
