// What is measured: the scales of the paper's pyramid of a 250x188 photo, and values to compute with.

import { normals } from "../src/autodiff/philox.ts";
import type { Shape } from "../src/autodiff/tensor.ts";
import { channelsAt, DEFAULTS, type Size } from "../src/singan/model/config.ts";
import { pyramidSizes } from "../src/singan/model/pyramid.ts";

export const PHOTO: Size = { width: 250, height: 188 };
export const PYRAMID = pyramidSizes({ ...PHOTO, ...DEFAULTS });

export interface ScaleCase {
  readonly scale: number;
  readonly channels: number;
  readonly size: Size;
}

export const SCALES: readonly ScaleCase[] = PYRAMID.sizes.map((size, scale) => ({
  scale,
  channels: channelsAt(scale, DEFAULTS),
  size,
}));

export type Direction = "conv2d" | "conv2dInput" | "conv2dWeight";
export const DIRECTIONS: readonly Direction[] = ["conv2d", "conv2dInput", "conv2dWeight"];

/** A convolution between two hidden layers: x [1,c,h,w], w [c,c,3,3], g [1,c,h−2,w−2]; the shapes of all three directions. */
export interface ConvShapes {
  readonly x: Shape;
  readonly w: Shape;
  readonly g: Shape;
}
export const convShapes = ({ channels, size: { width, height } }: ScaleCase): ConvShapes => ({
  x: [1, channels, height, width],
  w: [channels, channels, 3, 3],
  g: [1, channels, height - 2, width - 2],
});
/** Floating-point operations of direct convolution, the same in every direction: 2 · 9 · c² · pixels of g. */
export const convFlops = ({ w, g }: ConvShapes): number => 2 * 9 * w[0]! * w[1]! * g[2]! * g[3]!;

export const describeScale = ({ channels, size: { width, height } }: ScaleCase): string => `${channels} ch, ${width}x${height}`;

/** `count` values of N(0,1); each `stream` has different ones. */
export const randomValues = (stream: number, count: number): Float32Array<ArrayBuffer> =>
  Float32Array.from(normals([0, 0, 0, 0], stream, count));

const norm = (values: Iterable<number>): number => Math.sqrt([...values].reduce((sum, v) => sum + v * v, 0));

/**
 * The largest ‖a−b‖/‖b‖ over pairs of results. ‖b‖ counts as at least a thousandth of the largest ‖b‖, because some gradients are 0 except
 * for rounding. Infinity where lengths differ; NaN where a value is NaN.
 */
export function difference(a: readonly ArrayLike<number>[], b: readonly Float32Array[]): number {
  if (a.length !== b.length || a.some((values, i) => values.length !== b[i]!.length)) return Number.POSITIVE_INFINITY;
  const sizes = b.map(norm);
  const least = Math.max(...sizes) / 1000;
  return Math.max(...b.map((values, i) => norm(values.map((v, k) => v - a[i]![k]!)) / Math.max(sizes[i]!, least)));
}
