// The tape's second executor: the node list that the GPU runs, in f64 by the loops of ops.ts.
// Order of execution as in src/runtime/program.ts: creation order, nothing computed behind a bound tensor.

import { reachable, type Tensor } from "../../src/autodiff/tensor.ts";
import { reference } from "./ops.ts";
import { errorBound, magnitude, reductionLength } from "./rounding.ts";

export type Bindings = ReadonlyMap<Tensor, ArrayLike<number>>;

/** The value of every node that `outputs` depend on. Throws where a leaf is not bound or an op has no reference. */
export function evaluateAll(outputs: Iterable<Tensor>, bindings: Bindings): Map<Tensor, Float64Array> {
  const values = new Map<Tensor, Float64Array>();
  for (const [t, data] of bindings) {
    if (data.length !== t.size) throw new Error(`${t} is bound to ${data.length} values`);
    values.set(t, Float64Array.from(data));
  }
  for (const node of reachable(outputs, new Set(bindings.keys()))) {
    if (values.has(node)) continue;
    if (!node.op) throw new Error(`leaf ${node} is not bound`);
    const run = reference[node.op.name];
    if (!run) throw new Error(`${node.op.name} has no reference`);
    const value = run(...operands(node, values), node.shape, node.attrs);
    if (value.length !== node.size) throw new Error(`the reference of ${node} gives ${value.length} values`);
    values.set(node, value);
  }
  return values;
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
  readonly magnitude: Float64Array;
  readonly reductionLength: number;
  /** On ‖got − value‖. */
  readonly bound: number;
}

/** `evaluateAll` with the rounding error granted to each node by itself: errors that its inputs carry are not in it. */
export function evaluateBounded(outputs: readonly Tensor[], bindings: Bindings): Map<Tensor, Bounded> {
  const values = evaluateAll(outputs, bindings);
  const computed = [...values].filter(([t]) => t.op && !bindings.has(t));
  return new Map(
    computed.map(([node, value]) => {
      const [inputs, shapes] = operands(node, values);
      const of = [inputs, shapes, node.shape, node.attrs] as const;
      return [
        node,
        {
          value,
          magnitude: magnitude(node.op!.name, ...of),
          reductionLength: reductionLength(node.op!.name, shapes, node.shape, node.attrs),
          bound: errorBound(node.op!.name, ...of),
        },
      ];
    }),
  );
}
