// Values in place of a photo and of what coarser levels have learnt: noise to time what a training costs, zeros to compile it or to count
// the memory that it takes.

import { normals } from "../../autodiff/philox.ts";
import { type Shape, sizeOf } from "../../autodiff/tensor.ts";
import type { Planes } from "../../image/planes.ts";
import { initialWeights } from "../../nn/init.ts";
import type { Size } from "../model/config.ts";

export interface ValueSource {
  weights(shapes: ReadonlyMap<string, Shape>, key: ArrayLike<number>): Map<string, Float32Array>;
  /** Values of a picture or of z*. */
  draw(stream: number, count: number): Float32Array;
}

export const NOISE: ValueSource = {
  weights: initialWeights,
  draw: (stream, count) => Float32Array.from(normals([0, 0, 0, 0], stream, count)),
};

/** Takes next to no time, so that a training can go on meanwhile. */
export const ZEROS: ValueSource = {
  weights: (shapes) => new Map([...shapes].map(([name, shape]) => [name, new Float32Array(sizeOf(shape))])),
  draw: (_, count) => new Float32Array(count),
};

/** A noise amplitude of the size that trainings have. */
export const NOISE_AMP = 0.05;

export const NO_LOSSES = { dReal: 0, dFake: 0, gradientPenalty: 0, gAdversarial: 0, reconstruction: 0 };

export const madeUpPicture = (size: Size, stream: number, values: ValueSource): Planes => ({
  ...size,
  data: values.draw(stream, 3 * size.width * size.height).map((v) => Math.max(-1, Math.min(1, v / 2))),
});
