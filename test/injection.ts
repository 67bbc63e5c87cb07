// Painting, editing, harmonization and retraining on a tiny model. Returns plain JSON, so that Node and a page can be compared.

import type { Gpu } from "../src/gpu/device.ts";
import { type Mask, maskOfDifference } from "../src/image/mask.ts";
import { type Planes, rmse, toRgb8 } from "../src/image/planes.ts";
import { blendInto, composite, paint, photoOf, softMask, toPhotoSize } from "../src/singan/generation/applications/inject.ts";
import { quantizedPath } from "../src/singan/generation/path.ts";
import { SinganSampler } from "../src/singan/generation/singan-sampler.ts";
import type { Model } from "../src/singan/model/model.ts";
import { paletteOf, quantized } from "../src/singan/model/palette.ts";
import { retrain } from "../src/singan/recipes.ts";
import { hash, TINY, tinyPhoto, trainAll } from "./tiny-training.ts";

export interface Injected {
  readonly sizes: string[];
  readonly hashes: number[];
  /** Pixels with a mask of 0, and how many of them equal the photo's to the last bit, 8-bit and float. */
  readonly outside: readonly [pixels: number, same: number];
  /** Pixels with a mask of 1, and how many of them equal the whole picture's likewise. */
  readonly inside: readonly [pixels: number, same: number];
  /** RMS distance of the painted picture to the painting and to the photo. */
  readonly painted: readonly [toPainting: number, toPhoto: number];
}

/** The photo with a bright square in its corner. */
export function edited(model: Model): Planes {
  const photo = photoOf(model);
  const { width, height } = photo;
  const isInside = (i: number) => i % width > width - 7 && Math.floor(i / width) % height > height - 6;
  return { ...photo, data: photo.data.map((v, i) => (isInside(i) ? 0.9 : v)) };
}

export async function inject(gpu: Gpu, model: Model): Promise<Injected> {
  const sampler = await SinganSampler.load(gpu, model);
  const seed = { seed: 9 };
  const painting = tinyPhoto(50, 30);
  const painted = await paint(sampler, painting, 1, seed);
  const picture = edited(model);
  const mask = softMask(model, maskOfDifference(picture, photoOf(model)), "harmonize");
  const { whole, blended } = await blendInto(sampler, picture, mask, 1, seed);
  const alpha: Mask = { width: 31, height: 24, data: Float32Array.from({ length: 31 * 24 }, (_, p) => Number(p % 31 > 20)) };
  const composed = composite(model, tinyPhoto(), alpha);
  await sampler.dispose();

  const palette = paletteOf(photoOf(model), Uint32Array.of(1, 2, 3, 4));
  const training = retrain(gpu, { model, scale: 1, palette });
  let step = await training.next();
  while (!step.done) step = await training.next();
  const retrained = await SinganSampler.load(gpu, step.value);
  const few = await retrained.render(quantizedPath(step.value, quantized(painting, palette), 1), seed);
  await retrained.dispose();

  const pictures = [painted, whole, blended, composed, few];
  return {
    sizes: pictures.map(({ width, height }) => `${width}x${height}`),
    hashes: hashes(pictures),
    outside: sameWhere(mask, 0, photoOf(model), blended),
    inside: sameWhere(mask, 1, whole, blended),
    painted: [rmse(painted, toPhotoSize(model, painting)), rmse(painted, photoOf(model))],
  };
}

const hashes = (pictures: readonly Planes[]): number[] => pictures.map(({ data }) => hash([data]));

function sameWhere(mask: Mask, value: number, want: Planes, got: Planes): [number, number] {
  const [wantRgb, gotRgb] = [toRgb8(want).data, toRgb8(got).data];
  const area = mask.data.length;
  const pixels = [...mask.data.keys()].filter((p) => mask.data[p] === value);
  const isSame = (p: number) =>
    [0, 1, 2].every(
      (c) => Object.is(want.data[c * area + p], got.data[c * area + p]) && wantRgb[3 * p + c] === gotRgb[3 * p + c],
    );
  return [pixels.length, pixels.filter(isSame).length];
}

/** inject() on a model that it trains. */
export async function injectTiny(gpu: Gpu): Promise<Injected> {
  return inject(gpu, await trainAll(gpu, tinyPhoto(), TINY));
}
