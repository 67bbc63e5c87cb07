// The noise of ConSinGAN's stages: random draws, and the noise of the reconstruction, which is a function of the seed.

import type { Tensor } from "../../autodiff/tensor.ts";
import type { Size } from "../model/config.ts";
import { stageNoiseShape } from "../model/consingan-shapes.ts";
import { type NoiseSource, PURPOSE, randomKey } from "./noise.ts";

/** Noise for every stage, each a draw of its own. */
export const stageNoise = (source: NoiseSource, sizes: readonly Size[], channels: number): Tensor[] =>
  sizes.map((size, k) => source.normal(`noise.${k}`, stageNoiseShape(k, size, channels)));

/** The key of the reconstruction's noise: drawn by stageNoise, but for the coarsest stage, which has the coarsest picture in its place. */
export const fixedNoiseKey = (seed: number): Uint32Array => randomKey(seed, PURPOSE.zStar, 0);
