// Reverse-mode differentiation as a graph → graph function: the gradient is made of the same ops, hence differentiable again.
// After HIPS/autograd `grad` and tinygrad `gradient.py`.

import { add, ones, zeros } from "./ops/elementwise.ts";
import { reachable, requireShape, sameShape, type Tensor } from "./tensor.ts";

/**
 * Cotangents of `xs` for the cotangent `gy` of `y`: gx = Σ gy · ∂y/∂x, as new nodes. `gy` defaults to ones, i.e. the gradient of Σy.
 * An x that y does not depend on gets zeros. Throws ShapeError where gy's shape is not y's.
 */
export function grad(y: Tensor, xs: readonly Tensor[], gy: Tensor = ones(y.shape)): Tensor[] {
  requireShape(sameShape(gy.shape, y.shape), `grad: cotangent ${gy} does not fit ${y}`);
  const targets = new Set(xs);
  const nodes = reachable([y]);
  const active = new Set<Tensor>(); // nodes on a path from an x to y
  for (const node of nodes) if (targets.has(node) || node.inputs.some((t) => active.has(t))) active.add(node);

  const cotangents = new Map<Tensor, Tensor>([[y, gy]]);
  for (const node of nodes.reverse()) {
    const g = cotangents.get(node);
    if (!g || !node.op || !active.has(node) || !node.inputs.some((t) => active.has(t))) continue;
    node.op.vjp(g, node).forEach((contribution, i) => {
      const input = node.inputs[i]!;
      if (!contribution || !active.has(input)) return;
      const before = cotangents.get(input);
      cotangents.set(input, before ? add(before, contribution) : contribution);
    });
  }
  return xs.map((x) => (active.has(y) ? cotangents.get(x) : undefined) ?? zeros(x.shape));
}

/**
 * The values computed on the way to `forward` that the rest of `outputs` reads: what must be kept so that another program can compute
 * `outputs` later, from old activations and live leaves. (The official G step keeps exactly these for its repeated backward passes.)
 */
export function savedTensors(outputs: readonly Tensor[], forward: Tensor): Tensor[] {
  const history = new Set(reachable([forward]));
  const outside = reachable(outputs).filter((t) => !history.has(t));
  return [...new Set(outside.flatMap((t) => t.inputs))].filter((t) => t.op && history.has(t));
}
