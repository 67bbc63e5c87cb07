// Where a graph's random numbers come from, and the keys they are drawn with.

import { normal, uniform } from "../../autodiff/ops/random.ts";
import type { Shape, Tensor } from "../../autodiff/tensor.ts";

/** Draws by name: the GPU's generator, or in tests recorded values. */
export interface NoiseSource {
  normal(name: string, shape: Shape): Tensor;
  uniform(name: string, shape: Shape): Tensor;
}

/** What a key is used for: the third word, beside the seed; the fourth counts steps or samples. */
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
