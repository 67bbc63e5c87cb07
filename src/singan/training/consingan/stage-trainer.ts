// Trains one ConSinGAN stage on the GPU, with the stages below it that still learn: programs compiled once, an iteration a list of them.
// Official code: train_single_scale of training_generation.py.

import { mul } from "../../../autodiff/ops/elementwise.ts";
import { leaf, type Tensor } from "../../../autodiff/tensor.ts";
import type { Gpu } from "../../../gpu/device.ts";
import { type Planes, rmse } from "../../../image/planes.ts";
import { ADAM, adamSchedule } from "../../../nn/adam.ts";
import { FlatBuffer, Leaves, ParamSet } from "../../../runtime/params.ts";
import type { Update } from "../../../runtime/plan.ts";
import { type Program, submit } from "../../../runtime/program.ts";
import { ProgramSet } from "../../../runtime/program-set.ts";
import { learningRate, type Size, type TrainOptions } from "../../model/config.ts";
import type { Preview, StateDict } from "../../model/model.ts";
import { discriminatorShapes, generator, partShapes, partsOf } from "../../networks/consingan-network.ts";
import { gpuNoise, type NoiseSource, PURPOSE, type RecordedDraws, randomKey, recordedNoise } from "../../networks/noise.ts";
import { type Feed, FeedBlock, LossBlock, MAX_BATCH, type Progress, type Run, runBatches } from "../batches.ts";
import { trainedParts } from "./rates.ts";
import { criticStep, drawStages, generatorStep, picturePair, type StageContext, StageLeaves } from "./stage-graphs.ts";

export interface StageSetup {
  readonly stage: number;
  /** Of the stages up to this one. */
  readonly sizes: readonly Size[];
  readonly options: TrainOptions;
  readonly real: Planes;
  readonly coarsest: Planes;
  /** Noise amplitudes of the stages before. */
  readonly amps: readonly number[];
  /** The weights to start from, of all parts up to this stage. */
  readonly generator: StateDict;
  readonly discriminator: StateDict;
}

type ProgramName = "fixed" | "pair" | "d" | "g" | "adam" | "sample" | "reconstruction";

/** Runs per iteration get key steps of their own. */
const MAX_RUNS = 64;

export class StageTrainer {
  readonly d: ParamSet;
  /** The parts that learn, each with the rate it learns at. */
  readonly trained: readonly { readonly params: ParamSet; readonly rate: number }[];
  readonly losses: LossBlock;
  readonly feed: FeedBlock;
  readonly leaves: StageLeaves;
  /** The random picture and the reconstruction of an iteration. */
  pair!: Tensor;
  programs!: Readonly<Record<ProgramName, Program>>;
  readonly #frozen: readonly Leaves[];
  readonly #set: ProgramSet<ProgramName>;
  #pictures!: { sample: Tensor; reconstruction: Tensor };

  private constructor(
    private readonly gpu: Gpu,
    private readonly setup: StageSetup,
  ) {
    const { stage, sizes, options } = setup;
    const { channels } = options;
    const learning = trainedParts(stage, options);
    this.trained = learning.map(({ part, rate }) => ({
      params: new ParamSet(gpu, partShapes(part, channels), `${this.#name} ${part}`),
      rate,
    }));
    this.#frozen = partsOf(stage + 1)
      .filter((part) => !learning.some((one) => one.part === part))
      .map((part) => new Leaves(new FlatBuffer(gpu, partShapes(part, channels), `${this.#name} frozen ${part}`)));
    this.d = new ParamSet(gpu, discriminatorShapes(channels), `${this.#name} D`);
    this.losses = new LossBlock(gpu, this.#name);
    this.feed = new FeedBlock(gpu, this.#name, MAX_BATCH * MAX_RUNS);
    this.leaves = new StageLeaves(sizes, channels);
    this.#set = new ProgramSet(gpu, this.#name);
  }

  /** Uploads and compiles everything. Throws what compile() throws, leaving nothing behind. `recorded` draws replace random ones. */
  static async create(gpu: Gpu, setup: StageSetup, recorded?: RecordedDraws): Promise<StageTrainer> {
    const trainer = new StageTrainer(gpu, setup);
    try {
      trainer.#upload();
      await trainer.#compile(recorded);
      return trainer;
    } catch (error) {
      trainer.dispose();
      throw error;
    }
  }

  get #name(): string {
    return `stage ${this.setup.stage}`;
  }

  #upload(): void {
    const { setup, leaves } = this;
    const set = this.#set;
    const learning = this.trained.map(({ params }) => params.values);
    for (const { bindings } of [...learning, ...this.#frozen, this.d.values, this.feed.leaves]) set.bind(bindings);
    for (const { params } of this.trained) params.values.storage.write(setup.generator);
    for (const frozen of this.#frozen) frozen.storage.write(setup.generator);
    this.d.values.storage.write(setup.discriminator);
    set.place(leaves.real, setup.real.data);
    set.place(leaves.fixed[0]!, setup.coarsest.data);
    // The newest stage is silent until its amplitude is measured.
    for (const [k, amp] of leaves.amps.entries()) set.place(amp, new Float32Array(amp.size).fill(setup.amps[k] ?? 0));
  }

  async #compile(recorded?: RecordedDraws): Promise<void> {
    const { setup, leaves, gpu, feed, losses } = this;
    const set = this.#set;
    const { sizes, options, stage } = setup;
    const { channels, seed } = options;
    const key = feed.tensor("key");
    if (recorded) set.bind(recorded.values());
    const source = (): NoiseSource => (recorded ? recordedNoise(recorded) : gpuNoise(key));
    const weights = [...this.trained.map(({ params }) => params.values), ...this.#frozen].flatMap(({ tensors }) => [...tensors]);
    const context: StageContext = {
      ...{ sizes, options, g: new Map(weights), d: this.d.tensors },
      trained: this.trained.flatMap(({ params }) => [...params.tensors.values()]),
    };
    // The reconstruction's noise: drawn once, the same bits whenever the model is loaded again.
    const fixedKey = leaf("fixed key", [4]);
    set.place(fixedKey, fixedNoiseKey(seed));
    const drawn = fixedNoise(fixedKey, leaves.fixed);
    const fixed = set.draft("fixed", drawn.slice(1));
    for (const [k, t] of leaves.fixed.entries()) if (k > 0) set.bind([[t, recorded?.get(t.name)?.[1] ?? fixed.slice(drawn[k]!)]]);

    this.pair = picturePair(context, leaves, drawStages(source(), sizes, channels));
    const g = generatorStep(context, leaves, this.pair);
    set.draft("pair", [this.pair, ...g.saved]);
    const d = criticStep(context, leaves, this.pair, source().uniform("alpha", [1]));
    set.draft("d", [], {
      into: [...this.d.gradientsInto(d.gradients), ...losses.into(d.losses)],
      updates: [this.d.adam(feed.tensor("adam"), ADAM)],
    });
    let at = 0;
    const gradients = this.trained.flatMap(({ params }) => {
      const own = g.gradients.slice(at, at + params.tensors.size);
      at += own.length;
      return params.gradientsInto(own);
    });
    const adam = this.#adam();
    set.draft("g", [], { into: [...gradients, ...losses.into(g.losses)], updates: adam });
    set.draft("adam", [], { updates: adam });

    const sample = generator(drawStages(gpuNoise(key), sizes, channels), leaves.amps, sizes, context.g);
    const reconstruction = generator(leaves.fixed, leaves.amps, sizes, context.g);
    this.#pictures = { sample, reconstruction };
    set.draft("sample", [sample]);
    set.draft("reconstruction", [reconstruction]);
    this.programs = await set.complete();
    if (stage > 0) submit(gpu, [this.programs.fixed]);
  }

  /** An Adam step of all parts that learn, each at its own rate. */
  #adam(): Update[] {
    const schedule = this.feed.tensor("adam");
    return this.trained.map(({ params, rate }) => {
      if (rate === 1) return params.adam(schedule, ADAM);
      const factors = leaf("rate", schedule.shape); // (lr/(1−β1ᵗ), 1/√(1−β2ᵗ)): the first is the rate
      this.#set.place(factors, Float32Array.of(rate, 1));
      return params.adam(mul(schedule, factors), ADAM);
    });
  }

  /**
   * Sets the newest stage's noise amplitude by what is still missing without it, and gives it: 1 at the coarsest stage; else noiseAmp times
   * the RMSE of the reconstruction.
   */
  async measureNoiseAmp(): Promise<number> {
    const { stage, options, real } = this.setup;
    if (stage === 0) return 1;
    const { reconstruction } = await this.preview(0);
    const amp = Math.fround(options.noiseAmp * rmse(real, reconstruction));
    const place = this.leaves.amps[stage]!;
    this.gpu.write(this.#set.slice(place), new Float32Array(place.size).fill(amp));
    return amp;
  }

  /** All iterations of the stage in batches of at most `maxBatch`; see runBatches. */
  iterations(maxBatch?: number): AsyncGenerator<Progress> {
    const job = { name: this.#name, iterations: this.setup.options.iterations, plan: (at: number) => this.iteration(at) };
    return runBatches(this.gpu, this.feed, this.losses, job, maxBatch);
  }

  /** One iteration in the official order: a pair of pictures, D's steps on it, the generator's gradient, and Adam's steps with it. */
  iteration(at: number): Run[] {
    const { options, stage } = this.setup;
    const { pair, d, g, adam } = this.programs;
    const lr = learningRate(options, at);
    const runs: Run[] = [];
    const add = (program: Program, step?: Feed["adam"]) => {
      const key = randomKey(options.seed, PURPOSE.training, stage, at * MAX_RUNS + runs.length);
      runs.push({ program, feed: { key, ...(step && { adam: step }) }, before: [] });
    };
    add(pair);
    for (let j = 0; j < options.dSteps; j++) add(d, adamSchedule(at * options.dSteps + j + 1, lr));
    for (let j = 0; j < options.gSteps; j++) add(j === 0 ? g : adam, adamSchedule(at * options.gSteps + j + 1, lr));
    return runs;
  }

  /** A random picture and the reconstruction with the weights of this moment. */
  async preview(index: number): Promise<Preview> {
    const { options, stage, sizes } = this.setup;
    this.feed.write({ key: randomKey(options.seed, PURPOSE.preview, stage, index) });
    const { sample, reconstruction } = this.programs;
    submit(this.gpu, [sample, reconstruction]);
    const [drawn, rebuilt] = await this.gpu.read([
      sample.slice(this.#pictures.sample),
      reconstruction.slice(this.#pictures.reconstruction),
    ]);
    const size = sizes.at(-1)!;
    return { sample: { ...size, data: drawn! }, reconstruction: { ...size, data: rebuilt! } };
  }

  /** Both nets by official names: what learns is read back, the rest is as it was given. */
  async stateDicts(): Promise<{ generator: StateDict; discriminator: StateDict }> {
    const [discriminator, ...parts] = await Promise.all(
      [this.d, ...this.trained.map(({ params }) => params)].map(({ values }) => values.storage.read()),
    );
    const learnt = new Map(parts.flatMap((part) => [...part]));
    const generator = new Map([...this.setup.generator].map(([name, values]) => [name, learnt.get(name) ?? values]));
    return { generator, discriminator: discriminator! };
  }

  dispose(): void {
    for (const { params } of this.trained) params.dispose();
    for (const part of [this.#set, ...this.#frozen, this.d, this.losses, this.feed]) part.dispose();
  }
}

/** The key of the reconstruction's noise; stage k draws stream k. */
export const fixedNoiseKey = (seed: number): Uint32Array => randomKey(seed, PURPOSE.zStar, 0);

/** The reconstruction's noise for every stage; the coarsest one's has the coarsest picture in its place. */
export function fixedNoise(key: Tensor, places: readonly Tensor[]): Tensor[] {
  const source = gpuNoise(key);
  return places.map((t) => source.normal(t.name, t.shape));
}
