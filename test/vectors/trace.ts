// Golden traces: a whole recorded training of the official code, followed draw by draw by the iterations of the program's own ScaleTrainer.
// Only the draws and the 8-bit resize come from the recording (test/golden/README.md, h_trace). The recorded hidden convolutions have
// constant biases, ours none: batch norm takes a bias out again, so it is nothing but a shift of the running mean.

import { leaf, type Shape, type Tensor } from "../../src/autodiff/tensor.ts";
import type { Gpu, Slice } from "../../src/gpu/device.ts";
import { FlatBuffer } from "../../src/runtime/flat-buffer.ts";
import type { Update } from "../../src/runtime/plan.ts";
import { compile, submit } from "../../src/runtime/program.ts";
import { runningStats } from "../../src/runtime/running-stats.ts";
import { DEFAULTS, type Size } from "../../src/singan/model/config.ts";
import type { LossRecord } from "../../src/singan/model/model.ts";
import { BLOCKS, statisticsShapes } from "../../src/singan/model/shapes.ts";
import { chain, FrozenScale } from "../../src/singan/networks/frozen-scale.ts";
import { grey } from "../../src/singan/networks/noise.ts";
import { resolveOptions } from "../../src/singan/recipes.ts";
import type { TrainerTensors } from "../../src/singan/training/level-trainer.ts";
import { type ProgramName, type ScaleParts, ScaleTrainer, type Watch } from "../../src/singan/training/singan/scale-trainer.ts";
import { Bench, type Comparison, compare, DEVIATIONS, type GoldenCase, loadCase, recordedNet } from "./case.ts";
import { officialUpsample } from "./official.ts";
import type { Check } from "./ops.ts";
import { type RecordedDraws, recordedNoise } from "./recorded-noise.ts";

type State = Map<string, Float32Array>;
type Net = "G" | "D";

/** Bounds of test/golden/README.md: while no mask or 8-bit level flips, and afterwards. */
const TIGHT = { loss: 1e-5, weight: 2e-6, statistic: 2e-6, picture: 3e-5 };
const LOOSE = { loss: 0.05, weight: 0.01, statistic: 0.05, picture: 0.05 };
/** After a flip a weight may be this share of its own movement in the scale away, ‖got − want‖/‖want − start‖: 0.024 was the most here. */
const SHARE_OF_MOVEMENT = 0.1;
/** Where PyTorch's own float32 run and slightly disturbed runs agree this well, nothing has flipped. */
const CLEAN = 4e-6;
/** The official code draws a picture in train mode after iterations 0, 500, … and the last. */
const PICTURE_EVERY = 500;

export const trace: Check = async (gpu, golden) => {
  const inputs = loadCase(golden.read, golden.name.replace(/_[^_]+$/, "_inputs"));
  const comparisons: Comparison[] = [];
  for (const batched of [false, true]) {
    const replay = new TraceReplay(gpu, golden, inputs, batched);
    try {
      for (let scale = 0; scale < golden.params.sizes.length; scale++) await replay.train(scale);
      comparisons.push(...replay.comparisons);
    } finally {
      replay.dispose();
    }
  }
  return comparisons;
};

class TraceReplay {
  readonly comparisons: Comparison[] = [];
  readonly #bench: Bench;
  readonly #frozen: FrozenScale[] = [];
  readonly #upsample;
  readonly #lossRows = { D: 0, G: 0 };
  #zOpt = new Float32Array(0);
  readonly #cleanSteps: number;
  #nets: Record<Net, State>;
  /** PyTorch's momentum, for the discriminator's statistics; the program itself keeps none. */
  readonly #momentum: Tensor;

  constructor(
    private readonly gpu: Gpu,
    private readonly golden: GoldenCase,
    private readonly inputs: GoldenCase,
    private readonly batched: boolean,
  ) {
    const { sizes, mode } = golden.params;
    if (!["stale", "refake"].includes(mode)) throw new Error(`${golden.name}: unknown trace mode ${mode}`);
    if (sizes.length > 2) throw new Error(`${golden.name}: traces of more than 2 scales record no draws for longer chains`);
    this.#bench = new Bench(gpu);
    this.#momentum = this.#bench.leaf("momentum", [1], Float32Array.of(0.1));
    this.#upsample = officialUpsample(golden.params.scale_factor);
    this.#cleanSteps = golden.params.clean_steps ?? cleanSteps(golden);
    this.#nets = { G: recordedNet(inputs, "init.G", "generator"), D: recordedNet(inputs, "init.D", "discriminator") };
  }

  #size(scale: number): Size {
    const [height, width] = this.golden.params.sizes[scale];
    return { width, height };
  }

  async train(scale: number): Promise<void> {
    const { gpu, inputs } = this;
    const p = this.golden.params;
    const size = this.#size(scale);
    const real = { ...size, data: inputs.f32(`real.${scale}`) };
    const zPrev = scale === 0 ? null : { ...size, data: await this.#chainPicture(scale, this.#zOpt) };
    const rmse = zPrev ? Math.sqrt(zPrev.data.reduce((sum, v, i) => sum + (v - real.data[i]!) ** 2, 0) / zPrev.data.length) : 0;
    const noiseAmp = scale === 0 ? 1 : p.noise_amp_init * rmse;
    this.#compare(`noise_amp.${scale}`, [noiseAmp], "weight", scale, 0);

    const draws = this.#drawBuffers(scale);
    const options = resolveOptions({
      ...{ iterations: p.niter, dSteps: p.Dsteps, gSteps: p.Gsteps, lr: p.lr, alphaRec: p.alpha, lambdaGp: p.lambda_grad },
      ...{ averageOver: 0, alphaShare: 1 },
      ...{ lrDropAt: 1, zStar: "redrawn", statistics: "running", gStep: p.mode === "stale" ? "replay" : "regenerate" },
    });
    const dStatistics = new FlatBuffer(gpu, statisticsShapes(p.nfc), "D statistics");
    dStatistics.write(statisticsOf(this.#nets.D));
    const setup = {
      ...{ scale, size, channels: p.nfc, options, real, frozen: this.#frozen, upsample: this.#upsample, zPrev, noiseAmp },
      zStar: scale === 0 ? new Float32Array(size.width * size.height) : null,
      ...{ generator: new Map(), discriminator: new Map() },
      state: { iteration: 0, noiseAmp, tensors: startingTensors(this.#nets) },
    };
    const trainer = await ScaleTrainer.create(gpu, setup, this.#parts(draws, dStatistics));
    try {
      for (let it = 0; it < p.niter; it++) {
        await this.#iteration(trainer, scale, it, draws);
        if (it % PICTURE_EVERY === 0 || it === p.niter - 1) await trainer.preview(it);
        if (it === 0) await this.#compareNets(`after_iter0.${scale}`, trainer, dStatistics, scale, stepsAfter(p, scale, 1));
      }
      this.#nets = await this.#compareNets(`final.${scale}`, trainer, dStatistics, scale, stepsAfter(p, scale, p.niter));
      if (scale === 0) {
        [this.#zOpt] = (await gpu.read([draws.get("zOpt")![1]])) as [Float32Array<ArrayBuffer>];
        this.#compareZOpt(size);
      }
    } finally {
      trainer.dispose();
      dStatistics.dispose();
    }
    this.#frozen.push(new FrozenScale(gpu, { size, channels: p.nfc, noiseAmp, generator: this.#nets.G }, DEFAULTS));
    const steps = stepsAfter(p, scale, p.niter);
    this.#compare(`sample.${scale}`, await this.#chainPicture(null, inputs.f32("draw.sample.0")), "picture", scale, steps);
    this.#compare(`rec.${scale}`, await this.#chainPicture(null, this.#zOpt, true), "picture", scale, steps);
  }

  /** Recorded draws, and what the official code does that the program leaves out: D's statistics, and pictures that move G's. */
  #parts(draws: RecordedDraws, dStatistics: FlatBuffer): ScaleParts {
    const { Gsteps } = this.golden.params;
    const recorded: readonly ProgramName[] = ["noise", "fakes", "d"];
    const watchD = (repeats: number): Watch => {
      const updates: Update[] = [];
      const observe: Watch["observe"] = (layer, batch, count) =>
        updates.push(runningStats(dStatistics.slice(layer), batch, this.#momentum, count, repeats));
      return { updates, observe };
    };
    return {
      noise: (program) => (recorded.includes(program) ? recordedNoise(draws) : null),
      watch: (program, net, generator) => {
        if (net === "generator") return program === "reconstruction" ? generator() : null;
        // The official code runs D on the kept fake in every G step, where the program runs it once: the same statistics each time.
        return watchD(program === "adversarial" ? Gsteps : 1);
      },
      bindings: [...draws.values(), [this.#momentum, this.#bench.bindings.get(this.#momentum)!]],
      batchValues: this.batched ? Number.POSITIVE_INFINITY : 0,
    };
  }

  /** The runs of an iteration as the trainer has them, one after the other, each with its recorded draws. */
  async #iteration(trainer: ScaleTrainer, scale: number, it: number, draws: RecordedDraws): Promise<void> {
    const { gpu } = this;
    const { Dsteps } = this.golden.params;
    const write = (name: string, tensor: string, row: number) => {
      const draw = draws.get(name);
      const count = draw![0].size;
      gpu.write(draw![1], this.inputs.f32(tensor).subarray(row * count, (row + 1) * count));
    };
    const loss = async (names: readonly (keyof LossRecord)[]) => {
      const { losses } = await trainer.losses.read();
      return names.map((name) => losses[name]);
    };
    const done = { d: 0, g: 0 };
    for (const { program, feed, before } of trainer.iteration(it)) {
      const name = program.name.replace(/^scale \d+ /, "");
      if (name === "noise") {
        write("noise", `draw.noise.${scale}`, it);
        if (scale === 0) write("zOpt", "draw.z_opt.0", it);
      }
      const run = it * Dsteps + done.d;
      if (name === "fakes" && scale > 0) write("chain.0", `draw.chain.${scale}`, this.batched ? it : run);
      if (name === "d") write("alpha", `draw.alpha.${scale}`, run);
      trainer.feed.write(feed);
      submit(gpu, [...before, program]);
      if (name === "d") {
        const j = done.d++;
        this.#compareLosses("D", scale, it, j, await loss(["dReal", "dFake", "gradientPenalty"]), j);
      } else if (name === "g") {
        const j = done.g++;
        this.#compareLosses("G", scale, it, j, await loss(["gAdversarial", "reconstruction"]), Dsteps + j);
      }
    }
  }

  /** Buffers for the recorded draws. */
  #drawBuffers(scale: number): Map<string, readonly [Tensor, Slice]> {
    const { width, height } = this.#size(scale);
    const coarsest = this.#size(0);
    const shapes: Record<string, Shape> = {
      noise: [1, scale === 0 ? 1 : 3, height, width],
      zOpt: [1, 1, height, width],
      alpha: [1],
      "chain.0": [this.batched ? this.golden.params.Dsteps : 1, 1, coarsest.height, coarsest.width],
    };
    return new Map(
      Object.entries(shapes).map(([name, shape]) => {
        const t = leaf(name, shape);
        return [name, [t, this.#bench.bind(t, new Float32Array(t.size))] as const];
      }),
    );
  }

  /** The frozen chain from coarsest noise `z0`: upsampled to scale `to`, or (null) the last frozen scale's own picture. */
  async #chainPicture(to: number | null, z0: Float32Array, reconstruction = to !== null): Promise<Float32Array> {
    const z = this.#bench.leaf("z0", [1, 1, this.#size(0).height, this.#size(0).width], z0);
    const noise = (k: number) => {
      if (k === 0) return grey(z, DEFAULTS);
      return reconstruction
        ? null
        : this.#bench.leaf(`z${k}`, this.inputs.shape(`draw.sample.${k}`), this.inputs.f32(`draw.sample.${k}`));
    };
    const picture = chain(this.#frozen, noise, this.#upsample);
    const output = to === null ? picture : this.#upsample(picture, this.#size(to - 1), this.#size(to));
    const bindings = new Map([...this.#bench.bindings, ...this.#frozen.flatMap((f) => f.bindings)]);
    const program = await compile(this.gpu, { name: "chain", outputs: [output], bindings });
    try {
      submit(this.gpu, [program]);
      return (await this.gpu.read([program.slice(output)]))[0]!;
    } finally {
      program.dispose();
    }
  }

  #bounds(steps: number) {
    return steps <= this.#cleanSteps ? TIGHT : LOOSE;
  }

  #compare(tensor: string, got: ArrayLike<number>, kind: keyof typeof TIGHT, scale: number, steps: number): void {
    // Nothing of a scale is known better than where its first step starts from.
    const bounds = this.#bounds(Math.max(steps, stepsAfter(this.golden.params, scale, 0)));
    const bound = Math.max(bounds[kind], DEVIATIONS * this.golden.deviation(tensor));
    this.comparisons.push(compare(tensor, got, this.golden.f32(tensor), bound));
  }

  #compareLosses(net: Net, scale: number, it: number, j: number, got: readonly number[], step: number): void {
    const row = this.#lossRows[net]++;
    const width = 3 + got.length;
    const want = this.golden.f32(`losses_${net}`).subarray(row * width, (row + 1) * width);
    if (want[0] !== scale || want[1] !== it || want[2] !== j)
      throw new Error(`${this.golden.name}: row ${row} of losses_${net} is another step`);
    const bound = this.#bounds(stepsAfter(this.golden.params, scale, it) + step + 1).loss;
    this.comparisons.push(compare(`losses_${net} ${scale}/${it}/${j}`, got, want.subarray(3), bound));
  }

  /** Reads both nets with statistics and biases, compares them and hands them on. */
  async #compareNets(
    prefix: string,
    trainer: ScaleTrainer,
    dStatistics: FlatBuffer,
    scale: number,
    steps: number,
  ): Promise<Record<Net, State>> {
    const { generator, discriminator } = await trainer.stateDicts();
    const nets: Record<Net, State> = { G: new Map(generator), D: new Map(discriminator) };
    for (const [block, values] of await dStatistics.read()) {
      nets.D.set(`${block}.norm.running_mean`, values.slice(0, values.length / 2));
      nets.D.set(`${block}.norm.running_var`, values.slice(values.length / 2));
    }
    for (const net of ["G", "D"] as const) {
      for (const block of BLOCKS) {
        const bias = this.#nets[net].get(`${block}.conv.bias`)!;
        const mean = nets[net].get(`${block}.norm.running_mean`)!;
        nets[net].set(`${block}.conv.bias`, bias);
        nets[net].set(
          `${block}.norm.running_mean`,
          bias.map((b, c) => mean[c]! + b),
        );
      }
    }
    for (const [net, state] of Object.entries(nets)) {
      for (const [name, values] of state) {
        const tensor = `${prefix}.${net}.${name}`;
        const kind = name.includes("running_") ? "statistic" : "weight";
        if (!this.golden.has(tensor)) continue;
        this.#compare(tensor, values, kind, scale, steps);
        if (isTrained(name)) this.#compareMovement(tensor, values, this.#nets[net as Net].get(name)!);
      }
    }
    return nets;
  }

  /** What a weight has not learnt would pass the loose bound: it moves by less. */
  #compareMovement(tensor: string, got: Float32Array, start: Float32Array): void {
    const want = this.golden.f32(tensor);
    const distance = (from: Float32Array) => Math.sqrt(want.reduce((sum, v, i) => sum + (v - from[i]!) ** 2, 0));
    const share = distance(got) / distance(start);
    this.comparisons.push({ tensor: `${tensor}, of its movement`, error: share, bound: SHARE_OF_MOVEMENT });
  }

  /** z_opt is stored padded and with three equal channels. */
  #compareZOpt({ width, height }: Size): void {
    const [, , h, w] = this.golden.shape("z_opt.0") as [number, number, number, number];
    const [top, left] = [(h - height) / 2, (w - width) / 2];
    const padded = new Float32Array(3 * h * w);
    this.#zOpt.forEach((v, i) => {
      for (let c = 0; c < 3; c++) padded[(c * h + top + Math.floor(i / width)) * w + left + (i % width)] = v;
    });
    this.#compare("z_opt.0", padded, "weight", 0, 0);
  }

  dispose(): void {
    this.#bench.dispose();
    for (const frozen of this.#frozen) frozen.dispose();
  }
}

/** Optimiser steps before the first whose recorded deviations show a flip; all, where none are recorded. */
function cleanSteps(golden: GoldenCase): number {
  const { niter, Dsteps, Gsteps, sizes } = golden.params;
  const perIteration = Dsteps + Gsteps;
  let clean = sizes.length * niter * perIteration;
  for (const [net, steps, offset] of [
    ["D", Dsteps, 0],
    ["G", Gsteps, Dsteps],
  ] as const) {
    for (const kind of ["f32dev_frozen", "envelope"]) {
      const name = `losses_${net}_${kind}`;
      if (!golden.has(name)) continue;
      const columns = golden.shape(name)[1]!;
      const flipped = golden.f32(name).findIndex((deviation) => deviation > CLEAN);
      if (flipped < 0) continue;
      const row = Math.floor(flipped / columns);
      clean = Math.min(clean, Math.floor(row / steps) * perIteration + offset + (row % steps));
    }
  }
  return clean;
}

/** Optimiser steps done after `iterations` of a scale. */
function stepsAfter(p: { niter: number; Dsteps: number; Gsteps: number }, scale: number, iterations: number): number {
  return (scale * p.niter + iterations) * (p.Dsteps + p.Gsteps);
}

const isTrained = (name: string): boolean => !/running_|conv\.bias/.test(name);

/** Running statistics [mean; variance] by block, with the biases taken out of the means. */
function statisticsOf(state: State): Map<string, Float32Array> {
  return new Map(
    BLOCKS.map((block) => {
      const [mean, variance, bias] = ["norm.running_mean", "norm.running_var", "conv.bias"].map(
        (kind) => state.get(`${block}.${kind}`)!,
      );
      return [block, Float32Array.of(...mean!.map((m, c) => m - bias![c]!), ...variance!)];
    }),
  );
}

/** A trainer's tensors before its first step: the nets' weights and the generator's statistics, with moments of 0. */
function startingTensors(nets: Record<Net, State>): TrainerTensors {
  const tensors = new Map<string, Float32Array>();
  for (const net of ["G", "D"] as const) {
    for (const [name, values] of nets[net]) {
      if (!isTrained(name)) continue;
      tensors.set(`${net} ${name}`, values);
      for (const moment of ["m", "v"]) tensors.set(`${net} ${moment} ${name}`, new Float32Array(values.length));
    }
  }
  for (const [block, values] of statisticsOf(nets.G)) tensors.set(`statistics ${block}`, values);
  return tensors;
}
