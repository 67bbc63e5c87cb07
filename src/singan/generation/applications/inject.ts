// Painting, editing and harmonization: a picture is injected into a model at a scale and comes out with the photo's texture.
// Official code: paint2image.py, editing.py, harmonization.py. Each function names its differences.

import { blend, type Mask, maskOfSize, resizedMask, soften } from "../../../image/mask.ts";
import { inChannels, isSameSize, type Planes, type Size } from "../../../image/planes.ts";
import { ceilSize, imresize, imresizeTo } from "../../../image/resample.ts";
import { OptionError } from "../../model/config.ts";
import { type Model, photoAt } from "../../model/model.ts";
import { injectionPath, sizesFor } from "../path.ts";
import type { RenderOptions, SinganSampler } from "../singan-sampler.ts";

/** Radius of the disk that widens a mask, in px of a picture whose longest side is 250 px. */
export const DILATION = { edit: 20, harmonize: 7 } as const;

/** The photo at the finest trained scale. Masks and blends refer to it. */
export const photoOf = (model: Model): Planes => photoAt(model, model.scales.length - 1);

/** The picture in the model's channels. Throws OptionError where the model has alpha, which a picture that is injected has not. */
function inChannelsOf({ options: { imageChannels } }: Model, picture: Planes): Planes {
  if (imageChannels === 4)
    throw new OptionError("the model was trained with transparency, so pictures can't be injected into it");
  return inChannels(picture, imageChannels === 1 ? 1 : 3);
}

/**
 * Resizes a picture to the photo's size, in the model's channels. A picture with the size of the original photo is reduced as the training reduced that one, so
 * that its unchanged parts stay equal. Any other is stretched to fit (the official code looks at its width only). Throws OptionError for a model with alpha.
 */
export function toPhotoSize(model: Model, given: Planes): Planes {
  const picture = inChannelsOf(model, given);
  const { width, height } = photoOf(model);
  if (isSameSize(picture, { width, height })) return picture;
  const scale = Math.min(model.options.maxSize / Math.max(picture.width, picture.height), 1);
  const isWhole = ceilSize(picture.width * scale) === width && ceilSize(picture.height * scale) === height;
  return isWhole ? imresize(picture, scale, { width, height }) : imresizeTo(picture, { width, height });
}

/**
 * Whether fitting one picture to the other's size stretches it visibly: by more than 2 %, and by more than rounding to pixels does. One side
 * of the smaller picture can be rounded up by nearly a pixel while the other one is exact.
 */
export function isStretched(a: Size, b: Size): boolean {
  const shortest = Math.min(a.width, a.height, b.width, b.height);
  const rounding = 1 / Math.max(1, shortest - 1);
  return Math.abs(Math.log((a.width * b.height) / (a.height * b.width))) > Math.max(0.02, rounding);
}

/** Resizes a mask to the photo's size; it is 1 where the resized value is at least half, else 0. */
export const maskToPhotoSize = (model: Model, mask: Mask): Mask => maskOfSize(mask, sizesFor(model).at(-1)!);

/**
 * Puts an object with transparency on the photo, both in the photo's size: a·object + (1−a)·photo with `alpha` a in [0,1]. (The official
 * code ignores the transparency and shows the colour that is stored under it.)
 */
export function composite(model: Model, given: Planes, alpha: Mask): Planes {
  const object = inChannelsOf(model, given);
  const photo = photoOf(model);
  const area = alpha.width * alpha.height;
  // The colours are weighted before the resize, so that a colour under full transparency has no influence on its neighbours.
  const weighted = { ...object, data: object.data.map((v, i) => v * alpha.data[i % area]!) };
  const [colours, share] = [toPhotoSize(model, weighted), resizedMask(alpha, photo)];
  const n = share.length;
  const data = photo.data.map((v, i) => Math.min(Math.max(colours.data[i]! + (1 - share[i % n]!) * v, -1), 1));
  return { width: photo.width, height: photo.height, data };
}

/** Paint to image: renders a picture injected at `startScale`. Throws OptionError unless 1 ≤ startScale ≤ last. */
export function paint(sampler: SinganSampler, picture: Planes, startScale: number, options: RenderOptions): Promise<Planes> {
  return sampler.render(injectionPath(sampler.model, toPhotoSize(sampler.model, picture), startScale), options);
}

export interface Blended {
  /** The whole picture as the model renders it. */
  readonly whole: Planes;
  /** `whole` inside the mask, and the photo, to the last bit, outside. */
  readonly blended: Planes;
}

/**
 * Renders an edited or composed picture injected at `startScale` and blends it into the photo by a soft mask (see softMask()). Throws
 * OptionError unless 1 ≤ startScale ≤ last.
 */
export async function blendInto(
  sampler: SinganSampler,
  picture: Planes,
  mask: Mask,
  startScale: number,
  options: RenderOptions,
): Promise<Blended> {
  const whole = await paint(sampler, picture, startScale, options);
  return { whole, blended: blend(photoOf(sampler.model), whole, mask) };
}

/** The soft mask of an edit or a harmonization, from a mask of any size. Throws MaskError where that is empty. */
export const softMask = (model: Model, mask: Mask, kind: keyof typeof DILATION): Mask =>
  soften(maskToPhotoSize(model, mask), DILATION[kind]);
