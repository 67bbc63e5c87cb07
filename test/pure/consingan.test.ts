// ConSinGAN's graphs in f64: values and gradients against PyTorch's recorded iterations, and the gradients of the whole losses, including
// upsampling and gradient penalty, against finite differences.

import { describe, expect, test } from "vitest";
import { add } from "../../src/autodiff/ops/elementwise.ts";
import { leaf, type Tensor } from "../../src/autodiff/tensor.ts";
import { DEFAULTS, imageShape } from "../../src/singan/model/config.ts";
import {
  discriminatorShapes,
  generatorShapes,
  partShapes,
  partsOf,
  stageNoiseShape,
} from "../../src/singan/model/consingan-models.ts";
import {
  criticStep,
  generatorStep,
  picturePair,
  type StageContext,
  StageLeaves,
} from "../../src/singan/training/consingan/stage-graphs.ts";
import { trainedParts } from "../../src/singan/training/consingan/stage-trainer.ts";
import { RECORDED_STAGES, recording } from "../fixtures/consingan.ts";
import { alongRandomDirection } from "../reference/directional.ts";
import { type Bindings, evaluate } from "../reference/evaluate.ts";
import { Random } from "../reference/random.ts";

/** Results are recorded in float32, and the upsampling tables have float32 weights. Each of these few roundings may change the last bit. */
const FEW_BITS = 2 ** -21;

/** The graphs of a recorded iteration, with the recorded values as leaves. */
function graphs(stage: number) {
  const { sizes, options, get, all } = recording(stage);
  const leavesOf = (shapes: ReturnType<typeof generatorShapes>) =>
    new Map([...shapes].map(([name, shape]) => [name, leaf(name, shape)] as const));
  const [g, d] = [leavesOf(generatorShapes(stage + 1, options.channels)), leavesOf(discriminatorShapes(options.channels))];
  const names = trainedParts(stage, options).flatMap(({ part }) => [...partShapes(part, options.channels).keys()]);
  const real = leaf("real", imageShape(sizes.at(-1)!, DEFAULTS));
  const context: StageContext = { sizes, options, g, d, real, trained: names.map((name) => g.get(name)!) };
  const leaves = new StageLeaves(sizes, options.channels);
  const noise = sizes.map((size, k) => leaf(`noise.${k}`, stageNoiseShape(k, size, options.channels)));
  const alpha = leaf("alpha", [1]);
  const bindings = new Map<Tensor, ArrayLike<number>>([
    ...[...g].map(([name, t]) => [t, get(`in.G.${name}`)] as const),
    ...[...d].map(([name, t]) => [t, get(`in.D.${name}`)] as const),
    ...leaves.fixed.map((t, k) => [t, get(`in.fixed.${k}`)] as const),
    ...leaves.amps.map((t, k) => [t, new Float32Array(options.channels).fill(get("out.amps")[k]!)] as const),
    ...noise.map((t, k) => [t, get(`in.noise.${k}`)] as const),
    [real, get("in.real")],
    [alpha, get("in.alpha").slice(0, 1)],
  ]);
  return { context, leaves, names, bindings, pair: picturePair(context, leaves, noise), alpha, get, all };
}

const largest = (values: ArrayLike<number>): number => Array.from(values).reduce((max, v) => Math.max(max, Math.abs(v)), 0);
function expectNear(got: ArrayLike<number>, want: ArrayLike<number>, what: string): void {
  expect(largest(Array.from(got, (v, i) => v - want[i]!)), what).toBeLessThanOrEqual(FEW_BITS * largest(want));
}

describe.each(RECORDED_STAGES)("stage %i as PyTorch has it", (stage) => {
  const { context, names, bindings, pair, get, all } = graphs(stage);

  test("the fake and the reconstruction", () => {
    const [got] = evaluate([pair], bindings) as [Float64Array];
    expectNear(got.subarray(0, got.length / 2), get("out.fake"), "fake");
    expectNear(got.subarray(got.length / 2), get("out.rec"), "reconstruction");
  });

  test("the generator's losses and gradients, of exactly the parts that learn", () => {
    // The recorded D is that after its three steps.
    const after: Bindings = new Map([...bindings, ...[...context.d].map(([name, t]) => [t, get(`out.D.${name}`)] as const)]);
    const { losses, gradients } = generatorStep(context, pair);
    const [adversarial, reconstruction, ...values] = evaluate(
      [losses.gAdversarial, losses.reconstruction, ...gradients],
      after,
    ) as [Float64Array, Float64Array, ...Float64Array[]];
    const recorded = get("out.losses");
    expectNear(reconstruction, recorded.slice(4), "reconstruction loss");
    // D's recorded weights are rounded to float32, which changes its output by as much. The bound, 1e-6 of the largest value, is twenty times that.
    expect(adversarial[0]).toBeCloseTo(recorded[3]!, 6);
    const want = all("out.grad.");
    expect([...want.keys()].sort()).toEqual([...names].sort());
    names.forEach((name, i) => {
      const error = largest(values[i]!.map((v, k) => v - want.get(name)![k]!));
      expect(error, name).toBeLessThan(1e-6 * largest(want.get(name)!));
    });
  });
});

describe.each(RECORDED_STAGES)("stage %i by differences", (stage) => {
  const { context, bindings, pair, alpha } = graphs(stage);
  const agree = (loss: Tensor, xs: readonly Tensor[], gradients: readonly Tensor[], random: Random) => {
    const values = evaluate(gradients, bindings);
    const { analytic, numeric } = alongRandomDirection([loss], [[1]], xs, values, bindings, random);
    // Central differences in f64, as in the tests of single ops.
    expect(Math.abs(analytic - numeric)).toBeLessThan(1e-9 + 1e-6 * Math.abs(numeric));
  };

  test("the generator's whole loss, through the upsampling", () => {
    const { losses, gradients } = generatorStep(context, pair);
    const random = new Random(`consingan G ${stage}`);
    agree(add(losses.gAdversarial, losses.reconstruction), context.trained, gradients, random);
    // One weight tensor at a time, because in a sum a large gradient would hide a small one.
    for (const [i, t] of context.trained.entries())
      agree(add(losses.gAdversarial, losses.reconstruction), [t], [gradients[i]!], random);
  });

  test("the critic's whole loss, through the penalty", () => {
    const { losses, gradients } = criticStep(context, pair, alpha);
    const weights = [...context.d.values()];
    const values = evaluate(gradients, bindings);
    const outputs = [losses.critic, losses.gradientPenalty];
    const random = new Random(`consingan D ${stage}`);
    const { analytic, numeric } = alongRandomDirection(outputs, [[1, 1], [1]], weights, values, bindings, random);
    expect(Math.abs(analytic - numeric)).toBeLessThan(1e-9 + 1e-6 * Math.abs(numeric));
  });
});

test("parts have names of their own, in one order", () => {
  expect(partsOf(3)).toEqual(["head", "body.0", "body.1", "body.2", "tail"]);
  const names = [...generatorShapes(3, 8).keys()];
  expect(new Set(names).size).toBe(2 * (1 + 3 * 3 + 1));
  expect(names.slice(0, 3)).toEqual(["head.conv.weight", "head.conv.bias", "body.0.block0.conv.weight"]);
});
