// Sums over everything or over one axis, and the broadcasts that are their adjoints.

import { apply, example, type Op, requireShape, type Shape, type Tensor } from "../tensor.ts";
import { scale } from "./elementwise.ts";

/** k·Σx as a [1] tensor. */
export const sum = (x: Tensor, k = 1): Tensor => apply(sumOp, [x], { k });
/** The mean of all values as a [1] tensor. */
export const mean = (x: Tensor): Tensor => sum(x, 1 / x.size);
export const sumOp: Op<{ k: number }> = {
  name: "sum",
  shape: () => [1],
  vjp: (g, { inputs: [x], attrs: { k } }) => [broadcast(scale(g, k), x!.shape)],
  examples: [example({ k: 1 }, [2, 3, 5, 7]), example({ k: -0.25 }, [1]), example({ k: 2.5 }, [1, 3, 41, 37])],
};

/** A [1] tensor spread over `shape`. */
export const broadcast = (a: Tensor, shape: Shape): Tensor => apply(broadcastOp, [a], { shape });
export const broadcastOp: Op<{ shape: Shape }> = {
  name: "broadcast",
  shape: ([a], { shape }) => {
    requireShape(a!.length === 1 && a![0] === 1, `broadcast: [${a}] is not a scalar`);
    return shape;
  },
  vjp: (g) => [sum(g)],
  examples: [example({ shape: [2, 3, 5] }, [1])],
};

/** Σ over one axis, which stays with length 1. */
export const axisSum = (x: Tensor, axis: number): Tensor => apply(axisSumOp, [x], { axis });
export const axisSumOp: Op<{ axis: number }> = {
  name: "axisSum",
  shape: ([x], { axis }) => {
    requireShape(axis >= 0 && axis < x!.length, `axisSum: [${x}] has no axis ${axis}`);
    return x!.map((n, i) => (i === axis ? 1 : n));
  },
  vjp: (g, { inputs: [x], attrs: { axis } }) => [axisBroadcast(g, axis, x!.shape[axis]!)],
  examples: [example({ axis: 1 }, [2, 3, 5, 7]), example({ axis: 0 }, [4, 3]), example({ axis: 1 }, [4, 3])],
};

/** An axis of length 1 repeated `size` times. */
export const axisBroadcast = (x: Tensor, axis: number, size: number): Tensor => apply(axisBroadcastOp, [x], { axis, size });
export const axisBroadcastOp: Op<{ axis: number; size: number }> = {
  name: "axisBroadcast",
  shape: ([x], { axis, size }) => {
    requireShape(x![axis] === 1, `axisBroadcast: axis ${axis} of [${x}] has not length 1`);
    return x!.map((n, i) => (i === axis ? size : n));
  },
  vjp: (g, { attrs: { axis } }) => [axisSum(g, axis)],
  examples: [example({ axis: 1, size: 3 }, [2, 1, 5, 7]), example({ axis: 0, size: 4 }, [1, 3])],
};
