// Where a graph's random numbers come from, and the keys they are drawn with.

import { normal, uniform } from "../../autodiff/ops/random.ts";
import { axisBroadcast } from "../../autodiff/ops/reduce.ts";
import type { Shape, Tensor } from "../../autodiff/tensor.ts";
import { type ImageChannels, imageShape, type Size } from "../model/config.ts";
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

/** Noise of this size for `samples` pictures: one channel for all colours at the coarsest scale, one for each elsewhere. */
export function drawNoise(noise: NoiseSource, name: string, { scale, size, image, samples = 1 }: NoiseDraw): Tensor {
  const draw = (shape: Shape) => noise.normal(name, [samples, ...shape.slice(1)]);
  return scale === 0 ? grey(draw(greyShape(size)), image) : draw(imageShape(size, image));
}

interface NoiseDraw {
  readonly scale: number;
  readonly size: Size;
  readonly image: ImageChannels;
  readonly samples?: number;
}

/** One channel repeated for all channels of a picture. */
export const grey = (z: Tensor, { imageChannels }: ImageChannels): Tensor => axisBroadcast(z, 1, imageChannels);

/** Noise amplitudes are [1,c] tensors, so that a program does not depend on their value. */
export const ampShape = ({ imageChannels }: ImageChannels): Shape => [1, imageChannels];
export const ampValues = (noiseAmp: number, { imageChannels }: ImageChannels): Float32Array =>
  new Float32Array(imageChannels).fill(noiseAmp);

/** Noise for every stage, each a draw of its own. */
export const stageNoise = (source: NoiseSource, sizes: readonly Size[], channels: number): Tensor[] =>
  sizes.map((size, k) => source.normal(`noise.${k}`, stageNoiseShape(k, size, channels)));

/** The key of the reconstruction's noise: drawn by stageNoise, but for the coarsest stage, which has the coarsest picture in its place. */
export const fixedNoiseKey = (seed: number): Uint32Array => randomKey(seed, PURPOSE.zStar, 0);
