// What the trainers of one scale (SinGAN) and of one stage (ConSinGAN) share: feeds, losses, programs, previews, and a state to save.
// A trainer compiles its programs once; an iteration is then a list of runs.

import type { Tensor } from "../../autodiff/tensor.ts";
import type { Gpu } from "../../gpu/device.ts";
import { adamSchedule } from "../../nn/adam.ts";
import type { FlatBuffer, Leaves } from "../../runtime/flat-buffer.ts";
import type { ParamSet } from "../../runtime/param-set.ts";
import type { Graph } from "../../runtime/plan.ts";
import { type Copy, type Program, submit } from "../../runtime/program.ts";
import { ProgramSet } from "../../runtime/program-set.ts";
import { learningRate, type Size, type TrainOptions } from "../model/config.ts";
import type { Preview, StateDict } from "../model/model.ts";
import { PURPOSE, randomKey } from "../networks/noise.ts";
import {
  type BatchOptions,
  type BatchSource,
  FeedBlock,
  LossBlock,
  MAX_BATCH,
  type Progress,
  type Run,
  runBatches,
  type TrainerTensors,
} from "./batches.ts";

/** A trainer between two iterations. */
export interface TrainerState {
  readonly iteration: number;
  readonly noiseAmp: number;
  readonly tensors: TrainerTensors;
}

/** Program runs per iteration are fewer than this: each has its own random key. */
const MAX_RUNS = 64;

/** One run of a program in an iteration. */
export interface Step<Name> {
  readonly program: Name;
  /** Adam's step, counted from 1; for programs that update weights. */
  readonly adamStep?: number;
  /** Copies that precede the run. */
  readonly before?: readonly Copy[];
}

export abstract class LevelTrainer<Name extends string = string> implements BatchSource {
  readonly losses: LossBlock;
  readonly feed: FeedBlock;
  readonly iterations: number;
  protected readonly set: ProgramSet<Name | "sample" | "reconstruction">;
  protected programs!: Readonly<Record<Name | "sample" | "reconstruction", Program>>;
  /** The results of the programs `sample` and `reconstruction`. */
  protected pictures!: { readonly sample: Tensor; readonly reconstruction: Tensor };

  protected constructor(
    protected readonly gpu: Gpu,
    readonly name: string,
    /** The scale or stage, counted from the coarsest. */
    readonly level: number,
    readonly size: Size,
    protected readonly options: TrainOptions,
  ) {
    this.iterations = options.iterations;
    this.losses = new LossBlock(gpu, name);
    this.feed = new FeedBlock(gpu, name, MAX_BATCH * MAX_RUNS);
    this.set = new ProgramSet(gpu, name);
  }

  /** Uploads and compiles everything. Throws what compile() throws, leaving nothing behind. */
  protected static async ready<T extends LevelTrainer>(trainer: T): Promise<T> {
    try {
      trainer.upload();
      await trainer.compile();
      return trainer;
    } catch (error) {
      trainer.dispose();
      throw error;
    }
  }

  protected abstract upload(): void;
  /** Plans and compiles the programs. */
  protected abstract compile(): Promise<void>;
  /** The programs of one iteration, in the official order. */
  protected abstract steps(at: number): readonly Step<Name>[];
  /** Everything that iterations change, by name; of a ParamSet also the moments. */
  protected abstract get learning(): Readonly<Record<string, ParamSet | Leaves>>;
  /** Noise amplitude of the level; measured where it depends on the starting weights. */
  abstract measureNoiseAmp(): Promise<number>;
  /** The networks by official names, as the last iteration left them. */
  abstract stateDicts(): Promise<{ readonly generator: StateDict; readonly discriminator: StateDict }>;

  /** The graphs of all programs: what a tuner looks at. */
  get graphs(): readonly Graph[] {
    return this.set.graphs;
  }

  /** The runs of iteration `at`, counted from 0. */
  iteration(at: number): Run[] {
    const { seed } = this.options;
    const lr = learningRate(this.options, at);
    return this.steps(at).map(({ program, adamStep, before = [] }, i) => {
      const key = randomKey(seed, PURPOSE.training, this.level, at * MAX_RUNS + i);
      const adam = adamStep === undefined ? {} : { adam: adamSchedule(adamStep, lr) };
      return { program: this.programs[program], feed: { key, ...adam }, before };
    });
  }

  /** All iterations that are left, in batches; see runBatches. */
  run(options?: BatchOptions): AsyncGenerator<Progress> {
    return runBatches(this.gpu, this, options);
  }

  /** A random picture and the reconstruction with the present weights, in train mode. */
  async preview(index: number): Promise<Preview> {
    const { gpu, size, options, level, pictures } = this;
    this.feed.write({ key: randomKey(options.seed, PURPOSE.preview, level, index) });
    const { sample, reconstruction } = this.programs;
    submit(gpu, [sample, reconstruction]);
    const [drawn, rebuilt] = await gpu.read([sample.slice(pictures.sample), reconstruction.slice(pictures.reconstruction)]);
    return { sample: { ...size, data: drawn! }, reconstruction: { ...size, data: rebuilt! } };
  }

  async readTensors(): Promise<TrainerTensors> {
    const buffers = this.#buffers();
    const values = await this.gpu.read(buffers.flatMap(([, buffer]) => [...buffer.slices.values()]));
    const names = buffers.flatMap(([prefix, buffer]) => [...buffer.slices.keys()].map((name) => `${prefix} ${name}`));
    return new Map(names.map((name, i) => [name, values[i]!]));
  }

  /** Continues where `tensors` were read. Throws where one is missing or has another length. */
  protected writeTensors(tensors: TrainerTensors): void {
    for (const [prefix, buffer] of this.#buffers())
      buffer.write(new Map([...buffer.slices.keys()].map((name) => [name, tensors.get(`${prefix} ${name}`)!])));
  }

  #buffers(): (readonly [prefix: string, FlatBuffer])[] {
    return Object.entries(this.learning).flatMap(([name, part]): (readonly [string, FlatBuffer])[] =>
      "storage" in part
        ? [[name, part.storage]]
        : [
            [name, part.values.storage],
            [`${name} m`, part.m],
            [`${name} v`, part.v],
          ],
    );
  }

  dispose(): void {
    for (const part of [this.set, this.losses, this.feed, ...Object.values(this.learning)]) part.dispose();
  }
}
