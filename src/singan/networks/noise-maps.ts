// The noise that enters the generators, as tensors: its draws and its amplitude. Its shapes are in model/shapes.ts.

import { axisBroadcast } from "../../autodiff/ops/reduce.ts";
import type { Shape, Tensor } from "../../autodiff/tensor.ts";
import { imageShape, type Size } from "../model/config.ts";
import { greyShape } from "../model/shapes.ts";
import type { NoiseSource } from "./noise.ts";

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
