// The second executor of the tape: runs the GPU's list of nodes in f64 by the loops of ops.ts, and fused ops by their composed forms.
// Nodes run in the order of creation, as in src/runtime. The inputs of a bound tensor are not computed.

import { leaf, reachable, type Tensor } from "../autodiff/tensor.ts";
import { reference } from "./ops.ts";

export type Bindings = ReadonlyMap<Tensor, ArrayLike<number>>;
export type Values = Map<Tensor, Float64Array>;
/** Changes the value of a node, whose op has a reference: adds errors to it. */
export type Disturb = (value: Float64Array, node: Tensor, inputs: readonly Float64Array[]) => Float64Array;

/**
 * The value of every node on which `outputs` depend; `disturb` is applied to each value that is computed. Throws if a leaf has no value, or
 * if an op has neither a reference nor a composed form.
 */
export function evaluateAll(outputs: Iterable<Tensor>, bindings: Bindings, disturb: Disturb = (value) => value): Values {
  const values: Values = new Map();
  for (const [t, data] of bindings) {
    if (data.length !== t.size) throw new Error(`${t} is bound to ${data.length} values`);
    values.set(t, Float64Array.from(data));
  }
  for (const node of reachable(outputs, new Set(bindings.keys()))) {
    if (values.has(node)) continue;
    const value = evaluateNode(node, values, disturb);
    if (value.length !== node.size) throw new Error(`the reference of ${node} gives ${value.length} values`);
    values.set(node, value);
  }
  return values;
}

/** The value of one node, from those of its inputs. */
export function evaluateNode(node: Tensor, values: ReadonlyMap<Tensor, Float64Array>, disturb?: Disturb): Float64Array {
  const { op, inputs, shape, attrs } = node;
  if (!op) throw new Error(`leaf ${node} is not bound`);
  const run = reference[op.name];
  if (run) {
    const given = inputs.map((t) => values.get(t)!);
    const shapes = inputs.map((t) => t.shape);
    const value = run(given, shapes, shape, attrs);
    return disturb ? disturb(value, node, given) : value;
  }
  if (!op.composed) throw new Error(`${op.name} has no reference`);
  const leaves = inputs.map((t) => leaf(t.name, t.shape));
  const composed = op.composed(leaves, attrs);
  const bindings = new Map(leaves.map((t, i) => [t, values.get(inputs[i]!)!] as const));
  return evaluateAll([composed], bindings, disturb).get(composed)!;
}

export function evaluate(outputs: readonly Tensor[], bindings: Bindings): Float64Array[] {
  const values = evaluateAll(outputs, bindings);
  return outputs.map((t) => values.get(t)!);
}
