// Where a graph's random numbers come from, and the keys they are drawn with.

import { normal, uniform } from "../../autodiff/ops/random.ts";
import { axisBroadcast } from "../../autodiff/ops/reduce.ts";
import type { Shape, Tensor } from "../../autodiff/tensor.ts";
import { imageShape, type Size } from "../model/config.ts";
import { stageNoiseShape } from "../model/consingan-models.ts";
import { greyShape } from "../model/shapes.ts";

/** Draws by name: the GPU's generator, or in tests recorded values. */
export interface NoiseSource {
  normal(name: string, shape: Shape): Tensor;
  uniform(name: string, shape: Shape): Tensor;
}

/** What a key is used for: the third word (the first is the seed); the fourth counts steps or samples. */
export const PURPOSE = {
  training: 0,
  initialG: 1 << 16,
  initialD: 2 << 16,
  zStar: 3 << 16,
  sample: 4 << 16,
  statistics: 5 << 16,
  preview: 6 << 16,
  animation: 7 << 16,
  palette: 8 << 16,
};

/** The [4] key of random.wgsl: (seed, 0, purpose + scale, step). */
export function randomKey(seed: number, purpose: number, scale: number, step = 0): Uint32Array {
  return Uint32Array.of(seed, 0, purpose + scale, step);
}

/** Draws on the GPU from `key`; every draw of a graph is a stream of its own, in the order of the calls. */
export function gpuNoise(key: Tensor): NoiseSource {
  let stream = 0;
  return {
    normal: (_, shape) => normal(key, shape, stream++),
    uniform: (_, shape) => uniform(key, shape, stream++),
  };
}

/** Noise of this size for `samples` pictures: one channel for all colours at the coarsest scale, three channels elsewhere. */
export function drawNoise(noise: NoiseSource, name: string, scale: number, size: Size, samples = 1): Tensor {
  const draw = (shape: Shape) => noise.normal(name, [samples, ...shape.slice(1)]);
  return scale === 0 ? grey(draw(greyShape(size))) : draw(imageShape(size));
}

/** One channel repeated for all three colours. */
export const grey = (z: Tensor): Tensor => axisBroadcast(z, 1, 3);

/** Noise amplitudes are [1,3] tensors, so that a program does not depend on their value. */
export const AMP_SHAPE: Shape = [1, 3];
export const ampValues = (noiseAmp: number): Float32Array => new Float32Array(3).fill(noiseAmp);

/** Noise for every stage, each a draw of its own. */
export const stageNoise = (source: NoiseSource, sizes: readonly Size[], channels: number): Tensor[] =>
  sizes.map((size, k) => source.normal(`noise.${k}`, stageNoiseShape(k, size, channels)));

/** The key of the reconstruction's noise: drawn by stageNoise, but for the coarsest stage, which has the coarsest picture in its place. */
export const fixedNoiseKey = (seed: number): Uint32Array => randomKey(seed, PURPOSE.zStar, 0);
