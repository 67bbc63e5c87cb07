// The second executor of the tape: runs the GPU's list of nodes in f64 by the loops of ops.ts, and fused ops by their composed forms.
// Nodes run in the order of creation, as in src/runtime. The inputs of a bound tensor are not computed.

import { leaf, reachable, type Tensor } from "../../src/autodiff/tensor.ts";
import { reference } from "./ops.ts";
import { Random } from "./random.ts";
import { errorBound, norm, rounded, UNIT_ROUNDOFF } from "./rounding.ts";

export type Bindings = ReadonlyMap<Tensor, ArrayLike<number>>;
type Values = Map<Tensor, Float64Array>;

/**
 * The value of every node on which `outputs` depend. If `rounding` is given, it adds random errors of the size of a float32 kernel's.
 * Throws if a leaf has no value, or if an op has neither a reference nor a composed form.
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
  return errorBound(node.op!.name, ...operands(node, values), node.shape, node.attrs);
}

/** The bound of a fused op is this multiple of the largest error in this many runs with random rounding. */
const RUNS = 4;
const SAFETY = 8;

/** The bound of a fused op by stochastic arithmetic (Vignes 2004): the composed form runs with random rounding errors in every step. */
function disturbedBound(node: Tensor, value: Float64Array, values: Values): number {
  const random = new Random(`${node.name} disturbed`);
  const errors = Array.from({ length: RUNS }, () => norm(evaluateNode(node, values, random).map((v, i) => v - value[i]!)));
  return SAFETY * Math.max(UNIT_ROUNDOFF * norm(value), ...errors);
}
