// Adjoint and trilinear identities in f64 on random shapes: ⟨Ax, y⟩ = ⟨x, Aᵀy⟩. Also checks that the VJP of every linear op is its adjoint.
// Claerbout's dot-product test; the same identities run on the GPU in test/gpu/kernels.test.ts.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { grad } from "../../src/autodiff/grad.ts";
import { registry } from "../../src/autodiff/ops/registry.ts";
import { resize, transposeTaps } from "../../src/autodiff/ops/spatial.ts";
import { leaf } from "../../src/autodiff/tensor.ts";
import { applied, randomExamples, randomTaps } from "../reference/cases.ts";
import { dot } from "../reference/directional.ts";
import { evaluate, evaluateBounded } from "../reference/evaluate.ts";
import { identity, identityBound, identityNames, spread } from "../reference/identities.ts";
import { Random } from "../reference/random.ts";
import { norm, UNIT_ROUNDOFF } from "../reference/rounding.ts";

/** The bounds are float32's, scaled by the ratio of the roundings, 2⁻⁵³ to 2⁻²⁴. */
const F64 = 2 ** -53 / UNIT_ROUNDOFF;
const RUNS = { numRuns: 40, seed: 20_260_101 };
const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });

describe("identities", () => {
  test.each(identityNames)("%s", (name) => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const one = identity(name, new Random(`${name} ${seed}`));
        const tensors = [...new Set(one.products.flat())];
        const values = new Map(evaluate(tensors, one.values).map((v, i) => [tensors[i]!, v]));
        expect(spread(one, (t) => values.get(t)!)).toBeLessThanOrEqual(identityBound(one, 2 ** -53));
      }),
      RUNS,
    );
  });
});

/** The inputs in which each op is linear, one at a time. add and conv2d (with bias) are affine only; the identities above cover them. */
const LINEAR: Readonly<Record<string, readonly number[]>> = {
  mul: [0, 1],
  leakyReluMask: [0],
  clampMask: [0],
  conv2dInput: [0, 1],
  conv2dWeight: [0, 1],
  channelSum: [0],
  channelDot: [0, 1],
  channelBroadcast: [0],
  channelScale: [0, 1],
  normalizeGrad: [0],
  normalizeCurvature: [0, 1],
  sum: [0],
  broadcast: [0],
  axisSum: [0],
  axisBroadcast: [0],
  pad2d: [0],
  crop2d: [0],
  resize: [0],
};

describe("the VJP of an op that is linear in an input is its adjoint", () => {
  const cases = Object.entries(LINEAR).flatMap(([name, inputs]) => inputs.map((i) => [name, i] as const));
  test.each(cases)("%s in input %i", (name, i) => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const random = new Random(`${name} ${i} ${seed}`);
        const op = registry.get(name)!;
        const [example] = randomExamples(op, random, 1);
        const { node, leaves, values } = applied(op, example!, random, { derive: "leaf", float32: false });
        const g = leaf("g", node.shape);
        const bindings = new Map([...values, [g, random.values(g.size)] as const]);
        const x = leaves[i]!;
        const [y, gx] = evaluate([node, ...grad(node, [x], g)], bindings) as [Float64Array, Float64Array];
        const { bound } = evaluateBounded([node], values).get(node)!;
        const size = (bound + UNIT_ROUNDOFF * (node.size + x.size) * norm(y)) * norm(bindings.get(g)!);
        // Twice the bound, because gx is computed by other ops with as many roundings.
        expect(Math.abs(dot(y, bindings.get(g)!) - dot(gx, values.get(x)!))).toBeLessThanOrEqual(2 * F64 * size);
      }),
      RUNS,
    );
  });
});

test("transposing taps twice gives the same matrix", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const random = new Random(`taps ${seed}`);
      const inSize = random.integer(1, 9);
      const taps = randomTaps(random, inSize);
      const twice = transposeTaps(transposeTaps(taps));
      const identityMatrix = leaf("I", [inSize, inSize]);
      const one = { inSize, outSize: inSize, width: 1, index: Uint32Array.from({ length: inSize }, (_, i) => i) };
      const same = { ...one, weight: new Float32Array(inSize).fill(1) };
      const at = new Map([
        [identityMatrix, Float64Array.from({ length: inSize ** 2 }, (_, k) => Number(k % (inSize + 1) === 0))],
      ]);
      const [a, b] = evaluate([resize(identityMatrix, taps, same), resize(identityMatrix, twice, same)], at);
      expect(norm(a!.map((v, i) => v - b![i]!))).toBeLessThanOrEqual(1e-14 * norm(a!));
    }),
    RUNS,
  );
});
