// What the trainers of one scale (SinGAN) and of one stage (ConSinGAN) share: feeds, losses, programs, previews, and a state to save.
// A trainer compiles its programs once; an iteration is then a list of runs.

import type { Tensor } from "../../autodiff/tensor.ts";
import type { Gpu } from "../../gpu/device.ts";
import type { Planes } from "../../image/planes.ts";
import { adamSchedule } from "../../nn/adam.ts";
import type { FlatBuffer, Leaves } from "../../runtime/flat-buffer.ts";
import { nonFinite } from "../../runtime/non-finite.ts";
import type { ParamSet } from "../../runtime/param-set.ts";
import type { Graph } from "../../runtime/plan.ts";
import { type Copy, type Program, submit } from "../../runtime/program.ts";
import { ProgramSet } from "../../runtime/program-set.ts";
import { learningRate, type Size, type TrainOptions } from "../model/config.ts";
import type { LossRecord, Preview, StateDict } from "../model/model.ts";
import { PURPOSE, randomKey } from "../networks/noise.ts";
import { FeedBlock, LossBlock, type Run } from "./feeds.ts";

/** The values of everything that a trainer changes, by name. */
export type TrainerTensors = ReadonlyMap<string, Float32Array>;

export interface BatchOptions {
  /** Iterations that are done already. */
  readonly from?: number;
  /** Largest number of iterations per submit; never more than MAX_BATCH. */
  readonly maxBatch?: number;
  /** The work of a submit, as a share of the usual: below 1 where a GPU was lost over too long work. */
  readonly share?: number;
  /** Whether to read the tensors after this many iterations; called at the end of each batch. */
  readonly keeps?: (iteration: number) => boolean;
}

export interface Progress {
  readonly iteration: number;
  readonly losses: LossRecord;
  /** Read after the same iteration as the losses; null unless `keeps` returned true. */
  readonly tensors: TrainerTensors | null;
}

/** A loss or a weight has stopped being a number. The message is one line. */
export class DivergedError extends Error {
  override readonly name = "DivergedError";
}

/** A submit should take this many ms: short enough for the page and the driver's watchdog, long enough to hide its own cost. */
const TARGET_BATCH_MS = 150;
/** One upload has room for the feeds of this many iterations. */
export const MAX_BATCH = 32;

export interface PreviewOptions {
  /** Whether to add the discriminator's scores of the sample. The first time compiles a pass of it, in memory beyond the forecast's. */
  readonly scores?: boolean;
}

/** A trainer between two iterations. */
export interface TrainerState {
  readonly iteration: number;
  readonly noiseAmp: number;
  readonly tensors: TrainerTensors;
}

export type StateDicts = Readonly<Record<"generator" | "discriminator", StateDict>>;

/** An iteration has fewer program runs than this. Each run has its own random key. */
const MAX_RUNS = 64;
/** A key's third word counts levels below this, and noise streams in steps of it. */
const NOISE_STREAM = 256;

/** One run of a program in an iteration. */
export interface Step<Name> {
  readonly program: Name;
  /** Adam's step, counted from 1; for programs that update weights. */
  readonly adamStep?: number;
  /** Copies that precede the run. */
  readonly before?: readonly Copy[];
}

export abstract class LevelTrainer<Name extends string = string> {
  readonly size: Size;
  readonly losses: LossBlock;
  readonly feed: FeedBlock;
  protected readonly set: ProgramSet<Name | "sample" | "reconstruction" | "check">;
  protected programs!: Readonly<Record<Name | "sample" | "reconstruction" | "check", Program>>;
  /** The results of the programs `sample` and `reconstruction`. */
  protected pictures!: { readonly sample: Tensor; readonly reconstruction: Tensor };
  /** Made when scores are first asked for. */
  #scoring: { readonly program: Program; readonly scores: Tensor } | null = null;

  protected constructor(
    protected readonly gpu: Gpu,
    readonly name: string,
    /** The scale or stage, counted from the coarsest. */
    readonly level: number,
    /** The photo at this level. */
    protected readonly real: Planes,
    protected readonly options: TrainOptions,
    /** Iterations draw their noise from this one of 256 streams. */
    private readonly noiseStream = 0,
  ) {
    this.size = { width: real.width, height: real.height };
    this.losses = new LossBlock(gpu, name);
    this.feed = new FeedBlock(gpu, name, MAX_BATCH * MAX_RUNS);
    this.set = new ProgramSet(gpu, name);
  }

  /** Uploads and compiles everything. Throws what compile() throws; everything is then freed. */
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
  /** Plans the programs, and compiles them with complete(). */
  protected abstract compile(): Promise<void>;
  /** The programs of one iteration, in the official order. */
  protected abstract steps(at: number): readonly Step<Name>[];
  /** Everything that iterations change, by name; of a ParamSet also the moments. */
  protected abstract get learning(): Readonly<Record<string, ParamSet | Leaves>>;
  /** The discriminator's scores of a picture, in train mode: [1,1,h−10,w−10]. */
  protected abstract scoresOf(picture: Tensor): Tensor;
  /** Noise amplitude of the level; ConSinGAN measures it with the starting weights. */
  abstract measureNoiseAmp(): Promise<number>;
  /** The networks by official names, as the last iteration left them. */
  abstract stateDicts(): Promise<StateDicts>;

  /** Compiles what is drafted, and a check of all that iterations change. */
  protected async complete(): Promise<void> {
    const parts = this.#buffers().map(([, { whole }]) => nonFinite(whole, this.losses.flag));
    this.set.draft("check", [], { updates: parts });
    this.programs = await this.set.complete();
  }

  /** The graphs of all programs, for the tuner. */
  get graphs(): readonly Graph[] {
    return this.set.graphs;
  }

  /** The runs of iteration `at`, counted from 0. */
  iteration(at: number): Run[] {
    const { seed } = this.options;
    const lr = learningRate(this.options, at);
    return this.steps(at).map(({ program, adamStep, before = [] }, i) => {
      const key = randomKey(seed, PURPOSE.training + NOISE_STREAM * this.noiseStream, this.level, at * MAX_RUNS + i);
      const adam = adamStep === undefined ? {} : { adam: adamSchedule(adamStep, lr) };
      return { program: this.programs[program], feed: { key, ...adam }, before };
    });
  }

  /**
   * Runs the iterations that are left in batches sized by measured time. Yields the losses after each batch, one batch behind the GPU;
   * leaving early waits for the batch in flight. Throws DivergedError where a loss or a weight is not finite: tensors are yielded with
   * finite losses only.
   */
  async *run({ from = 0, maxBatch = MAX_BATCH, share = 1, keeps = () => false }: BatchOptions = {}): AsyncGenerator<Progress> {
    const most = Math.max(1, Math.min(maxBatch, Math.floor(MAX_BATCH * share)));
    let inFlight: Promise<Progress> | null = null;
    let size = 1;
    try {
      for (let at = from; at < this.options.iterations; ) {
        const count = Math.min(size, this.options.iterations - at);
        const start = performance.now();
        const previous: typeof inFlight = inFlight;
        inFlight = this.#submit(at, count, share, keeps);
        inFlight.catch(() => {}); // awaited below, but perhaps only after a pause
        at += count;
        if (previous) yield await previous;
        const wanted = Math.round((share * TARGET_BATCH_MS * count) / Math.max(performance.now() - start, 0.1));
        size = Math.max(1, Math.min(most, 2 * size, wanted));
      }
      if (inFlight) yield await inFlight;
    } finally {
      await inFlight?.catch(() => {});
    }
  }

  async #submit(first: number, count: number, share: number, keeps: (iteration: number) => boolean): Promise<Progress> {
    const runs = Array.from({ length: count }, (_, i) => this.iteration(first + i)).flat();
    const feeds = this.feed.upload(runs.map((run) => run.feed));
    const steps = runs.flatMap(({ program, before }, i): (Program | Copy)[] => [...before, feeds[i]!, program]);
    // A batch can't be shorter than an iteration, but an iteration can be submitted in pieces.
    const pieces = count === 1 ? Math.min(steps.length, Math.ceil(1 / share)) : 1;
    for (let k = 0; k < pieces; k++)
      submit(this.gpu, steps.slice((k * steps.length) / pieces, ((k + 1) * steps.length) / pieces));
    submit(this.gpu, [this.programs.check]);
    const iteration = first + count;
    // Both reads are encoded here, right behind the batch: the next one is submitted before they resolve.
    const [{ losses, bad }, tensors] = await Promise.all([this.losses.read(), keeps(iteration) ? this.readTensors() : null]);
    if (bad) throw new DivergedError(`${this.name}, iteration ${iteration}: ${bad} is not a number`);
    return { iteration, losses, tensors };
  }

  /** The photo, a random picture and the reconstruction with the present weights, in train mode. */
  async preview(index: number, { scores = false }: PreviewOptions = {}): Promise<Preview> {
    const { gpu, real, size, options, level, pictures } = this;
    const scoring = scores ? await this.#compiledScoring() : null;
    this.feed.write({ key: randomKey(options.seed, PURPOSE.preview, level, index) });
    const { sample, reconstruction } = this.programs;
    submit(gpu, [sample, reconstruction, ...(scoring ? [scoring.program] : [])]);
    const [made, rebuilt, scored] = await gpu.read([
      sample.slice(pictures.sample),
      reconstruction.slice(pictures.reconstruction),
      ...(scoring ? [scoring.program.slice(scoring.scores)] : []),
    ]);
    const [, , height, width] = scoring?.scores.shape ?? [];
    return {
      ...{ real, sample: { ...size, data: made! }, reconstruction: { ...size, data: rebuilt! } },
      ...(scored && { scores: { width: width!, height: height!, data: scored } }),
    };
  }

  /** A pass of the discriminator over the sample, where the program `sample` leaves it. */
  async #compiledScoring() {
    if (!this.#scoring) {
      const scores = this.scoresOf(this.pictures.sample);
      this.#scoring = { program: await this.set.compileLater("scores", [scores]), scores };
    }
    return this.#scoring;
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
    this.#scoring?.program.dispose();
    for (const part of [this.set, this.losses, this.feed, ...Object.values(this.learning)]) part.dispose();
  }
}
