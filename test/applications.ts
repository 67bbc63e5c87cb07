// Hashes of pictures of tiny models, as plain numbers, so that Node and a page can be compared: an enlargement, an animation, tiles, ConSinGAN.

import type { Gpu } from "../src/gpu/device.ts";
import { animate } from "../src/singan/generation/applications/animation.ts";
import { srOptions, srPath } from "../src/singan/generation/applications/super-resolution.ts";
import { samplePath } from "../src/singan/generation/path.ts";
import { SinganSampler } from "../src/singan/generation/singan-sampler.ts";
import type { Model } from "../src/singan/model/model.ts";
import { openSampler } from "../src/singan/recipes.ts";
import { hash, TINY, tinyPhoto, trainAll, trainAny } from "./tiny-training.ts";

/** Options for a model that can do super-resolution and, with noise up to the borders, animation. */
export const tinySrModel = (gpu: Gpu): Promise<Model> =>
  trainAll(gpu, tinyPhoto(), { ...TINY, ...srOptions(2), minSize: 16, noisePadding: true });

export interface ApplicationPrints {
  readonly enlarged: number;
  readonly frames: readonly number[];
  /** A picture of another size, made as a whole and in tiles. */
  readonly wide: readonly [whole: number, tiled: number];
  readonly consingan: number;
}

const WIDE = { width: 61, height: 33 };
/** A limit that makes tiles of 16 px for models with 4 channels. */
const TILE_BYTES = 4 * 4 * (16 + 8) ** 2;

export async function applicationPrints(gpu: Gpu): Promise<ApplicationPrints> {
  const sampler = await SinganSampler.load(gpu, await tinySrModel(gpu));
  const enlarged = hash([(await sampler.render(srPath(sampler.model, 2), { seed: 1 })).data]);
  const frames: number[] = [];
  for await (const { data } of animate(sampler, { frames: 3, seed: 2, loop: true })) frames.push(hash([data]));
  const path = samplePath(sampler.model, { size: WIDE });
  const tiled = await SinganSampler.load(gpu, sampler.model, TILE_BYTES);
  const print = async (by: SinganSampler) => hash([(await by.render(path, { seed: 3 })).data]);
  const wide = [await print(sampler), await print(tiled)] as const;
  await sampler.dispose();
  await tiled.dispose();
  return { enlarged, frames, wide, consingan: await consinganPrint(gpu) };
}

async function consinganPrint(gpu: Gpu): Promise<number> {
  const { maxSize, minSize, iterations, seed } = { ...TINY, iterations: 2 } as Required<typeof TINY>;
  const options = { recipe: "consingan" as const, stages: 2, channels: 4, maxSize, minSize, iterations, seed };
  const sampler = await openSampler(gpu, await trainAny(gpu, tinyPhoto(), options));
  const { data } = await sampler.sample({ seed: 4, size: WIDE });
  await sampler.dispose();
  return hash([data]);
}
