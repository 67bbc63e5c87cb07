// The bound on the error of a float32 kernel, for every node of a graph.

import type { Tensor } from "../../src/autodiff/tensor.ts";
import { type Bindings, type Disturb, evaluateAll, evaluateNode, type Values } from "../../src/reference/evaluate.ts";
import { reference } from "../../src/reference/ops.ts";
import { Random } from "./random.ts";
import { errorBound, norm, rounded, UNIT_ROUNDOFF } from "./rounding.ts";

export { type Bindings, evaluate, evaluateAll } from "../../src/reference/evaluate.ts";

/** A node's value, and the bound on the error of a float32 kernel with the same inputs. */
export interface Bounded {
  readonly value: Float64Array;
  /** The bound on ‖got − value‖. */
  readonly bound: number;
}

/** As `evaluateAll`, with the bound for each node alone, without the errors of its inputs. */
export function evaluateBounded(outputs: readonly Tensor[], bindings: Bindings): Map<Tensor, Bounded> {
  const values = evaluateAll(outputs, bindings);
  const computed = [...values].filter(([t]) => t.op && !bindings.has(t));
  return new Map(computed.map(([node, value]) => [node, { value, bound: boundOf(node, value, values) }]));
}

function boundOf(node: Tensor, value: Float64Array, values: Values): number {
  if (!reference[node.op!.name]) return disturbedBound(node, value, values);
  const inputs = node.inputs.map((t) => values.get(t)!);
  const shapes = node.inputs.map((t) => t.shape);
  return errorBound(node.op!.name, inputs, shapes, node.shape, node.attrs);
}

/** The bound of a fused op is this multiple of the largest error in this many runs with random rounding. */
const RUNS = 4;
const SAFETY = 8;

/** The bound of a fused op by stochastic arithmetic (Vignes 2004): the composed form runs with random rounding errors in every step. */
function disturbedBound(node: Tensor, value: Float64Array, values: Values): number {
  const random = new Random(`${node.name} disturbed`);
  const disturb: Disturb = (exact, { op, inputs, shape, attrs }, given) => {
    const shapes = inputs.map((t) => t.shape);
    return rounded(random, exact, op!.name, given, shapes, shape, attrs);
  };
  const errors = Array.from({ length: RUNS }, () => norm(evaluateNode(node, values, disturb).map((v, i) => v - value[i]!)));
  return SAFETY * Math.max(UNIT_ROUNDOFF * norm(value), ...errors);
}
