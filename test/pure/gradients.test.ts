// First and second derivatives of every op against directional central differences in f64; fused ops against their composed forms.
// The tests iterate over the registry: an op without examples, reference or derivative check fails.

import { describe, expect, test } from "vitest";
import { grad } from "../../src/autodiff/grad.ts";
import { moments } from "../../src/autodiff/ops/channel.ts";
import { add, leakyRelu, mul, ones, reciprocal, scale, sqrt } from "../../src/autodiff/ops/elementwise.ts";
import { axisSum, sum } from "../../src/autodiff/ops/reduce.ts";
import { registry } from "../../src/autodiff/ops/registry.ts";
import { apply, type Example, leaf, type Op, ShapeError, type Tensor } from "../../src/autodiff/tensor.ts";
import { reference } from "../../src/reference/ops.ts";
import { applied, describeCase } from "../reference/cases.ts";
import { checkDerivatives, type DerivativePair } from "../reference/directional.ts";
import { evaluate } from "../reference/evaluate.ts";
import { Random } from "../reference/random.ts";

const RELATIVE = 1e-6;
const ABSOLUTE = 1e-9;
const ORDERS = 2;
/** Random directions per case. One direction almost surely detects a wrong rule; the second is for an unlucky seed. */
const DIRECTIONS = 2;

/** Ops whose derivative is defined as zero, although differences across a jump are not. */
const ZERO_DERIVATIVE = new Set(["floor", "fill", "uniform", "normal", "normalWindow", "quantize"]);
/** Ops that must not be differentiated, and what they throw. */
const NO_DERIVATIVE = new Map([["moments", "a cached statistic has no derivative of its own"]]);

function expectEqualDerivatives(pairs: readonly DerivativePair[]): void {
  for (const { order, analytic, numeric } of pairs) {
    const bound = ABSOLUTE + RELATIVE * Math.max(Math.abs(analytic), Math.abs(numeric));
    expect(Math.abs(analytic - numeric), `order ${order}: ${analytic} on the tape, ${numeric} by differences`).toBeLessThan(
      bound,
    );
  }
}

const cases = (op: Op): (readonly [string, Example])[] => op.examples.map((e) => [describeCase(e), e] as const);
const differentiable = [...registry.values()].filter((op) => !ZERO_DERIVATIVE.has(op.name) && !NO_DERIVATIVE.has(op.name));
const fused = [...registry.values()].filter((op) => op.composed);
const named = (ops: readonly Op[]) => ops.map((op) => [op.name, op] as const);

describe("registry", () => {
  test("every op has examples, and a reference or a composed form; every reference has an op", () => {
    expect([...registry.values()].filter((op) => op.examples.length === 0)).toEqual([]);
    expect([...registry.values()].filter((op) => !op.composed && !reference[op.name])).toEqual([]);
    expect(Object.keys(reference).filter((name) => !registry.has(name))).toEqual([]);
  });

  test("no exception from the derivative check is stale", () => {
    for (const name of [...ZERO_DERIVATIVE, ...NO_DERIVATIVE.keys()]) expect(registry.has(name), name).toBe(true);
  });
});

describe.each(named(differentiable))("derivative of %s", (name, op) => {
  test.each(cases(op))("%s", (label, example) => {
    const random = new Random(`${name} ${label}`);
    const { node, leaves, values } = applied(op, example, random, { derive: "graph", float32: false });
    for (let k = 0; k < DIRECTIONS; k++) expectEqualDerivatives(checkDerivatives([node], leaves, values, random, ORDERS));
  });

  test.each(cases(op))("one cotangent per input, of its shape: %s", (label, example) => {
    const { node } = applied(op, example, new Random(label), { derive: "graph", float32: false });
    const cotangents = op.vjp(leaf("g", node.shape), node);
    expect(cotangents).toHaveLength(node.inputs.length);
    cotangents.forEach((g, i) => {
      if (g) expect(g.shape).toEqual(node.inputs[i]!.shape);
    });
  });
});

describe("ops without derivative", () => {
  test.each([...ZERO_DERIVATIVE].map((name) => [name, registry.get(name)!] as const))("%s: zero", (name, op) => {
    for (const example of op.examples) {
      const { node, leaves, values } = applied(op, example, new Random(name), { derive: "graph", float32: false });
      const xs = leaves.length > 0 ? leaves : [leaf("elsewhere", [3])];
      const gradients = evaluate(grad(node, xs), values);
      gradients.forEach((g, i) => {
        expect(g).toEqual(new Float64Array(xs[i]!.size));
      });
    }
  });

  test("floor: zero between its jumps, by differences too", () => {
    const op = registry.get("floor")!;
    for (const example of op.examples) {
      const random = new Random("floor");
      const { node, leaves, values } = applied(op, example, random, { derive: "graph", float32: false });
      expectEqualDerivatives(checkDerivatives([node], leaves, values, random, 1));
    }
  });

  test.each([...NO_DERIVATIVE])("%s: throws", (name, message) => {
    for (const example of registry.get(name)!.examples) {
      const { node, leaves } = applied(registry.get(name)!, example, new Random(name), { derive: "graph", float32: false });
      expect(() => grad(node, leaves)).toThrow(message);
    }
  });
});

/** The same value with every fused op replaced by its composed form, down to ops that are not fused. */
function unfused(t: Tensor, done = new Map<Tensor, Tensor>()): Tensor {
  const known = done.get(t);
  if (known) return known;
  const inputs = t.inputs.map((input) => unfused(input, done));
  const replaced = t.op?.composed
    ? unfused(t.op.composed(inputs, t.attrs), done)
    : t.op && inputs.some((input, i) => input !== t.inputs[i])
      ? apply(t.op, inputs, t.attrs)
      : t;
  done.set(t, replaced);
  return replaced;
}

/** Both forms compute in f64, so they differ by rounding only: 2⁻⁵³ times the size of a few dozen sums. */
const COMPOSED_RELATIVE = 1e-11;

function expectClose(got: Float64Array, want: Float64Array, what: string): void {
  const scaleOf = Math.max(1, ...want.map(Math.abs));
  const error = Math.max(...got.map((v, i) => Math.abs(v - want[i]!)));
  expect(error, what).toBeLessThan(COMPOSED_RELATIVE * scaleOf);
}

describe.each(named(fused))("%s equals its composed form", (name, op) => {
  test.each(cases(op))("value, order 1, order 2: %s", (label, example) => {
    const random = new Random(`${name} composed ${label}`);
    const { node, leaves, values } = applied(op, example, random, { derive: "graph", float32: false });
    const [gy, ...gxs] = [node, ...leaves].map((t, i) => leaf(`g${i}`, t.shape)) as [Tensor, ...Tensor[]];
    const bindings = new Map([...values, ...[gy, ...gxs].map((g) => [g, random.values(g.size)] as const)]);
    const orders = [node, op.composed!(node.inputs, node.attrs), unfused(node)].map((y) => {
      const first = grad(y, leaves, gy);
      const along = first.map((g, i) => sum(mul(g, gxs[i]!))).reduce(add);
      return { value: [y], "order 1": first, "order 2": grad(along, [...leaves, gy]) };
    });
    const [want, ...others] = orders.map((o) => Object.entries(o).map(([what, ts]) => [what, evaluate(ts, bindings)] as const));
    for (const other of others)
      other.forEach(([what, tensors], k) => {
        tensors.forEach((t, i) => {
          expectClose(t, want![k]![1][i]!, what);
        });
      });
  });
});

describe("grad", () => {
  const x = leaf("x", [3]);
  const at = new Map([[x, [2, -1, 0.5]]]);
  const values = (ts: readonly Tensor[]) => evaluate(ts, at).map((v) => [...v]);

  test("adds what several uses contribute", () => {
    expect(values(grad(add(mul(x, x), scale(x, 3)), [x]))).toEqual([[7, 1, 4]]);
  });

  test("is zero where y does not depend on x", () => {
    const elsewhere = leaf("elsewhere", [2, 2]);
    expect(values(grad(x, [elsewhere, x]))).toEqual([
      [0, 0, 0, 0],
      [1, 1, 1],
    ]);
  });

  test("of an intermediate value stops there", () => {
    const square = mul(x, x);
    expect(values(grad(scale(square, 5), [square, x]))).toEqual([
      [5, 5, 5],
      [20, -10, 5],
    ]);
  });

  test("refuses a cotangent of another shape", () => {
    expect(() => grad(mul(x, x), [x], ones([4]))).toThrow(ShapeError);
  });

  test("√ and 1/x have derivative 0 at 0, order 1 and 2, as PyTorch's norm", () => {
    const g = leaf("g", [1, 3, 2]);
    const norm = sqrt(axisSum(mul(g, g), 1)); // the norm in the gradient penalty; the second pixel is black
    const [first] = grad(norm, [g]) as [Tensor];
    const values = evaluate([first, ...grad(sum(mul(first, first)), [g])], new Map([[g, [3, 0, 0, 0, 4, 0]]]));
    // |∇ν| is 1 at the bright pixel and constant around it. At the black pixel it is defined as 0.
    [0.6, 0, 0, 0, 0.8, 0].forEach((v, i) => {
      expect(values[0]![i]).toBeCloseTo(v, 14);
      expect(values[1]![i]).toBeCloseTo(0, 14);
    });
    expect([...evaluate(grad(reciprocal(x), [x]), new Map([[x, [0, 1, 2]]]))[0]!].map(Math.abs)).toEqual([0, 1, 0.25]);
  });

  test("LeakyReLU has its slope α at 0 and −0, as PyTorch", () => {
    expect(evaluate(grad(leakyRelu(x, 0.2), [x]), new Map([[x, [0, -0, 1]]])).map((v) => [...v])).toEqual([[0.2, 0.2, 1]]);
  });

  test("refuses to differentiate a cached statistic on the way", () => {
    const image = leaf("image", [1, 2, 3, 3]);
    expect(() => grad(sum(moments(image, 1)), [image])).toThrow("differentiate normalize");
  });
});
