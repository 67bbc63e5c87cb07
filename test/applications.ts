// Super-resolution and an animation of a tiny model, as plain numbers: the same in Node and in a page.

import type { Gpu } from "../src/gpu/device.ts";
import { animate } from "../src/singan/applications/animation.ts";
import { srOptions, srPath } from "../src/singan/applications/super-resolution.ts";
import { Sampler } from "../src/singan/generate.ts";
import type { Model } from "../src/singan/model.ts";
import { hash, TINY, tinyPhoto, trainAll } from "./tiny-training.ts";

/** Trained for super-resolution and, with noise up to the borders, for animation too. */
export const tinySrModel = (gpu: Gpu): Promise<Model> =>
  trainAll(gpu, tinyPhoto(), { ...TINY, ...srOptions(2), minSize: 16, noisePadding: true });

export interface ApplicationPrints {
  readonly enlarged: number;
  readonly frames: readonly number[];
}

export async function applicationPrints(gpu: Gpu): Promise<ApplicationPrints> {
  const sampler = await Sampler.load(gpu, await tinySrModel(gpu));
  const enlarged = hash([(await sampler.draw(srPath(sampler.model, 2), { seed: 1 })).data]);
  const frames: number[] = [];
  for await (const { data } of animate(sampler, { frames: 3, seed: 2, loop: true })) frames.push(hash([data]));
  await sampler.dispose();
  return { enlarged, frames };
}
