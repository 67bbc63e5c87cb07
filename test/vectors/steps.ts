// Runs the golden cases of a whole discriminator or generator step on the GPU.

import { grad } from "../../src/autodiff/grad.ts";
import { scale } from "../../src/autodiff/ops/elementwise.ts";
import { mean } from "../../src/autodiff/ops/reduce.ts";
import { crop2d, margins } from "../../src/autodiff/ops/spatial.ts";
import type { Shape, Tensor } from "../../src/autodiff/tensor.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import type { Observe } from "../../src/nn/layers.ts";
import type { Update } from "../../src/runtime/plan.ts";
import { runningStats } from "../../src/runtime/running-stats.ts";
import { PADDING } from "../../src/singan/model/config.ts";
import { BLOCKS } from "../../src/singan/model/shapes.ts";
import { gradientPenalty, interpolate, reconstructionLoss } from "../../src/singan/networks/losses.ts";
import { discriminator, generator } from "../../src/singan/networks/networks.ts";
import { Bench, type Comparison, compare, type GoldenCase, loadCase } from "./case.ts";
import type { Check } from "./ops.ts";

/** A network's tensors in the test graph, and its running statistics. */
export class RecordedNet {
  readonly weights = new Map<string, Tensor>();
  readonly #statistics = new Map<string, Tensor>();
  readonly updates: Update[] = [];

  constructor(
    private readonly bench: Bench,
    golden: GoldenCase,
    prefix: string,
    tail: string,
    private readonly momentum: Tensor,
  ) {
    const add = (name: string, vector: boolean) => {
      const stored = golden.shape(`${prefix}.${name}`);
      const shape: Shape = vector ? [1, stored[0]!] : stored;
      this.weights.set(name, bench.leaf(`${prefix}.${name}`, shape, golden.f32(`${prefix}.${name}`)));
    };
    for (const block of BLOCKS) {
      for (const part of ["conv.weight", "conv.bias", "norm.weight", "norm.bias"])
        add(`${block}.${part}`, part !== "conv.weight");
      const [mean_, variance] = ["running_mean", "running_var"].map((k) => golden.f32(`${prefix}.${block}.norm.${k}`));
      this.#statistics.set(
        block,
        bench.leaf(`${prefix}.${block} statistics`, [1, 2, mean_!.length], Float32Array.of(...mean_!, ...variance!)),
      );
    }
    add(`${tail}.weight`, false);
    add(`${tail}.bias`, true);
  }

  /** Observes normalisations. Their updates are applied in the order of the passes. */
  readonly observe: Observe = (layer, batch, count) => {
    this.updates.push(runningStats(this.bench.bindings.get(this.#statistics.get(layer)!)!, batch, this.momentum, count));
  };

  async statistics(): Promise<Map<string, Float32Array>> {
    const values = await this.bench.gpu.read([...this.#statistics.values()].map((t) => this.bench.bindings.get(t)!));
    return new Map(
      [...this.#statistics].flatMap(([block, t], i) => {
        const channels = t.shape[2]!;
        return [
          [`${block}.norm.running_mean`, values[i]!.slice(0, channels)],
          [`${block}.norm.running_var`, values[i]!.slice(channels, 2 * channels)],
        ] as [string, Float32Array][];
      }),
    );
  }
}

const named = (prefix: string, net: RecordedNet, gradients: readonly Tensor[]): Record<string, Tensor> =>
  Object.fromEntries([...net.weights.keys()].map((name, i) => [`${prefix}.${name}`, gradients[i]!]));
const negativeMean = (t: Tensor): Tensor => scale(mean(t), -1);
const MOMENTUM = 0.1;

async function run(
  gpu: Gpu,
  golden: GoldenCase,
  use: (bench: Bench, momentum: Tensor) => Promise<Map<string, Float32Array>>,
): Promise<Comparison[]> {
  const bench = new Bench(gpu);
  try {
    const results = await use(bench, bench.leaf("momentum", [1], Float32Array.of(MOMENTUM)));
    return [...results].map(([name, got]) => compare(name, got, golden.f32(name), golden.tolerance(name)));
  } finally {
    bench.dispose();
  }
}

export const discriminatorStep: Check = (gpu, golden) =>
  run(gpu, golden, async (bench, momentum) => {
    const d = new RecordedNet(bench, golden, "D", "tail", momentum);
    const weights = [...d.weights.values()];
    const [real, fake] = ["real", "fake"].map((name) => bench.leaf(name, golden.shape(name), golden.f32(name))) as [
      Tensor,
      Tensor,
    ];
    const alpha = bench.leaf("alpha", [1], golden.f32("alpha"));
    const critic = (x: Tensor) => discriminator(x, d.weights, d.observe);
    const results = new Map<string, Float32Array>();
    const keep = (values: Record<string, Float32Array>) => {
      for (const [name, value] of Object.entries(values)) results.set(name, value);
    };
    const keepStatistics = async (prefix: string) => {
      for (const [name, value] of await d.statistics()) results.set(`${prefix}.${name}`, value);
    };

    const outReal = critic(real);
    const lossReal = negativeMean(outReal);
    const realResults = { out_real: outReal, errD_real: lossReal, ...named("grad_real", d, grad(lossReal, weights)) };
    keep(await bench.run(realResults, d.updates.splice(0)));
    await keepStatistics("bn_after_real");

    const outFake = critic(fake);
    const lossFake = mean(outFake);
    const between = interpolate(real, fake, alpha);
    const { loss, gradient } = gradientPenalty(critic, between, golden.params.lambda_grad);
    const rest = {
      ...{ out_fake: outFake, errD_fake: lossFake, interpolates: between, gp_input_grad: gradient, gp: loss },
      ...named("grad_fake", d, grad(lossFake, weights)),
      ...named("grad_gp", d, grad(loss, weights)),
    };
    keep(await bench.run(rest, d.updates.splice(0)));
    await keepStatistics("bn_after");
    return results;
  });

export const generatorStep: Check = (gpu, golden) =>
  run(gpu, golden, async (bench, momentum) => {
    const g = new RecordedNet(bench, golden, "G", "tail.0", momentum);
    const elsewhere: string | undefined = golden.params.D_weights_in;
    const d = new RecordedNet(bench, elsewhere ? loadCase(golden.read, elsewhere) : golden, "D", "tail", momentum);
    const weights = [...g.weights.values()];
    const image = (name: string) => bench.leaf(name, golden.shape(name), golden.f32(name));
    const [real, noise, previous, zIn, zPrevious] = ["real", "noise", "prev", "z_in", "z_prev"].map(image) as [
      Tensor,
      Tensor,
      Tensor,
      Tensor,
      Tensor,
    ];
    const inner = (t: Tensor) => crop2d(t, margins(PADDING));
    const fake = generator(noise, inner(previous), g.weights, g.observe);
    const adversarial = negativeMean(discriminator(fake, d.weights, d.observe));
    const rebuilt = generator(zIn, inner(zPrevious), g.weights, g.observe);
    const rec = reconstructionLoss(rebuilt, real, golden.params.alpha);
    const outputs = {
      ...{ fake, errG: adversarial, grad_adv_wrt_fake: grad(adversarial, [fake])[0]!, rec_img: rebuilt, rec_loss: rec },
      ...named("grad_adv", g, grad(adversarial, weights)),
      ...named("grad_rec", g, grad(rec, weights)),
    };
    const results = new Map(Object.entries(await bench.run(outputs, [...g.updates, ...d.updates])));
    for (const [name, value] of await g.statistics()) results.set(`bn_after.${name}`, value);
    for (const [name, value] of await d.statistics()) results.set(`D_bn_after.${name}`, value);
    return results;
  });
