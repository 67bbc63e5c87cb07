// The tape's second executor: the node list that the GPU runs, in f64 by the loops of ops.ts; a fused op by its composed form.
// Order of execution as in src/runtime/program.ts: creation order, nothing computed behind a bound tensor.

import { leaf, reachable, type Tensor } from "../../src/autodiff/tensor.ts";
import { reference } from "./ops.ts";
import { Random } from "./random.ts";
import { errorBound, norm, rounded, UNIT_ROUNDOFF } from "./rounding.ts";

export type Bindings = ReadonlyMap<Tensor, ArrayLike<number>>;
type Values = Map<Tensor, Float64Array>;

/**
 * The value of every node that `outputs` depend on; with rounding errors as a float32 kernel makes them, where `rounding` draws them.
 * Throws where a leaf is not bound or an op has neither reference nor composed form.
 */
export function evaluateAll(outputs: Iterable<Tensor>, bindings: Bindings, rounding?: Random): Values {
  const values: Values = new Map();
  for (const [t, data] of bindings) {
    if (data.length !== t.size) throw new Error(`${t} is bound to ${data.length} values`);
    values.set(t, Float64Array.from(data));
  }
  for (const node of reachable(outputs, new Set(bindings.keys()))) {
    if (values.has(node)) continue;
    const value = evaluateNode(node, values, rounding);
    if (value.length !== node.size) throw new Error(`the reference of ${node} gives ${value.length} values`);
    values.set(node, value);
  }
  return values;
}

function evaluateNode(node: Tensor, values: Values, rounding?: Random): Float64Array {
  const { op, inputs } = node;
  if (!op) throw new Error(`leaf ${node} is not bound`);
  const run = reference[op.name];
  if (run) {
    const of = [...operands(node, values), node.shape, node.attrs] as const;
    return rounding ? rounded(rounding, run(...of), op.name, ...of) : run(...of);
  }
  if (!op.composed) throw new Error(`${op.name} has no reference`);
  const leaves = inputs.map((t) => leaf(t.name, t.shape));
  const composed = op.composed(leaves, node.attrs);
  const bindings = new Map(leaves.map((t, i) => [t, values.get(inputs[i]!)!] as const));
  return evaluateAll([composed], bindings, rounding).get(composed)!;
}

const operands = (node: Tensor, values: ReadonlyMap<Tensor, Float64Array>) =>
  [node.inputs.map((t) => values.get(t)!), node.inputs.map((t) => t.shape)] as const;

export function evaluate(outputs: readonly Tensor[], bindings: Bindings): Float64Array[] {
  const values = evaluateAll(outputs, bindings);
  return outputs.map((t) => values.get(t)!);
}

/** One node's value, and how far a float32 kernel run on the same inputs may be from it. */
export interface Bounded {
  readonly value: Float64Array;
  /** On ‖got − value‖. */
  readonly bound: number;
}

/** `evaluateAll` with the rounding error granted to each node by itself: errors that its inputs carry are not in it. */
export function evaluateBounded(outputs: readonly Tensor[], bindings: Bindings): Map<Tensor, Bounded> {
  const values = evaluateAll(outputs, bindings);
  const computed = [...values].filter(([t]) => t.op && !bindings.has(t));
  return new Map(computed.map(([node, value]) => [node, { value, bound: boundOf(node, value, values) }]));
}

function boundOf(node: Tensor, value: Float64Array, values: Values): number {
  if (!reference[node.op!.name]) return disturbedBound(node, value, values);
  return errorBound(node.op!.name, ...operands(node, values), node.shape, node.attrs);
}

/** Runs with random rounding that a fused op's bound is taken from, and how much worse than the worst its kernel may be. */
const RUNS = 4;
const SAFETY = 8;

/** A fused op's bound by stochastic arithmetic (Vignes 2004): its composed form with random rounding errors in every step. */
function disturbedBound(node: Tensor, value: Float64Array, values: Values): number {
  const random = new Random(`${node.name} disturbed`);
  const errors = Array.from({ length: RUNS }, () => norm(evaluateNode(node, values, random).map((v, i) => v - value[i]!)));
  return SAFETY * Math.max(UNIT_ROUNDOFF * norm(value), ...errors);
}
