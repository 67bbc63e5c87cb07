// Runs the golden cases of single ops on the GPU: convolution, batch norm, activations, resizing, Adam, pyramids.

import { grad } from "../../src/autodiff/grad.ts";
import { channelAffine, moments, NORM_EPS } from "../../src/autodiff/ops/channel.ts";
import { conv2d } from "../../src/autodiff/ops/conv.ts";
import { addScalar, leakyRelu, mul, ones, reciprocal, scale, sqrt, tanh } from "../../src/autodiff/ops/elementwise.ts";
import { normLeaky } from "../../src/autodiff/ops/fused.ts";
import { sum } from "../../src/autodiff/ops/reduce.ts";
import { resize } from "../../src/autodiff/ops/spatial.ts";
import type { Shape, Tensor } from "../../src/autodiff/tensor.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { float32Taps } from "../../src/image/resample.ts";
import { adamSchedule } from "../../src/nn/adam.ts";
import { ParamSet } from "../../src/runtime/param-set.ts";
import { compile, submit } from "../../src/runtime/program.ts";
import { runningStats } from "../../src/runtime/running-stats.ts";
import { BILINEAR } from "../reference/resampling.ts";
import { Bench, type Comparison, compare, type GoldenCase } from "./case.ts";
import { officialImresize } from "./official.ts";

export type Check = (gpu: Gpu, golden: GoldenCase) => Promise<Comparison[]>;

async function withBench<T>(gpu: Gpu, use: (bench: Bench) => Promise<T>): Promise<T> {
  const bench = new Bench(gpu);
  try {
    return await use(bench);
  } finally {
    bench.dispose();
  }
}

const input = (bench: Bench, golden: GoldenCase, name: string, shape: Shape = golden.shape(name)) =>
  bench.leaf(name, shape, golden.f32(name));
const rowOf = (golden: GoldenCase, name: string): Shape => [1, golden.shape(name)[0]!];

/** y, its gradients for the cotangent gy, and the second-order gradients of L = Σ v·gx, under their golden names. */
function firstAndSecond(
  y: Tensor,
  gy: Tensor,
  v: Tensor,
  first: Record<string, Tensor>,
  second: Record<string, Tensor>,
): Record<string, Tensor> {
  const named = grad(y, Object.values(first), gy);
  const gradients = Object.fromEntries(Object.keys(first).map((name, i) => [name, named[i]!]));
  const l = sum(mul(v, gradients["gx"]!));
  const seconds = grad(l, Object.values(second));
  return { y, ...gradients, ...Object.fromEntries(Object.keys(second).map((name, i) => [name, seconds[i]!])) };
}

const prefixed = (prefix: string, values: Record<string, Tensor>): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(values).map(([name, t]) => [`${prefix}.${name}`, t]));

async function checkAll(bench: Bench, golden: GoldenCase, outputs: Record<string, Tensor>): Promise<Comparison[]> {
  const values = await bench.run(outputs);
  return Object.entries(values).map(([name, got]) => compare(name, got, golden.f32(name), golden.tolerance(name)));
}

const convolution: Check = (gpu, golden) =>
  withBench(gpu, (bench) => {
    const [x, w, gy, v] = ["x", "w", "gy", "v"].map((name) => input(bench, golden, name)) as [Tensor, Tensor, Tensor, Tensor];
    const b = input(bench, golden, "b", rowOf(golden, "b"));
    return checkAll(bench, golden, firstAndSecond(conv2d(x, w, b), gy, v, { gx: x, gw: w, gb: b }, { dd_gy: gy, dd_w: w }));
  });

const batchNormalization: Check = (gpu, golden) =>
  withBench(gpu, async (bench) => {
    const [x, gy, v] = ["x", "gy", "v"].map((name) => input(bench, golden, name)) as [Tensor, Tensor, Tensor];
    const [gamma, beta, mean, variance] = ["gamma", "beta", "running_mean", "running_var"].map((name) =>
      input(bench, golden, name, rowOf(golden, name)),
    ) as [Tensor, Tensor, Tensor, Tensor];
    const train = firstAndSecond(
      normLeaky(x, moments(x, 1), gamma, beta, 1), // slope 1, that is batch norm alone
      gy,
      v,
      { gx: x, ggamma: gamma, gbeta: beta },
      { dd_gy: gy, dd_gamma: gamma, dd_x: x },
    );
    const centred = channelAffine(x, ones(mean.shape), scale(mean, -1)); // first, because a large mean would cancel digits
    const frozen = channelAffine(centred, mul(gamma, reciprocal(sqrt(addScalar(variance, NORM_EPS)))), beta);
    const evaluated = firstAndSecond(frozen, gy, v, { gx: x, ggamma: gamma, gbeta: beta }, { dd_gy: gy, dd_gamma: gamma });
    const comparisons = await checkAll(bench, golden, { ...prefixed("train", train), ...prefixed("eval", evaluated) });

    const batch = moments(x, 1);
    const momentum = bench.leaf("momentum", [1], Float32Array.of(golden.params.momentum));
    const running = bench.leaf(
      "running",
      [1, 2, gamma.size],
      Float32Array.of(...golden.f32("running_mean"), ...golden.f32("running_var")),
    );
    const count = x.size / gamma.size;
    const { m } = (await bench.run({ m: batch }, [runningStats(bench.bindings.get(running)!, batch, momentum, count)])) as {
      m: Float32Array;
    };
    const [after] = (await gpu.read([bench.bindings.get(running)!])) as [Float32Array];
    const halves = (values: Float32Array) => [values.slice(0, gamma.size), values.slice(gamma.size, 2 * gamma.size)];
    const results = {
      batch_mean: halves(m)[0]!,
      batch_var_biased: halves(m)[1]!,
      running_mean: halves(after)[0]!,
      running_var: halves(after)[1]!,
    };
    for (const [name, got] of Object.entries(results)) {
      comparisons.push(compare(`train.${name}`, got, golden.f32(`train.${name}`), golden.tolerance(`train.${name}`)));
    }
    return comparisons;
  });

const activations: Check = (gpu, golden) =>
  withBench(gpu, (bench) => {
    const [x, gy, v] = ["x", "gy", "v"].map((name) => input(bench, golden, name)) as [Tensor, Tensor, Tensor];
    const of = (y: Tensor) => firstAndSecond(y, gy, v, { gx: x }, { dd_gy: gy, dd_x: x });
    return checkAll(bench, golden, {
      ...prefixed("lrelu", of(leakyRelu(x, golden.params.slope))),
      ...prefixed("tanh", of(tanh(x))),
    });
  });

const bilinear: Check = (gpu, golden) =>
  withBench(gpu, (bench) => {
    const [x, gy] = [input(bench, golden, "x"), input(bench, golden, "gy")];
    const outputs = Object.entries(BILINEAR).map(([kind, tapsOf]) => {
      const taps = (axis: number) => float32Taps(tapsOf(x.shape.at(axis)!, gy.shape.at(axis)!));
      const y = resize(x, taps(-2), taps(-1));
      return prefixed(kind, { y, gx: grad(y, [x], gy)[0]! });
    });
    return checkAll(bench, golden, Object.assign({}, ...outputs));
  });

/** An 8-bit photo [h,w,3] as [1,3,h,w] in [-1,1]. */
export function photoPlanes(golden: GoldenCase): { data: Float32Array; shape: Shape } {
  const [h, w] = golden.shape("image_u8_hwc") as [number, number, number];
  const levels = golden.u8("image_u8_hwc");
  const data = Float32Array.from({ length: 3 * h * w }, (_, i) => {
    const [channel, position] = [Math.floor(i / (h * w)), i % (h * w)];
    return (Math.fround(levels[position * 3 + channel]! / 255) - 0.5) * 2;
  });
  return { data, shape: [1, 3, h, w] };
}

const imresize: Check = (gpu, golden) =>
  withBench(gpu, (bench) => {
    const photo = golden.has("x") ? null : photoPlanes(golden);
    const x = photo ? bench.leaf("photo", photo.shape, photo.data) : input(bench, golden, "x");
    const scales: number[] = golden.params.scales;
    return checkAll(bench, golden, Object.fromEntries(scales.map((scale, k) => [`y.${k}`, officialImresize(x, scale)])));
  });

/** Values that were converted to 8 bits agree up to f32 rounding in [-1,1]. */
const PICTURE_BOUND = 1e-5;

const pyramid: Check = (gpu, golden) =>
  withBench(gpu, async (bench) => {
    const { sizes, scale1, scale_factor: factor } = golden.params;
    const { data, shape } = photoPlanes(golden);
    const real = officialImresize(bench.leaf("photo", shape, data), scale1);
    const size = (n: number) => ({ height: sizes[n][0], width: sizes[n][1] });
    const levels = sizes.map((_: unknown, n: number) => [
      `real.${n}`,
      officialImresize(real, factor ** (sizes.length - 1 - n), size(n)),
    ]);
    const values = await bench.run(Object.fromEntries(levels));
    return Object.entries(values).map(([name, got]) => compare(name, got, golden.f32(name), PICTURE_BOUND));
  });

const adam: Check = (gpu, golden) =>
  withBench(gpu, async (bench) => {
    const { lr, beta1, beta2, eps } = golden.params;
    const [steps, n] = golden.shape("grads") as [number, number];
    const net = new ParamSet(gpu, new Map([["p", [n]]]), "adam");
    try {
      net.values.storage.write(new Map([["p", golden.f32("p0")]]));
      const schedule = bench.leaf("schedule", [2], new Float32Array(2));
      const program = await compile(gpu, {
        name: "adam",
        outputs: [],
        updates: [net.adam(schedule, { beta1, beta2, eps })],
        bindings: bench.bindings,
      });
      const comparisons: Comparison[] = [];
      for (let t = 1; t <= steps; t++) {
        gpu.write(bench.bindings.get(schedule)!, Float32Array.from(adamSchedule(t, lr, { beta1, beta2, eps })));
        gpu.write(net.gradients, golden.f32("grads").subarray((t - 1) * n, t * n));
        submit(gpu, [program]);
        const state = await gpu.read([net.values.storage, net.m, net.v].map((part) => part.slice("p")));
        ["p", "m", "v"].forEach((kind, i) => {
          comparisons.push(compare(`${kind}.${t}`, state[i]!, golden.f32(`${kind}.${t}`), golden.tolerance(`${kind}.${t}`)));
        });
      }
      program.dispose();
      return comparisons;
    } finally {
      net.dispose();
    }
  });

export const opChecks: Readonly<Record<string, Check>> = {
  conv2d_3x3_valid: convolution,
  batch_norm: batchNormalization,
  leaky_relu_tanh: activations,
  bilinear_resize: bilinear,
  imresize_bicubic: imresize,
  reals_pyramid: pyramid,
  train_trace_inputs: pyramid,
  adam,
};
