// What the tuner times: the convolutions of graphs that training runs, and under which name it keeps the times.

import { expect, test } from "vitest";
import { grad } from "../../src/autodiff/grad.ts";
import { conv2d } from "../../src/autodiff/ops/conv.ts";
import { conv2dLeaky } from "../../src/autodiff/ops/fused.ts";
import { sum } from "../../src/autodiff/ops/reduce.ts";
import { leaf, type Tensor } from "../../src/autodiff/tensor.ts";
import type { Slice } from "../../src/gpu/device.ts";
import type { Graph } from "../../src/runtime/plan.ts";
import { tableName, tuningKey } from "../../src/runtime/tune.ts";
import { casesOf } from "../../src/runtime/tuner.ts";

const graph = (outputs: readonly Tensor[], bound: readonly Tensor[] = []): Graph => ({
  name: "graph",
  outputs,
  bindings: new Map(bound.map((t) => [t, {} as Slice] as const)),
});
const image = (n: number, c: number) => leaf("x", [n, c, 34, 42]);
const weights = (c_out: number, c_in: number) => leaf("w", [c_out, c_in, 3, 3]);
/** Multiply-adds of one sample of 40x32 results. */
const once = (c_in: number, c_out: number): number => 9 * c_in * c_out * 32 * 40;

test("cases are unique by key, with the batches that the graphs have, most work first", () => {
  const few = conv2d(image(1, 8), weights(8, 8));
  const again = conv2dLeaky(image(1, 8), weights(8, 8), leaf("b", [1, 8]), 0.2);
  const batch = conv2d(image(3, 8), weights(8, 8));
  const colours = conv2d(image(2, 3), weights(8, 3));
  const cases = casesOf([graph([few, again, colours]), graph([batch, sum(batch)])]);
  expect(cases.map(({ op }) => op.inputs[0]!.slice(0, 2))).toEqual([
    [3, 8],
    [1, 8],
    [2, 3],
  ]);
  expect(cases.map((one) => one.multiplyAdds)).toEqual([3 * once(8, 8), 2 * once(8, 8), 2 * once(3, 8)]);
  expect(new Set(cases.map(({ opName, op }) => tuningKey(opName, op))).size).toBe(3);
});

test("one case stands for those of about its size: the largest, with the work of all", () => {
  const [small, large] = [leaf("x", [1, 8, 34, 41]), leaf("x", [1, 8, 35, 42])];
  const cases = casesOf([graph([conv2d(small, weights(8, 8)), conv2d(large, weights(8, 8))])]);
  expect(cases.map(({ op }) => op.inputs[0])).toEqual([large.shape]);
  expect(cases[0]!.multiplyAdds).toBe(9 * 8 * 8 * (32 * 39 + 33 * 40));
});

test("gradients count, values that another program keeps do not, and neither do other ops", () => {
  const [x, w] = [image(2, 4), weights(5, 4)];
  const y = conv2d(x, w);
  const names = casesOf([graph(grad(sum(y), [x, w]))]).map(({ opName }) => opName);
  expect([...names].sort()).toEqual(["conv2dInput", "conv2dWeight"]);
  expect(casesOf([graph([sum(y)], [y])])).toEqual([]);
});

test("the table's name changes with the adapter, the kernels' text, and the list of variants", () => {
  const name = tableName("a GPU", "text", ["conv2d direct 8x4x4", "conv2d staged 8x4x4"]);
  expect(name).toMatch(/^a GPU, kernels [0-9a-f]{8}$/);
  const others = [
    tableName("another", "text", ["conv2d direct 8x4x4", "conv2d staged 8x4x4"]),
    tableName("a GPU", "changed", ["conv2d direct 8x4x4", "conv2d staged 8x4x4"]),
    tableName("a GPU", "text", ["conv2d direct 8x4x4"]),
  ];
  expect(new Set([name, ...others]).size).toBe(4);
});
