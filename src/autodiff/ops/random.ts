// Counter-based random numbers: a value is a pure function of (seed, stream, step, index), so any step can be made again alone.
// Philox4x32-10, Salmon et al. 2011; normals by Box & Muller 1958. The key is a [4] tensor of u32 bits: seed low, seed high, a, b.

import { apply, type Example, type Op, requireShape, type Shape, type Tensor } from "../tensor.ts";
import { crop2d } from "./spatial.ts";

type Draw = { readonly shape: Shape; readonly stream: number };

function drawn(name: string) {
  return ([key]: readonly Shape[], { shape }: Draw): Shape => {
    requireShape(key!.length === 1 && key![0] === 4, `${name}: the key must be [4], not [${key}]`);
    return shape;
  };
}
const examples: readonly Example<Draw>[] = [
  { inputs: [[4]], attrs: { shape: [2, 3, 5, 7], stream: 3 }, domain: "bits" },
  { inputs: [[4]], attrs: { shape: [1], stream: 0 }, domain: "bits" },
];

/** U[0,1) in steps of 2⁻²⁴. */
export const uniform = (key: Tensor, shape: Shape, stream: number): Tensor => apply(uniformOp, [key], { shape, stream });
export const uniformOp: Op<Draw> = { name: "uniform", shape: drawn("uniform"), vjp: () => [null], examples };

/** N(0,1). */
export const normal = (key: Tensor, shape: Shape, stream: number): Tensor => apply(normalOp, [key], { shape, stream });
export const normalOp: Op<Draw> = { name: "normal", shape: drawn("normal"), vjp: () => [null], examples };

/** `shape` is [1,c,h,w]; `size` is that of the draw that it is cut from. */
type WindowDraw = Draw & { readonly size: readonly [h: number, w: number]; readonly top: number; readonly left: number };

/** A window of normal(key, [1,c,…size], stream), without drawing the rest: what a tile of a large picture needs. */
export const normalWindow = (key: Tensor, draw: WindowDraw): Tensor => apply(normalWindowOp, [key], draw);
export const normalWindowOp: Op<WindowDraw> = {
  name: "normalWindow",
  shape: ([key], { shape, size: [height, width], top, left }) => {
    const [n, , h, w] = shape as [number, number, number, number];
    const fits = n === 1 && top >= 0 && left >= 0 && top + h <= height && left + w <= width;
    requireShape(
      key!.length === 1 && key![0] === 4 && fits,
      `normalWindow: [${shape}] at ${left},${top} sticks out of ${width}x${height}`,
    );
    return shape;
  },
  vjp: () => [null],
  composed: ([key], { shape, stream, size: [height, width], top, left }) => {
    const [, c, h, w] = shape as [number, number, number, number];
    return crop2d(normal(key!, [1, c, height, width], stream), {
      top,
      left,
      bottom: height - top - h,
      right: width - left - w,
    });
  },
  examples: [
    { inputs: [[4]], attrs: { shape: [1, 3, 4, 5], stream: 2, size: [9, 7], top: 3, left: 1 }, domain: "bits" },
    { inputs: [[4]], attrs: { shape: [1, 1, 6, 5], stream: 0, size: [6, 5], top: 0, left: 0 }, domain: "bits" },
  ],
};
