// Painting, editing, harmonization and retraining on a tiny model, as plain JSON out: the same in Node and in a page.

import type { Gpu } from "../src/gpu/device.ts";
import { type Mask, maskOfDifference } from "../src/image/mask.ts";
import { type Planes, toRgb8 } from "../src/image/planes.ts";
import { blendInto, composite, paint, photoOf, softMask } from "../src/singan/generation/applications/inject.ts";
import { quantizedPath } from "../src/singan/generation/path.ts";
import { Sampler } from "../src/singan/generation/singan-sampler.ts";
import type { Model } from "../src/singan/model/model.ts";
import { paletteOf, quantized } from "../src/singan/model/palette.ts";
import { retrainQuantized } from "../src/singan/recipes.ts";
import { hash, TINY, tinyPhoto, trainAll } from "./tiny-training.ts";

export interface Injected {
  readonly sizes: string[];
  readonly hashes: number[];
  /** Pixels with a mask of 0, and how many of them are the photo's to the last bit, 8-bit and float. */
  readonly outside: readonly [pixels: number, same: number];
}

/** What is edited: a bright square in the corner of the photo. */
export function edited(model: Model): Planes {
  const photo = photoOf(model);
  const { width, height } = photo;
  const isInside = (i: number) => i % width > width - 7 && Math.floor(i / width) % height > height - 6;
  return { ...photo, data: photo.data.map((v, i) => (isInside(i) ? 0.9 : v)) };
}

export async function inject(gpu: Gpu, model: Model): Promise<Injected> {
  const sampler = await Sampler.load(gpu, model);
  const seed = { seed: 9 };
  const painted = await paint(sampler, tinyPhoto(50, 30), 1, seed);
  const picture = edited(model);
  const mask = softMask(model, maskOfDifference(picture, photoOf(model)), "harmonize");
  const { whole, blended } = await blendInto(sampler, picture, mask, 1, seed);
  const alpha: Mask = { width: 31, height: 24, data: Float32Array.from({ length: 31 * 24 }, (_, p) => Number(p % 31 > 20)) };
  const composed = composite(model, tinyPhoto(), alpha);
  await sampler.dispose();

  const palette = paletteOf(photoOf(model), Uint32Array.of(1, 2, 3, 4));
  const training = retrainQuantized(gpu, model, 1, palette);
  let step = await training.next();
  while (!step.done) step = await training.next();
  const retrained = await Sampler.load(gpu, step.value);
  const few = await retrained.draw(quantizedPath(step.value, quantized(tinyPhoto(50, 30), palette), 1), seed);
  await retrained.dispose();

  const pictures = [painted, whole, blended, composed, few];
  return {
    sizes: pictures.map(({ width, height }) => `${width}x${height}`),
    hashes: hashes(pictures),
    outside: outside(model, mask, blended),
  };
}

const hashes = (pictures: readonly Planes[]): number[] => pictures.map(({ data }) => hash([data]));

function outside(model: Model, mask: Mask, blended: Planes): [number, number] {
  const photo = photoOf(model);
  const [rgb, got] = [toRgb8(photo).data, toRgb8(blended).data];
  const area = mask.data.length;
  const still = [...mask.data.keys()].filter((p) => mask.data[p] === 0);
  const isSame = (p: number) =>
    [0, 1, 2].every((c) => Object.is(photo.data[c * area + p], blended.data[c * area + p]) && rgb[3 * p + c] === got[3 * p + c]);
  return [still.length, still.filter(isSame).length];
}

/** On a model of its own. */
export async function injectTiny(gpu: Gpu): Promise<Injected> {
  return inject(gpu, await trainAll(gpu, tinyPhoto(), TINY));
}
