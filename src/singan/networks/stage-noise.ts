// The noise of ConSinGAN's stages: random draws, and the noise of the reconstruction, which is a function of the seed.

import { leaf, type Tensor } from "../../autodiff/tensor.ts";
import type { Size } from "../model/config.ts";
import { stageNoiseShape } from "../model/consingan-shapes.ts";
import { gpuNoise, type NoiseSource, PURPOSE, randomKey } from "./noise.ts";

/** Noise for every stage, each a draw of its own. */
export const stageNoise = (source: NoiseSource, sizes: readonly Size[], channels: number): Tensor[] =>
  sizes.map((size, k) => source.normal(`noise.${k}`, stageNoiseShape(k, size, channels)));

/** The key of the reconstruction's noise; stage k draws stream k. */
export const fixedNoiseKey = (seed: number): Uint32Array => randomKey(seed, PURPOSE.zStar, 0);

/** The reconstruction's noise for every stage, in the shapes of `leaves`; the coarsest stage has the coarsest picture in its place. */
export function fixedNoise(key: Tensor, leaves: readonly Tensor[]): Tensor[] {
  const source = gpuNoise(key);
  return leaves.map((t) => source.normal(t.name, t.shape));
}

/** The inputs of the generator that do not change from picture to picture. */
export class StageLeaves {
  /** Amplitudes of the stages' noises, [1,c]. */
  readonly amps: readonly Tensor[];
  /** What the reconstruction is made from: the coarsest real picture, then noise drawn once. */
  readonly fixed: readonly Tensor[];

  constructor(sizes: readonly Size[], channels: number) {
    this.amps = sizes.map((_, k) => leaf(`amp.${k}`, [1, channels]));
    this.fixed = sizes.map((size, k) => leaf(k === 0 ? "coarsest" : `fixed.${k}`, stageNoiseShape(k, size, channels)));
  }
}
