// The gradients of the gradient penalty for all weights (double backward, also through batch norm) in f64, against directional differences,
// closed second-order formulas, and PyTorch's numbers.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { grad } from "../../src/autodiff/grad.ts";
import { conv2d } from "../../src/autodiff/ops/conv.ts";
import { scale } from "../../src/autodiff/ops/elementwise.ts";
import { mean } from "../../src/autodiff/ops/reduce.ts";
import { leaf, type Shape, type Tensor } from "../../src/autodiff/tensor.ts";
import { convBlock } from "../../src/nn/layers.ts";
import { readSafetensors } from "../../src/singan/model/safetensors.ts";
import { gradientPenalty, interpolate } from "../../src/singan/networks/losses.ts";
import { discriminator } from "../../src/singan/networks/networks.ts";
import { alongRandomDirection } from "../reference/directional.ts";
import { evaluate } from "../reference/evaluate.ts";
import { type Block, gradientPenaltyClosed } from "../reference/gradient-penalty.ts";
import { Random } from "../reference/random.ts";

const COLOURS = 3;
const CHANNELS = 4;
const [HEIGHT, WIDTH] = [14, 15];
const LAMBDA = 0.1;

/** A critic of n ConvBlocks with random weights of usual size, and values for all its leaves. */
function smallCritic(blocks: number) {
  const random = new Random(`critic of ${blocks} blocks`);
  const at = new Map<Tensor, Float64Array>();
  const weights = new Map<string, Tensor>();
  const add = (name: string, shape: Shape, draw: () => number) => {
    const t = leaf(name, shape);
    at.set(t, Float64Array.from({ length: t.size }, draw));
    weights.set(name, t);
  };
  const names = Array.from({ length: blocks }, (_, k) => `block${k}`);
  names.forEach((name, k) => {
    add(`${name}.conv.weight`, [CHANNELS, k === 0 ? COLOURS : CHANNELS, 3, 3], () => 0.3 * random.normal());
    add(`${name}.norm.weight`, [1, CHANNELS], () => 1 + 0.3 * random.normal());
    add(`${name}.norm.bias`, [1, CHANNELS], () => 0.3 * random.normal());
  });
  add("tail.weight", [1, CHANNELS, 3, 3], () => 0.3 * random.normal());
  const image = leaf("image", [1, COLOURS, HEIGHT, WIDTH]);
  at.set(image, random.values(image.size));
  const critic = (x: Tensor) =>
    conv2d(
      names.reduce((t, name) => convBlock(t, weights, name), x),
      weights.get("tail.weight")!,
    );
  const { loss, gradient } = gradientPenalty(critic, image, LAMBDA);
  const parameters = [...weights.values()];
  const [penalty, inputGradient, ...gradients] = evaluate([loss, gradient, ...grad(loss, parameters)], at);
  return { random, at, names, weights, parameters, loss, image, penalty: penalty![0]!, inputGradient: inputGradient!, gradients };
}

const greatest = (x: ArrayLike<number>): number => Array.from(x).reduce((a, b) => Math.max(a, Math.abs(b)), 0);
/** max|got − want|, or NaN if a value is NaN. */
function deviation(got: ArrayLike<number>, want: ArrayLike<number>): number {
  expect(got).toHaveLength(want.length);
  return Array.from(got).reduce((worst, v, i) => Math.max(worst, Math.abs(v - want[i]!)), 0);
}

describe.each([2, 3, 4, 5])("a critic of %i ConvBlocks", (blocks) => {
  const critic = smallCritic(blocks);

  test.each(critic.parameters.map((t, k) => [t.name, k] as const))("∂GP/∂ %s by differences", (_, k) => {
    const { loss, parameters, gradients, at, random } = critic;
    const { analytic, numeric } = alongRandomDirection([loss], [[1]], [parameters[k]!], [gradients[k]!], at, random);
    // The penalty does not depend on the last β: there both sides are exactly 0.
    expect(Math.abs(analytic - numeric)).toBeLessThanOrEqual(1e-9 + 1e-6 * Math.abs(numeric));
  });

  test("∂GP/∂θ along all parameters at once by differences", () => {
    const { loss, parameters, gradients, at, random } = critic;
    const { analytic, numeric } = alongRandomDirection([loss], [[1]], parameters, gradients, at, random);
    expect(Math.abs(numeric)).toBeGreaterThan(1e-3); // the comparison is not between zeros
    expect(Math.abs(analytic - numeric)).toBeLessThanOrEqual(1e-9 + 1e-6 * Math.abs(numeric));
  });

  test("does not see brightness: its gradient sums to zero over the picture, colour by colour", () => {
    // The first convolution has no padding and is followed by batch norm, so adding a constant to a colour has no effect (docs/adr/0010).
    for (let c = 0; c < COLOURS; c++) {
      const gradient = critic.inputGradient.slice(c * HEIGHT * WIDTH, (c + 1) * HEIGHT * WIDTH);
      expect(greatest(gradient)).toBeGreaterThan(1e-3);
      expect(Math.abs(gradient.reduce((a, v) => a + v, 0))).toBeLessThanOrEqual(1e-11 * greatest(gradient) * gradient.length);
    }
  });

  test("agrees with the closed formulas", () => {
    const { at, names, weights, image } = critic;
    const value = (name: string) => at.get(weights.get(name)!)!;
    const stack: Block[] = names.map((name) => ({
      weight: value(`${name}.conv.weight`),
      gamma: value(`${name}.norm.weight`),
      beta: value(`${name}.norm.bias`),
    }));
    const picture = { channels: COLOURS, height: HEIGHT, width: WIDTH, data: at.get(image)! };
    const want = gradientPenaltyClosed(picture, stack, value("tail.weight"), LAMBDA);
    // Two orders of summation in f64: the error is 2⁻⁵³ times some hundred terms, through at most six layers and their σ.
    const close = (got: ArrayLike<number>, expected: ArrayLike<number>) =>
      expect(deviation(got, expected)).toBeLessThanOrEqual(1e-11 * Math.max(1e-3, greatest(expected)));
    close([critic.penalty], [want.penalty]);
    close(critic.inputGradient, want.inputGradient);
    const expected = [...want.blocks.flatMap((b) => [b.weight, b.gamma, b.beta]), want.tail];
    critic.gradients.forEach((g, k) => {
      close(g, expected[k]!);
    });
  });
});

describe.each(["e_dstep_nfc8_17x23", "e_dstep_nfc32_27x35"])("PyTorch's discriminator step %s", (name) => {
  const { tensors, metadata } = readSafetensors(readFileSync(new URL(`../golden/${name}.safetensors`, import.meta.url)));
  const stored = (key: string) => tensors.get(key)!;
  const at = new Map<Tensor, ArrayLike<number>>();
  const bound = (key: string, shape: Shape): Tensor => {
    const t = leaf(key, shape);
    at.set(t, stored(key).data);
    return t;
  };
  const parameters = [...tensors.keys()].filter((key) => key.startsWith("D.") && !key.includes("running"));
  const weights = new Map(
    parameters.map((key) => {
      const { shape } = stored(key);
      return [key.slice(2), bound(key, shape.length === 1 ? [1, shape[0]!] : shape)];
    }),
  );
  const [real, fake] = ["real", "fake"].map((key) => bound(key, stored(key).shape)) as [Tensor, Tensor];
  const alpha = bound("alpha", [1]);
  const critic = (x: Tensor) => discriminator(x, weights);
  const [outReal, outFake] = [critic(real), critic(fake)];
  const [lossReal, lossFake] = [scale(mean(outReal), -1), mean(outFake)];
  const between = interpolate(real, fake, alpha);
  const { loss, gradient } = gradientPenalty(critic, between, JSON.parse(metadata["params"]!).lambda_grad);
  const gradients = (prefix: string, y: Tensor) =>
    grad(y, [...weights.values()]).map((g, k) => [`${prefix}.${[...weights.keys()][k]}`, g] as const);
  const results = new Map<string, Tensor>([
    ...[["out_real", outReal] as const, ["out_fake", outFake] as const, ["interpolates", between] as const],
    ...[["errD_real", lossReal] as const, ["errD_fake", lossFake] as const, ["gp_input_grad", gradient] as const],
    ...[["gp", loss] as const],
    ...gradients("grad_real", lossReal),
    ...gradients("grad_fake", lossFake),
    ...gradients("grad_gp", loss),
  ]);
  const recorded = Object.entries(JSON.parse(metadata["outputs"]!) as Record<string, unknown[]>);
  const checked = recorded.filter(([key]) => !key.startsWith("bn_after"));

  test("covers every recorded result but the running statistics, which are no part of the tape", () => {
    expect(checked.map(([key]) => key).sort()).toEqual([...results.keys()].sort());
  });

  test("outputs, input gradient and weight gradients agree to the float32 rounding of the file", () => {
    const values = evaluate([...results.values()], at);
    const got = new Map([...results.keys()].map((key, k) => [key, values[k]!]));
    for (const [key, [size]] of checked) {
      const want = stored(key).data;
      // Both sides are computed in f64, and the recorded one is rounded to float32 (2⁻²⁴). A value that is 0 in exact arithmetic has only f64 errors.
      const allowed = size === "exact_zero" ? 1e-12 : 2 ** -24 * greatest(want) + 1e-12;
      expect(deviation(got.get(key)!, want), key).toBeLessThanOrEqual(allowed);
    }
  });
});
