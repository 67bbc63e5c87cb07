// The convolution family: the three contractions of ⟨g, x∗w⟩, closed under differentiation.
// NCHW images, OIHW weights, 3x3, valid, stride 1, cross-correlation as in PyTorch. After jax-js `convolution.ts`.

import { apply, example, type None, type Op, requireShape, type Shape, type Tensor } from "../tensor.ts";
import { channelSum } from "./channel.ts";

const KERNEL = 3;

function check(name: string, x: Shape, w: Shape, g: Shape): void {
  const fits =
    x.length === 4 &&
    w.length === 4 &&
    g.length === 4 &&
    w[2] === KERNEL &&
    w[3] === KERNEL &&
    x[0] === g[0] &&
    x[1] === w[1] &&
    g[1] === w[0];
  requireShape(
    fits && g[2] === x[2]! - KERNEL + 1 && g[3] === x[3]! - KERNEL + 1 && g[2]! > 0 && g[3]! > 0,
    `${name}: image [${x}], weights [${w}] and result [${g}] do not fit (3x3, valid)`,
  );
}
const grow = (n: number) => n + KERNEL - 1;
const shrink = (n: number) => n - KERNEL + 1;

/** y[n,o,i,j] = b[o] + Σ_{c,u,v} x[n,c,i+u,j+v] · w[o,c,u,v]; the bias b [1,o] is optional. */
export const conv2d = (x: Tensor, w: Tensor, b?: Tensor): Tensor => apply(conv2dOp, b ? [x, w, b] : [x, w], {});
export const conv2dOp: Op<None> = {
  name: "conv2d",
  shape: ([x, w, b]) => {
    const y = [x![0]!, w![0]!, shrink(x![2]!), shrink(x![3]!)];
    check("conv2d", x!, w!, y);
    requireShape(!b || (b.length === 2 && b[0] === 1 && b[1] === w![0]), `conv2d: bias [${b}] does not fit weights [${w}]`);
    return y;
  },
  vjp: (g, { inputs }) => convolutionVjp(g, inputs),
  examples: [
    example({}, [1, 3, 8, 9], [4, 3, 3, 3]),
    example({}, [2, 5, 17, 16], [1, 5, 3, 3], [1, 1]),
    example({}, [1, 1, 3, 3], [1, 1, 3, 3]),
    example({}, [1, 9, 7, 6], [10, 9, 3, 3], [1, 10]),
  ],
};

/** Cotangents of image, weights and bias for the cotangent g of the sum x∗w + b. */
export const convolutionVjp = (g: Tensor, [x, w, b]: readonly Tensor[]): Tensor[] => [
  conv2dInput(g, w!),
  conv2dWeight(x!, g),
  ...(b ? [channelSum(g, 1)] : []),
];

/** Input gradient: x[n,c,i,j] = Σ_{o,u,v} g[n,o,i−u,j−v] · w[o,c,u,v] (g is 0 outside). */
export const conv2dInput = (g: Tensor, w: Tensor): Tensor => apply(conv2dInputOp, [g, w], {});
export const conv2dInputOp: Op<None> = {
  name: "conv2dInput",
  shape: ([g, w]) => {
    const x = [g![0]!, w![1]!, grow(g![2]!), grow(g![3]!)];
    check("conv2dInput", x, w!, g!);
    return x;
  },
  vjp: (gx, { inputs: [g, w] }) => [conv2d(gx, w!), conv2dWeight(gx, g!)],
  examples: [
    example({}, [1, 4, 6, 7], [4, 3, 3, 3]),
    example({}, [2, 1, 15, 14], [1, 5, 3, 3]),
    example({}, [1, 1, 1, 1], [1, 1, 3, 3]),
    example({}, [1, 10, 5, 6], [10, 9, 3, 3]),
  ],
};

/** Weight gradient: w[o,c,u,v] = Σ_{n,i,j} g[n,o,i,j] · x[n,c,i+u,j+v]. */
export const conv2dWeight = (x: Tensor, g: Tensor): Tensor => apply(conv2dWeightOp, [x, g], {});
export const conv2dWeightOp: Op<None> = {
  name: "conv2dWeight",
  shape: ([x, g]) => {
    const w = [g![1]!, x![1]!, KERNEL, KERNEL];
    check("conv2dWeight", x!, w, g!);
    return w;
  },
  vjp: (gw, { inputs: [x, g] }) => [conv2dInput(g!, gw), conv2d(x!, gw)],
  examples: [
    example({}, [1, 3, 8, 9], [1, 4, 6, 7]),
    example({}, [2, 5, 17, 16], [2, 1, 15, 14]),
    example({}, [1, 1, 3, 3], [1, 1, 1, 1]),
    example({}, [1, 9, 7, 6], [1, 10, 5, 4]),
  ],
};
