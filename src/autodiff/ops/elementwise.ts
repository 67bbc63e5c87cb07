// Elementwise ops, each derivative written in terms of the others.
// √ and 1/x follow PyTorch's norm at 0: the derivative of √ at 0 is taken as 0, hence 1/0 is 0 here.

import { apply, commonShape, example, type None, type Op, type Shape, type Tensor } from "../tensor.ts";

const same1 = ([a]: readonly Shape[]): Shape => a!;

const pairs = [example({}, [1], [1]), example({}, [2, 3, 5, 7], [2, 3, 5, 7])] as const;
const singles = [example({}, [1]), example({}, [2, 3, 5, 7])] as const;
const positives = singles.map((e) => ({ ...e, domain: "positive" as const }));

/** a + b. */
export const add = (a: Tensor, b: Tensor): Tensor => apply(addOp, [a, b], {});
export const addOp: Op<None> = {
  name: "add",
  shape: (inputs) => commonShape("add", inputs),
  vjp: (g) => [g, g],
  examples: pairs,
};

/** a · b. */
export const mul = (a: Tensor, b: Tensor): Tensor => apply(mulOp, [a, b], {});
export const mulOp: Op<None> = {
  name: "mul",
  shape: (inputs) => commonShape("mul", inputs),
  vjp: (g, { inputs: [a, b] }) => [mul(g, b!), mul(g, a!)],
  examples: pairs,
};

/** k·x + c with constants k and c. */
export const affine = (x: Tensor, k: number, c: number): Tensor => apply(affineOp, [x], { k, c });
export const scale = (x: Tensor, k: number): Tensor => affine(x, k, 0);
export const addScalar = (x: Tensor, c: number): Tensor => affine(x, 1, c);
export const sub = (a: Tensor, b: Tensor): Tensor => add(a, scale(b, -1));
export const affineOp: Op<{ k: number; c: number }> = {
  name: "affine",
  shape: same1,
  vjp: (g, { attrs: { k } }) => [scale(g, k)],
  examples: [example({ k: -1.5, c: 0.25 }, [2, 3, 5]), example({ k: 0, c: 2 }, [1])],
};

/** tanh x. */
export const tanh = (x: Tensor): Tensor => apply(tanhOp, [x], {});
export const tanhOp: Op<None> = {
  name: "tanh",
  shape: same1,
  vjp: (g, y) => [mul(g, affine(mul(y, y), -1, 1))],
  examples: singles,
};

/** √x for x ≥ 0, with derivative 0 at 0. */
export const sqrt = (x: Tensor): Tensor => apply(sqrtOp, [x], {});
export const sqrtOp: Op<None> = {
  name: "sqrt",
  shape: same1,
  vjp: (g, y) => [scale(mul(g, reciprocal(y)), 0.5)],
  examples: positives,
};

/** 1/x, and 0 at 0. */
export const reciprocal = (x: Tensor): Tensor => apply(reciprocalOp, [x], {});
export const reciprocalOp: Op<None> = {
  name: "reciprocal",
  shape: same1,
  vjp: (g, y) => [scale(mul(g, mul(y, y)), -1)],
  examples: positives,
};

/** min(max(x, lo), hi); derivative 1 inside, 0 outside. */
export const clamp = (x: Tensor, lo: number, hi: number): Tensor => apply(clampOp, [x], { lo, hi });
export const clampOp: Op<{ lo: number; hi: number }> = {
  name: "clamp",
  shape: same1,
  vjp: (g, { inputs: [x], attrs }) => [apply(clampMaskOp, [g, x!], attrs)],
  examples: [example({ lo: -0.5, hi: 0.75 }, [3, 4, 5])],
};

/** g where lo < x < hi, else 0: linear in g, locally constant in x. */
export const clampMaskOp: Op<{ lo: number; hi: number }> = {
  name: "clampMask",
  shape: (inputs) => commonShape("clampMask", inputs),
  vjp: (g, { inputs: [, x], attrs }) => [apply(clampMaskOp, [g, x!], attrs), null],
  examples: [example({ lo: -0.5, hi: 0.75 }, [3, 4, 5], [3, 4, 5])],
};

/** ⌊x⌋; derivative 0. Only the 8-bit path of the official test vectors needs it. */
export const floor = (x: Tensor): Tensor => apply(floorOp, [x], {});
export const floorOp: Op<None> = { name: "floor", shape: same1, vjp: () => [null], examples: singles };

/** g where x > 0, α·g elsewhere (x ≤ 0, as PyTorch): linear in g, locally constant in x. */
export const leakyReluMask = (g: Tensor, x: Tensor, alpha: number): Tensor => apply(leakyReluMaskOp, [g, x], { alpha });
/** LeakyReLU: x where x > 0, α·x elsewhere. Maas et al. 2013. */
export const leakyRelu = (x: Tensor, alpha: number): Tensor => leakyReluMask(x, x, alpha);
export const leakyReluMaskOp: Op<{ alpha: number }> = {
  name: "leakyReluMask",
  shape: (inputs) => commonShape("leakyReluMask", inputs),
  vjp: (g, { inputs: [, x], attrs: { alpha } }) => [leakyReluMask(g, x!, alpha), null],
  examples: [example({ alpha: 0.2 }, [1], [1]), example({ alpha: 0.2 }, [2, 3, 5, 7], [2, 3, 5, 7])],
};

/** A tensor of one constant. */
export const fill = (shape: Shape, value: number): Tensor => apply(fillOp, [], { shape, value });
export const ones = (shape: Shape): Tensor => fill(shape, 1);
export const zeros = (shape: Shape): Tensor => fill(shape, 0);
export const fillOp: Op<{ shape: Shape; value: number }> = {
  name: "fill",
  shape: (_, { shape }) => shape,
  vjp: () => [],
  examples: [example({ shape: [3, 5], value: 0.5 })],
};
