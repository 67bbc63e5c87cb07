// The path of a picture through a model's generators: which generators, at what sizes, from what start. Pure, no GPU.
// Official code: SinGAN_generate (manipulate.py) and the scripts of the applications; here the applications differ only in their path.

import { type Mask, MaskError, maskOfSize } from "../../image/mask.ts";
import { isSameSize, type Planes, type Wraps } from "../../image/planes.ts";
import { imresize, imresizeTo } from "../../image/resample.ts";
import { OptionError, type Size } from "../model/config.ts";
import { type Model, photoAt, requireScale } from "../model/model.ts";
import { enlarge } from "../model/pyramid.ts";
import type { Statistics } from "../networks/frozen-scale.ts";
import { requireSize, trainedSize } from "./sampling.ts";

/** One pass through a generator. */
export interface Stage {
  /** The scale whose generator and noise amplitude are used. */
  readonly scale: number;
  readonly size: Size;
  /** star: z* at the coarsest scale, none elsewhere; given: values from the caller. */
  readonly noise: "random" | "star" | "none" | "given";
  readonly statistics: Statistics;
  /** Whether all three colours have the same noise, as at the coarsest scale. */
  readonly grey: boolean;
}

/** What stays of a stage's picture: it becomes picture·changing + kept. */
export interface Kept {
  /** The photo where it stays, else 0. */
  readonly kept: Planes;
  /** 0 where the photo stays, else 1. */
  readonly changing: Planes;
}

export interface Path {
  readonly stages: readonly Stage[];
  /** The picture before the first stage, in that stage's size; null is mid-grey. */
  readonly start: Planes | null;
  /** Below 1. Between two stages the picture is enlarged by 1/factor on the grid of imresize and cropped to the next stage's size. */
  readonly factor: number;
  /** Axes on which pictures and noise continue at their opposite border, in place of zero padding (default: none). */
  readonly wraps?: Wraps;
  /** What stays of the photo, by stage (default: nothing). */
  readonly keep?: readonly Kept[];
  /** The result is cropped to this size, from the top left (default: no crop). */
  readonly crop?: Size;
}

export const resultSize = ({ stages, crop }: Path): Size => crop ?? stages.at(-1)!.size;

/** The path as far as its first `stages` stages: it leads to the picture that the whole one has there, with the same noise. */
export const pathTo = ({ crop: _, keep, ...path }: Path, stages: number): Path => ({
  ...path,
  stages: path.stages.slice(0, stages),
  ...(keep && { keep: keep.slice(0, stages) }),
});

/** Rounds halves to even, as Python does: the official code computes its sizes so. */
export function roundHalfToEven(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

/**
 * The sizes of all trained scales of a picture of `size` (default: the trained size): each side in proportion, rounded half to even.
 * Throws OptionError for a size that no picture can have.
 */
export function sizesFor(model: Pick<Model, "sizes" | "scales">, size?: Size): Size[] {
  const finest = trainedSize(model);
  const { width, height } = size ?? finest;
  requireSize({ width, height });
  const trained = model.sizes.slice(0, model.scales.length);
  const at = (side: number, share: number) => Math.max(1, roundHalfToEven(side * share));
  return trained.map((s, k) =>
    k === trained.length - 1
      ? { width, height }
      : { width: at(s.width, width / finest.width), height: at(s.height, height / finest.height) },
  );
}

/**
 * A random picture of any size. The scales below `startScale` keep the noise of the reconstruction, and with it the photo's layout. That
 * noise exists at the trained size only; photoPath() is for other sizes. Throws OptionError.
 */
export function samplePath(
  model: Model,
  { size, startScale = 0 }: { readonly size?: Size; readonly startScale?: number } = {},
): Path {
  requireScale(model, startScale, 0);
  const sizes = sizesFor(model, size);
  if (startScale > 0 && !isSameSize(sizes.at(-1)!, trainedSize(model)))
    throw new OptionError(
      "the reconstruction's noise exists at the trained size only: at another size start from the photo itself, or at scale 0",
    );
  return { stages: stagesOf(sizes, 0, startScale), start: null, factor: model.scaleFactor };
}

/** The stages of the scales from `first` on; their noise is random from scale `random` on. */
const stagesOf = (sizes: readonly Size[], first: number, random: number): Stage[] =>
  sizes.slice(first).map((size, i) => {
    const scale = first + i;
    return scale < random
      ? { scale, size, noise: "star", statistics: "reconstruction", grey: scale === 0 }
      : { scale, size, noise: "random", statistics: "random", grey: scale === 0 };
  });

/** The picture that the model makes from z* alone: its memory of the photo. */
export function reconstructionPath(model: Model): Path {
  const sizes = sizesFor(model);
  return { stages: stagesOf(sizes, 0, sizes.length), start: null, factor: model.scaleFactor };
}

/**
 * A picture is injected at a scale, as painting, editing and harmonization do. It is resized to the photo's size (or `size`), reduced to
 * the scale before `startScale` and enlarged to `startScale`; all noise from there on is random. Throws OptionError unless
 * 1 ≤ startScale ≤ last.
 */
export function injectionPath(model: Model, picture: Planes, startScale: number, size?: Size): Path {
  requireScale(model, startScale, 1);
  const sizes = sizesFor(model, size);
  const steps = sizes.length - startScale;
  const reduced = imresize(fitted(picture, sizes.at(-1)!), model.scaleFactor ** steps, sizes[startScale - 1]!);
  const start = enlarge(reduced, model.scaleFactor, sizes[startScale]!, model.options.upsample);
  return { stages: stagesOf(sizes, startScale, startScale), start, factor: model.scaleFactor };
}

const fitted = (picture: Planes, size: Size): Planes => (isSameSize(picture, size) ? picture : imresizeTo(picture, size));

/** A picture that already has few colours is reduced to `startScale` directly, without the detour by the coarser scale. Throws as injectionPath(). */
export function quantizedPath(model: Model, picture: Planes, startScale: number): Path {
  requireScale(model, startScale, 1);
  const sizes = sizesFor(model);
  const steps = sizes.length - 1 - startScale;
  const whole = fitted(picture, sizes.at(-1)!);
  const start = steps === 0 ? whole : imresize(whole, model.scaleFactor ** steps, sizes[startScale]!);
  return { stages: stagesOf(sizes, startScale, startScale), start, factor: model.scaleFactor };
}

/** Injects the photo in place of the reconstruction: this keeps its layout below `startScale` at any size. Throws OptionError. */
export function photoPath(model: Model, { size, startScale }: { readonly size?: Size; readonly startScale: number }): Path {
  if (startScale === 0) return samplePath(model, size ? { size } : {});
  return injectionPath(model, model.photo, startScale, size);
}

/**
 * The path, on which the photo stays where the mask is set. The mask is of any size, the path's pictures must have the trained sizes. At coarse
 * scales a pixel stays where at least half of its area is set. Throws OptionError for another size, MaskError where all or nothing would stay.
 */
export function keepingPath(model: Model, path: Path, mask: Mask): Path {
  const sizes = sizesFor(model);
  if (path.stages.some(({ scale, size }) => !isSameSize(size, sizes[scale]!)))
    throw new OptionError("parts of the photo can be kept in pictures of the trained size only");
  const finest = maskOfSize(mask, sizes.at(-1)!).data;
  if (finest.every((set) => set === 0)) throw new MaskError("the mask is empty, so nothing of the photo would stay");
  if (finest.every((set) => set === 1)) throw new MaskError("the mask covers the whole picture, so nothing would change");
  const keep = path.stages.map(({ scale, size }): Kept => {
    const photo = photoAt(model, scale);
    const set = maskOfSize(mask, size).data;
    const by = (value: (i: number) => number): Planes => ({ ...size, data: photo.data.map((_, i) => value(i)) });
    return {
      kept: by((i) => (set[i % set.length] ? photo.data[i]! : 0)),
      changing: by((i) => 1 - set[i % set.length]!),
    };
  });
  return { ...path, keep };
}
