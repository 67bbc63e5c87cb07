// Compares derivatives on the tape with directional central differences in f64. Higher orders recurse on the vector-Jacobian product.
// After HIPS/autograd test_util.py (`check_vjp`, `check_grads`).

import { grad } from "../../src/autodiff/grad.ts";
import { add } from "../../src/autodiff/ops/elementwise.ts";
import { leaf, type Tensor } from "../../src/autodiff/tensor.ts";
import { type Bindings, evaluate, evaluateAll } from "./evaluate.ts";
import type { Random } from "./random.ts";

/** The error of central differences is h²/6·f‴ ≈ 1e-11, and 2⁻⁵³/h ≈ 1e-11 by rounding. */
const STEP = 1e-5;
const ATTEMPTS = 20;

/** The piece of a piecewise op on which each value lies. A difference must not cross a kink or a jump. */
const pieces: Readonly<Record<string, (inputs: readonly Float64Array[], attrs: Record<string, number>) => Float64Array>> = {
  leakyReluMask: ([, x]) => x!.map((v) => Number(v > 0)),
  clampMask: ([, x], { lo, hi }) => x!.map((v) => Number(v > lo!) + Number(v >= hi!)),
  clamp: ([x], { lo, hi }) => x!.map((v) => Number(v > lo!) + Number(v >= hi!)),
  floor: ([x]) => x!.map(Math.floor),
};

function samePieces(a: ReadonlyMap<Tensor, Float64Array>, b: ReadonlyMap<Tensor, Float64Array>): boolean {
  return [...a.keys()].every((node) => {
    const piece = node.op && pieces[node.op.name];
    if (!piece) return true;
    const [left, right] = [a, b].map((values) =>
      piece(
        node.inputs.map((t) => values.get(t)!),
        node.attrs as Record<string, number>,
      ),
    );
    return left!.every((v, i) => v === right![i]);
  });
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!;
  return total;
}

/** `at` moved by h along `direction`. */
function moved(at: Bindings, direction: Bindings, h: number): Bindings {
  return new Map([
    ...at,
    ...[...direction].map(([t, u]) => [t, Float64Array.from(at.get(t)!, (v, i) => v + h * u[i]!)] as const),
  ]);
}

/** d/dh Σ⟨weights, outputs at + h·direction⟩ at h = 0, or null if the two points are on different pieces. */
export function directionalDerivative(
  outputs: readonly Tensor[],
  weights: readonly ArrayLike<number>[],
  at: Bindings,
  direction: Bindings,
): number | null {
  const [plus, minus] = [STEP, -STEP].map((h) => evaluateAll(outputs, moved(at, direction, h)));
  if (!samePieces(plus!, minus!)) return null;
  const difference = (t: Tensor) => plus!.get(t)!.map((v, i) => v - minus!.get(t)![i]!);
  return outputs.reduce((sum, t, k) => sum + dot(weights[k]!, difference(t)), 0) / (2 * STEP);
}

/** A derivative, computed in two ways. */
export interface DerivativePair {
  readonly order: number;
  readonly analytic: number;
  readonly numeric: number;
}

/** Compares gradients `gxs` of Σ⟨weights, outputs⟩ along a random direction of `xs` that crosses no kink. */
export function alongRandomDirection(
  outputs: readonly Tensor[],
  weights: readonly ArrayLike<number>[],
  xs: readonly Tensor[],
  gradients: readonly ArrayLike<number>[],
  at: Bindings,
  random: Random,
): Omit<DerivativePair, "order"> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const direction = new Map(xs.map((x) => [x, random.values(x.size)]));
    const numeric = directionalDerivative(outputs, weights, at, direction);
    if (numeric === null) continue;
    return { numeric, analytic: xs.reduce((sum, x, k) => sum + dot(direction.get(x)!, gradients[k]!), 0) };
  }
  throw new Error(`${ATTEMPTS} directions in a row crossed a kink`);
}

/** Cotangents of `xs` for several outputs at once. */
export function vjp(outputs: readonly Tensor[], xs: readonly Tensor[], gys: readonly Tensor[]): Tensor[] {
  return outputs.map((y, k) => grad(y, xs, gys[k]!)).reduce((total, more) => total.map((g, i) => add(g, more[i]!)));
}

/**
 * Checks the derivative of xs ↦ outputs as ⟨v, J·u⟩ along random u and v. For order 2 and more it also checks that of the function
 * (xs, gys) ↦ vjp. `at` has the values of all leaves. Leaves that are not in `xs` are constants.
 */
export function checkDerivatives(
  outputs: readonly Tensor[],
  xs: readonly Tensor[],
  at: Bindings,
  random: Random,
  orders: number,
  order = 1,
): DerivativePair[] {
  const gys = outputs.map((y, k) => leaf(`g${order}.${k}`, y.shape));
  const weights = gys.map((g) => random.values(g.size));
  const bindings = new Map([...at, ...gys.map((g, k) => [g, weights[k]!] as const)]);
  const gxs = vjp(outputs, xs, gys);
  const pair = alongRandomDirection(outputs, weights, xs, evaluate(gxs, bindings), at, random);
  const higher = order < orders ? checkDerivatives(gxs, [...xs, ...gys], bindings, random, orders, order + 1) : [];
  return [{ order, ...pair }, ...higher];
}
