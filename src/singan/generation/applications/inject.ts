// Painting, editing and harmonization: a picture enters a model at a scale, and comes out with the photo's texture.
// Official code: paint2image.py, editing.py, harmonization.py. What differs is named at each function.

import { blend, type Mask, soften } from "../../../image/mask.ts";
import type { Planes } from "../../../image/planes.ts";
import { ceilSize, imresize, imresizeTo, isSameSize, type Size } from "../../../image/resample.ts";
import { type Model, photoAt } from "../../model/model.ts";
import { injectionPath, sizesFor } from "../path.ts";
import type { DrawOptions, Sampler } from "../singan-sampler.ts";

/** Radius of the disk that widens a mask, px of a 250 px picture. */
export const DILATION = { edit: 20, harmonize: 7 } as const;

/** The photo at the finest trained scale: what masks and blends refer to. */
export const photoOf = (model: Model): Planes => photoAt(model, model.scales.length - 1);

/**
 * A picture in the photo's size. One that was made from the whole photo is reduced as the training reduced that, so that what was not
 * changed comes out the same; another is stretched to fit (the official code does so by its width alone).
 */
export function toPhotoSize(model: Model, picture: Planes): Planes {
  const { width, height } = photoOf(model);
  if (isSameSize(picture, { width, height })) return picture;
  const scale = Math.min(model.options.maxSize / Math.max(picture.width, picture.height), 1);
  const isWhole = ceilSize(picture.width * scale) === width && ceilSize(picture.height * scale) === height;
  return isWhole ? imresize(picture, scale, { size: { width, height } }) : imresizeTo(picture, { width, height });
}

/** Whether a picture's shape is so far from another's that fitting it shows: by more than 2 %, and more than rounding to pixels does. */
export function isStretched(a: Size, b: Size): boolean {
  const rounding = 1 / Math.min(a.width, a.height, b.width, b.height);
  return Math.abs(Math.log((a.width * b.height) / (a.height * b.width))) > Math.max(0.02, rounding);
}

/** A mask in the photo's size: resized, then set again where it is at least half. */
export function maskToPhotoSize(model: Model, mask: Mask): Mask {
  const size = sizesFor(model).at(-1)!;
  if (isSameSize(mask, size)) return mask;
  return { ...size, data: resizedPlane(mask, size).map((v) => Number(v >= 0.5)) };
}

function resizedPlane({ width, height, data }: Mask, size: Size): Float32Array {
  const planes = {
    width,
    height,
    data: Float32Array.from({ length: 3 * data.length }, (_, i) => 2 * data[i % data.length]! - 1),
  };
  return imresizeTo(planes, size)
    .data.slice(0, size.width * size.height)
    .map((v) => (v + 1) / 2);
}

/**
 * An object with transparency put on the photo, both in the photo's size: a·object + (1−a)·photo. (The official code drops alpha and shows
 * whatever colour lies under it.) `alpha` is in [0,1].
 */
export function composite(model: Model, object: Planes, alpha: Mask): Planes {
  const photo = photoOf(model);
  const area = alpha.width * alpha.height;
  // Colours are weighted before resizing: those under full transparency must not bleed in.
  const weighted = { ...object, data: object.data.map((v, i) => v * alpha.data[i % area]!) };
  const [colours, share] = [toPhotoSize(model, weighted), resizedPlane(alpha, photo)];
  const n = share.length;
  const data = photo.data.map((v, i) => Math.min(Math.max(colours.data[i]! + (1 - share[i % n]!) * v, -1), 1));
  return { width: photo.width, height: photo.height, data };
}

/** What the model makes of a picture injected at `startScale`: painting to image. Throws OptionError for a scale it can't start at. */
export function paint(sampler: Sampler, picture: Planes, startScale: number, options: DrawOptions): Promise<Planes> {
  return sampler.draw(injectionPath(sampler.model, toPhotoSize(sampler.model, picture), startScale), options);
}

export interface Blended {
  /** All of it as the model makes it. */
  readonly whole: Planes;
  /** The photo outside the mask, to the last bit, and `whole` inside. */
  readonly blended: Planes;
}

/**
 * An edited or composed picture through the model, blended into the photo by a soft mask (of `softMask`). Throws OptionError for a scale
 * it can't start at.
 */
export async function blendInto(
  sampler: Sampler,
  picture: Planes,
  mask: Mask,
  startScale: number,
  options: DrawOptions,
): Promise<Blended> {
  const whole = await paint(sampler, picture, startScale, options);
  return { whole, blended: blend(photoOf(sampler.model), whole, mask) };
}

/** The soft mask of an edit or a harmonization, from a mask of any size. Throws MaskError where it is empty or full. */
export const softMask = (model: Model, mask: Mask, kind: keyof typeof DILATION): Mask =>
  soften(maskToPhotoSize(model, mask), DILATION[kind]);
