// Initial weights as in the official code: convolutions N(0, 0.02²), γ N(1, 0.02²), β 0, biases uniform in ±1/√fan_in.

import { normals, uniforms } from "../autodiff/philox.ts";
import { type Shape, sizeOf } from "../autodiff/tensor.ts";

const STD = 0.02;

/** Values for every parameter, a pure function of the key (seed low, seed high, a, b). The k-th parameter uses random stream k. */
export function initialWeights(shapes: ReadonlyMap<string, Shape>, key: ArrayLike<number>): Map<string, Float32Array> {
  return new Map([...shapes].map(([name, shape], stream) => [name, Float32Array.from(draw(name, shape, key, stream, shapes))]));
}

function draw(
  name: string,
  shape: Shape,
  key: ArrayLike<number>,
  stream: number,
  shapes: ReadonlyMap<string, Shape>,
): Float64Array {
  const count = sizeOf(shape);
  if (name.endsWith("norm.weight")) return normals(key, stream, count).map((v) => 1 + STD * v);
  if (name.endsWith("norm.bias")) return new Float64Array(count);
  if (name.endsWith(".weight")) return normals(key, stream, count).map((v) => STD * v);
  const [, fanIn, kh, kw] = shapes.get(name.replace(/bias$/, "weight")) as readonly [number, number, number, number];
  const bound = 1 / Math.sqrt(fanIn * kh * kw);
  return uniforms(key, stream, count).map((v) => bound * (2 * v - 1));
}
