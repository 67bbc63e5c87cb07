// Trains one ConSinGAN stage on the GPU, with the stages below it that still learn.
// Official code: train_single_scale of training_generation.py.

import { mul } from "../../../autodiff/ops/elementwise.ts";
import { leaf, type Tensor } from "../../../autodiff/tensor.ts";
import type { Gpu, Slice } from "../../../gpu/device.ts";
import { type Planes, rmse } from "../../../image/planes.ts";
import { ADAM } from "../../../nn/adam.ts";
import { FlatBuffer, Leaves } from "../../../runtime/flat-buffer.ts";
import { ParamSet } from "../../../runtime/param-set.ts";
import type { Update } from "../../../runtime/plan.ts";
import { submit } from "../../../runtime/program.ts";
import { imageShape, type Size, type TrainOptions } from "../../model/config.ts";
import { discriminatorShapes, type Part, partShapes, partsOf, stagePart } from "../../model/consingan-models.ts";
import type { StateDict } from "../../model/model.ts";
import { discriminator, generator } from "../../networks/consingan-network.ts";
import { fixedNoiseKey, gpuNoise, type NoiseSource, stageNoise } from "../../networks/noise.ts";
import { LevelTrainer, type StateDicts, type Step, type TrainerState } from "../level-trainer.ts";
import { criticStep, generatorStep, picturePair, type StageContext, StageLeaves } from "./stage-graphs.ts";

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
  /** Where an earlier trainer of this stage stopped; its weights replace those that learn. */
  readonly state?: TrainerState | undefined;
  readonly noiseStream?: number | undefined;
}

/** What a trainer can be given from outside. Each has a default. */
export interface StageParts {
  /** Where the random numbers of an iteration come from; by default the GPU's generator, from the run's key. */
  noise?(): NoiseSource;
  /** The reconstruction's noise of a stage above the coarsest; by default drawn by the seed. */
  fixed?(stage: number): Slice;
  readonly bindings?: Iterable<readonly [Tensor, Slice]>;
}

type ProgramName = "fixed" | "pair" | "d" | "g" | "adam" | "sample" | "reconstruction";

export class StageTrainer extends LevelTrainer<ProgramName> {
  readonly #d: ParamSet;
  /** The parts that learn, each with its share of the learning rate. */
  readonly #trained: readonly { readonly name: string; readonly params: ParamSet; readonly rate: number }[];
  readonly #frozen: readonly Leaves[];
  readonly #leaves: StageLeaves;
  readonly #real: Tensor;

  private constructor(
    gpu: Gpu,
    private readonly setup: StageSetup,
    private readonly parts: StageParts,
  ) {
    const { stage, sizes, options } = setup;
    const { channels } = options;
    const name = `stage ${stage}`;
    super(gpu, name, stage, setup.real, options, setup.noiseStream);
    const learning = trainedParts(stage, options);
    this.#trained = learning.map(({ part, rate }) => ({
      name: part,
      params: new ParamSet(gpu, partShapes(part, channels), `${name} ${part}`),
      rate,
    }));
    this.#frozen = partsOf(stage + 1)
      .filter((part) => !learning.some((one) => one.part === part))
      .map((part) => new Leaves(new FlatBuffer(gpu, partShapes(part, channels), `${name} frozen ${part}`)));
    this.#d = new ParamSet(gpu, discriminatorShapes(channels), `${name} D`);
    this.#leaves = new StageLeaves(sizes, channels);
    this.#real = leaf("real", imageShape(this.size, options));
  }

  /** Throws what compile() throws, leaving nothing behind. */
  static create(gpu: Gpu, setup: StageSetup, parts: StageParts = {}): Promise<StageTrainer> {
    return LevelTrainer.ready(new StageTrainer(gpu, setup, parts));
  }

  protected get learning() {
    return { D: this.#d, ...Object.fromEntries(this.#trained.map(({ name, params }) => [name, params])) };
  }

  protected upload(): void {
    const { set, setup, parts } = this;
    const { state } = setup;
    const leaves = this.#leaves;
    const learning = this.#trained.map(({ params }) => params.values);
    for (const { bindings } of [...learning, ...this.#frozen, this.#d.values, this.feed.leaves]) set.bind(bindings);
    if (state) this.writeTensors(state.tensors);
    else {
      for (const { storage } of learning) storage.write(setup.generator);
      this.#d.values.storage.write(setup.discriminator);
    }
    for (const { storage } of this.#frozen) storage.write(setup.generator);
    set.upload(this.#real, setup.real.data);
    set.upload(leaves.fixed[0]!, setup.coarsest.data);
    // The newest stage is silent until its amplitude is measured.
    const amps = [...setup.amps, state?.noiseAmp ?? 0];
    for (const [k, amp] of leaves.amps.entries()) set.upload(amp, new Float32Array(amp.size).fill(amps[k]!));
    set.bind(parts.bindings ?? []);
  }

  protected async compile(): Promise<void> {
    const { set, setup, gpu, feed, losses, options, parts } = this;
    const leaves = this.#leaves;
    const { sizes, stage } = setup;
    const { channels, seed } = options;
    const source = (): NoiseSource => parts.noise?.() ?? gpuNoise(feed.tensor("key"));
    const weights = [...this.#trained.map(({ params }) => params.values), ...this.#frozen].flatMap(({ tensors }) => [...tensors]);
    const context: StageContext = {
      ...{ sizes, options, g: new Map(weights), d: this.#d.tensors, real: this.#real },
      trained: this.#trained.flatMap(({ params }) => [...params.tensors.values()]),
    };
    // The reconstruction's noise: drawn once, with the same bits whenever the model is loaded again.
    const fixedKey = leaf("fixed key", [4]);
    set.upload(fixedKey, fixedNoiseKey(seed));
    const drawn = stageNoise(gpuNoise(fixedKey), sizes, channels);
    const fixed = set.draft("fixed", drawn.slice(1));
    for (const [k, t] of leaves.fixed.entries()) if (k > 0) set.bind([[t, parts.fixed?.(k) ?? fixed.slice(drawn[k]!)]]);

    const pair = picturePair(context, leaves, stageNoise(source(), sizes, channels));
    const g = generatorStep(context, pair);
    set.draft("pair", [pair, ...g.saved]);
    const d = criticStep(context, pair, source().uniform("alpha", [1]));
    set.draft("d", [], {
      into: [...this.#d.gradientsInto(d.gradients), ...losses.into(d.losses)],
      updates: [this.#d.adam(feed.tensor("adam"), ADAM)],
    });
    let at = 0;
    const gradients = this.#trained.flatMap(({ params }) => {
      const own = g.gradients.slice(at, at + params.tensors.size);
      at += own.length;
      return params.gradientsInto(own);
    });
    const adam = this.#adam();
    set.draft("g", [], { into: [...gradients, ...losses.into(g.losses)], updates: adam });
    set.draft("adam", [], { updates: adam });

    const sample = generator(stageNoise(gpuNoise(feed.tensor("key")), sizes, channels), leaves.amps, sizes, context.g);
    const reconstruction = generator(leaves.fixed, leaves.amps, sizes, context.g);
    this.pictures = { sample, reconstruction };
    set.draft("sample", [sample]);
    set.draft("reconstruction", [reconstruction]);
    await this.complete();
    if (stage > 0) submit(gpu, [this.programs.fixed]);
  }

  /** An Adam step of all parts that learn, each at its own rate. */
  #adam(): Update[] {
    const schedule = this.feed.tensor("adam");
    return this.#trained.map(({ params, rate }) => {
      if (rate === 1) return params.adam(schedule, ADAM);
      const factors = leaf("rate", schedule.shape); // (lr/(1−β1ᵗ), 1/√(1−β2ᵗ)): the first is the rate
      this.set.upload(factors, Float32Array.of(rate, 1));
      return params.adam(mul(schedule, factors), ADAM);
    });
  }

  protected scoresOf(picture: Tensor): Tensor {
    return discriminator(picture, this.#d.tensors);
  }

  /** 1 at the coarsest stage; else noiseAmp times the RMSE of the reconstruction that the starting weights make without it. */
  async measureNoiseAmp(): Promise<number> {
    const { stage, options, real, state } = this.setup;
    if (state) return state.noiseAmp;
    if (stage === 0) return 1;
    const { reconstruction } = await this.preview(0);
    const noiseAmp = Math.fround(options.noiseAmp * rmse(real, reconstruction));
    const amp = this.#leaves.amps[stage]!;
    this.gpu.write(this.set.slice(amp), new Float32Array(amp.size).fill(noiseAmp));
    return noiseAmp;
  }

  /** A pair of pictures, D's steps on it, the generator's gradient, and Adam's steps with it. */
  protected steps(at: number): Step<ProgramName>[] {
    const { dSteps, gSteps } = this.options;
    return [
      { program: "pair" },
      ...Array.from({ length: dSteps }, (_, j) => ({ program: "d" as const, adamStep: at * dSteps + j + 1 })),
      ...Array.from({ length: gSteps }, (_, j) => ({
        program: j === 0 ? ("g" as const) : ("adam" as const),
        adamStep: at * gSteps + j + 1,
      })),
    ];
  }

  /** Both nets by official names: what learns is read back, the rest is as it was given. */
  async stateDicts(): Promise<StateDicts> {
    const [discriminator, ...parts] = await Promise.all(
      [this.#d, ...this.#trained.map(({ params }) => params)].map(({ values }) => values.storage.read()),
    );
    const learnt = new Map(parts.flatMap((part) => [...part]));
    const generator = new Map([...this.setup.generator].map(([name, values]) => [name, learnt.get(name) ?? values]));
    return { generator, discriminator: discriminator! };
  }

  override dispose(): void {
    super.dispose();
    for (const one of this.#frozen) one.dispose();
  }
}

export interface TrainedPart {
  readonly part: Part;
  /** Its learning rate is lr times this. */
  readonly rate: number;
}

/**
 * While stage `stage` trains: the newest `trainedStages` stages, a stage δ as fast as the one above it; the tail as fast as the newest; and
 * the head, δ^stage as fast, as long as no stage is frozen. Official code: the optimiser of train_single_scale.
 */
export function trainedParts(stage: number, { trainedStages, lrScale }: TrainOptions): TrainedPart[] {
  const first = Math.max(0, stage + 1 - trainedStages);
  const body = Array.from({ length: stage + 1 - first }, (_, i): TrainedPart => {
    const k = first + i;
    return { part: stagePart(k), rate: lrScale ** (stage - k) };
  });
  const head: TrainedPart[] = stage < trainedStages ? [{ part: "head", rate: lrScale ** stage }] : [];
  return [...head, ...body, { part: "tail", rate: 1 }];
}
