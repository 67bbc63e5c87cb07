// Trains one scale on the GPU: its programs are compiled once, then an iteration is a list of programs and small copies.
// Between the start and the end of a scale the CPU writes keys and step sizes, and reads losses a batch behind.

import type { Shape, Tensor } from "../autodiff/tensor.ts";
import type { Gpu, Slice } from "../gpu/device.ts";
import type { Planes } from "../image/planes.ts";
import { ADAM, adamSchedule } from "../nn/adam.ts";
import type { Observe } from "../nn/layers.ts";
import { FlatBuffer, Leaves, ParamSet, runningStats } from "../runtime/params.ts";
import { type Copy, compile, type Program, submit, type Update } from "../runtime/program.ts";
import type { Size, TrainOptions } from "./config.ts";
import { ampValues, drawNoise, type FrozenScale, greyShape, type Upsample } from "./frozen.ts";
import type { LossRecord, Preview, StateDict } from "./model.ts";
import { BLOCKS, parameterShapes, statisticsShapes } from "./networks.ts";
import { gpuNoise, type NoiseSource, PURPOSE, randomKey } from "./noise.ts";
import * as graphs from "./scale-graphs.ts";

export interface ScaleSetup {
  readonly scale: number;
  readonly size: Size;
  readonly channels: number;
  readonly options: TrainOptions;
  readonly real: Planes;
  readonly frozen: readonly FrozenScale[];
  readonly upsample: Upsample;
  /** The chain's reconstruction, upsampled to this scale; null at the coarsest. */
  readonly zPrev: Planes | null;
  /** z* of the coarsest scale [1,1,h,w]; null elsewhere. */
  readonly zStar: Float32Array | null;
  readonly noiseAmp: number;
  readonly generator: ReadonlyMap<string, Float32Array>;
  readonly discriminator: ReadonlyMap<string, Float32Array>;
}

/**
 * For replaying recorded trainings (test/vectors): draws come from buffers in place of the generator, and the statistics move as the
 * official code moves them, the discriminator's too, which training itself never needs.
 */
export type RecordedDraws = ReadonlyMap<string, readonly [Tensor, Slice]>;

type ProgramName = "noise" | "d" | "adversarial" | "g" | StatisticsProgram | "sample" | "reconstruction";
type StatisticsProgram = "randomStatistics" | "reconstructionStatistics";

const LOSSES = ["dReal", "dFake", "gradientPenalty", "gAdversarial", "reconstruction"] as const;
const scalars = (names: readonly string[]): Map<string, Shape> => new Map(names.map((name) => [name, [1]]));
const FEED: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  ["key", [4]],
  ["adam", [2]],
  ["momentum", [1]],
]);
/** PyTorch's BatchNorm2d momentum. */
const MOMENTUM = 0.1;
/** Passes that recalibrated statistics average over. */
const RECALIBRATION_PASSES = 50;
/** Runs per iteration get key steps of their own. */
const MAX_RUNS = 64;

/** The values that change from run to run, as the programs read them. */
export interface Feed {
  readonly key: Uint32Array;
  readonly adam?: readonly [number, number];
  readonly momentum?: number;
}

export class ScaleTrainer {
  readonly g: ParamSet;
  readonly d: ParamSet;
  readonly gStatistics: Leaves;
  readonly dStatistics: Leaves;
  readonly losses: FlatBuffer;
  readonly feed: Leaves;
  readonly leaves: graphs.ScaleLeaves;
  programs!: Readonly<Record<ProgramName, Program>>;
  #pictures!: { sample: Tensor; reconstruction: Tensor };
  readonly #slices: Slice[] = [];
  #bindings = new Map<Tensor, Slice>();
  #programs: Program[] = [];

  private constructor(
    private readonly gpu: Gpu,
    private readonly setup: ScaleSetup,
  ) {
    const { size, channels, scale } = setup;
    const name = `scale ${scale}`;
    this.g = new ParamSet(gpu, parameterShapes("generator", channels), `${name} G`);
    this.d = new ParamSet(gpu, parameterShapes("discriminator", channels), `${name} D`);
    this.gStatistics = new Leaves(new FlatBuffer(gpu, statisticsShapes(channels), `${name} G statistics`));
    this.dStatistics = new Leaves(new FlatBuffer(gpu, statisticsShapes(channels), `${name} D statistics`));
    this.losses = new FlatBuffer(gpu, scalars(LOSSES), `${name} losses`);
    this.feed = new Leaves(new FlatBuffer(gpu, FEED, `${name} feed`));
    this.leaves = new graphs.ScaleLeaves(size);
  }

  /** Uploads and compiles everything. Throws what compile() throws, leaving nothing behind. */
  static async create(gpu: Gpu, setup: ScaleSetup, recorded?: RecordedDraws): Promise<ScaleTrainer> {
    const trainer = new ScaleTrainer(gpu, setup);
    try {
      trainer.#upload();
      await trainer.#compile(recorded);
      return trainer;
    } catch (error) {
      trainer.dispose();
      throw error;
    }
  }

  #upload(): void {
    const { gpu, setup, leaves } = this;
    this.g.values.storage.write(setup.generator);
    this.d.values.storage.write(setup.discriminator);
    for (const [name, shape] of statisticsShapes(setup.channels)) {
      const fresh = new Float32Array(shape[2]! * 2).fill(1, shape[2]!);
      gpu.write(this.gStatistics.storage.slice(name), fresh);
      gpu.write(this.dStatistics.storage.slice(name), fresh);
    }
    const place = (t: Tensor, data: Float32Array): void => {
      const slice = gpu.upload(data, `scale ${setup.scale}: ${t.name}`);
      this.#slices.push(slice);
      this.#bindings.set(t, slice);
    };
    place(leaves.real, setup.real.data);
    place(leaves.amp, ampValues(setup.noiseAmp));
    if (setup.zPrev) place(leaves.zPrev, setup.zPrev.data);
    if (setup.zStar) place(leaves.zStar, setup.zStar);
    for (const part of [this.g.values, this.d.values, this.feed])
      for (const [t, slice] of part.bindings) this.#bindings.set(t, slice);
    for (const frozen of setup.frozen) for (const [t, slice] of frozen.bindings) this.#bindings.set(t, slice);
  }

  async #compile(recorded?: RecordedDraws): Promise<void> {
    const { setup, leaves, gpu } = this;
    const { options, size, scale, frozen, upsample } = setup;
    const key = this.feed.tensors.get("key")!;
    const source = (program: ProgramName): NoiseSource =>
      recorded && (program === "noise" || program === "d") ? recordedNoise(recorded) : gpuNoise(key);
    for (const [t, slice] of recorded?.values() ?? []) this.#bindings.set(t, slice);
    const context: graphs.ScaleContext = {
      scale,
      size,
      options,
      frozen,
      upsample,
      g: this.g.tensors,
      d: this.d.tensors,
    };
    const run = async (
      name: string,
      outputs: readonly Tensor[],
      more: { updates?: Update[]; into?: (readonly [Tensor, Slice])[] } = {},
    ) => {
      const program = await compile(gpu, { name: `scale ${scale} ${name}`, outputs, bindings: this.#bindings, ...more });
      this.#programs.push(program);
      // What a program keeps, later ones read.
      for (const t of outputs) this.#bindings.set(t, program.slice(t));
      return program;
    };
    const losses = (named: Partial<Record<(typeof LOSSES)[number], Tensor>>) =>
      Object.entries(named).map(([name, t]) => [t, this.losses.slice(name)] as const);
    const adam = (net: ParamSet): Update => net.adam(this.feed.tensors.get("adam")!, ADAM);

    // The iteration's noise (and z*, where it is redrawn). Its buffers stand in for the leaves of the other graphs.
    const noises = source("noise");
    const redrawn = scale === 0 && options.zStar === "redrawn";
    const zDraw = redrawn ? noises.normal("zOpt", greyShape(size)) : null;
    const z = drawNoise(noises, "noise", scale, size);
    const noise = await run("noise", zDraw ? [z, zDraw] : [z]);
    this.#bindings.set(leaves.noise, noise.slice(z));
    if (zDraw) this.#bindings.set(leaves.zStar, noise.slice(zDraw));

    // Graphs first, for the D program keeps what the G program goes back through.
    const official = options.statistics === "running";
    const watchD = recorded ? this.#observer(this.dStatistics) : null;
    const watch = () => {
      const g = official ? this.#observer(this.gStatistics) : null;
      const d = recorded ? this.#observer(this.dStatistics) : null;
      return {
        updates: () => [...(g?.updates ?? []), ...(d?.updates ?? [])],
        observe: { ...(g && { g: g.observe }), ...(d && { d: d.observe }) },
      };
    };
    const inD = watch();
    const d = graphs.discriminatorGraph(context, leaves, source("d"), inD.observe);
    const adversarial = graphs.adversarialGraph(context, d.fake, watchD?.observe);
    const inG = watch();
    const g =
      options.gStep === "replay"
        ? graphs.replayedGeneratorGraph(context, leaves, d.fake, adversarial.byFake, inG.observe.g)
        : graphs.regeneratedGeneratorGraph(context, leaves, d, inG.observe);
    const dStep = await run("D", [d.fake, ...g.saved], {
      into: [...this.d.gradientsInto(d.gradients), ...losses(d.losses)],
      updates: [adam(this.d), ...inD.updates()],
    });
    const adversarialPass = await run("adversarial", [adversarial.byFake], {
      into: losses({ gAdversarial: adversarial.loss }),
      updates: watchD?.updates ?? [],
    });
    const gStep = await run("G", [], {
      into: [...this.g.gradientsInto(g.gradients), ...losses(g.losses)],
      updates: [adam(this.g), ...inG.updates()],
    });

    const random = this.#observer(this.gStatistics);
    const fresh = source("randomStatistics");
    graphs.randomPass(context, leaves, drawNoise(fresh, "noise", scale, size), fresh, random.observe);
    const rebuilt = this.#observer(this.gStatistics);
    graphs.reconstructionPass(context, leaves, rebuilt.observe);
    const preview = source("sample");
    const sample = graphs.randomPass(context, leaves, drawNoise(preview, "noise", scale, size), preview).fake;
    const inPicture = recorded ? watch() : null; // the official code's pictures move the statistics; ours do not
    const reconstruction = graphs.reconstructionPass(context, leaves, inPicture?.observe.g);
    this.#pictures = { sample, reconstruction };
    this.programs = {
      noise,
      d: dStep,
      adversarial: adversarialPass,
      g: gStep,
      randomStatistics: await run("random statistics", [], { updates: random.updates }),
      reconstructionStatistics: await run("reconstruction statistics", [], { updates: rebuilt.updates }),
      sample: await run("sample", [sample]),
      reconstruction: await run("reconstruction", [reconstruction], { updates: inPicture?.updates() ?? [] }),
    };
  }

  /** Collects the running-statistics updates of a graph's normalisations. */
  #observer(statistics: Leaves): { observe: Observe; updates: Update[] } {
    const updates: Update[] = [];
    const momentum = this.feed.tensors.get("momentum")!;
    return {
      updates,
      observe: (layer, batch, count) => updates.push(runningStats(statistics.storage.slice(layer), batch, momentum, count)),
    };
  }

  /** Writes what the next run reads. */
  write({ key, adam = [0, 0], momentum = MOMENTUM }: Feed): void {
    const data = { key, adam: Float32Array.from(adam), momentum: Float32Array.of(momentum) };
    this.feed.storage.write(new Map(Object.entries(data)));
  }

  /**
   * All iterations of the scale, in batches sized by measured time, of at most `maxBatch`. Yields the losses after each batch, one
   * batch behind the GPU. Throws where a loss is not finite.
   */
  async *iterations(maxBatch = MAX_BATCH): AsyncGenerator<{ iteration: number; losses: LossRecord }> {
    const { iterations } = this.setup.options;
    let pending: Promise<{ iteration: number; losses: LossRecord }> | null = null;
    let size = 1;
    try {
      for (let at = 0; at < iterations; ) {
        const count = Math.min(size, iterations - at);
        const start = performance.now();
        const next = this.#submitBatch(at, count);
        next.catch(() => {}); // awaited below, but perhaps only after a pause
        at += count;
        const previous: typeof pending = pending;
        pending = next;
        if (previous) yield await previous;
        size = Math.min(maxBatch, nextBatchSize(size, performance.now() - start, count));
      }
      if (pending) yield await pending;
      pending = null;
    } finally {
      await pending?.catch(() => {});
    }
  }

  async #submitBatch(from: number, count: number): Promise<{ iteration: number; losses: LossRecord }> {
    const plan: { program: Program; feed: Feed }[] = [];
    for (let at = from; at < from + count; at++) plan.push(...this.#iteration(at));
    const block = this.feed.storage.whole;
    const ring = this.gpu.alloc(block.bytes * plan.length, "feed ring");
    const data = new ArrayBuffer(ring.bytes);
    plan.forEach(({ feed }, i) => {
      this.#layFeed(feed, data, i * block.bytes);
    });
    this.gpu.write(ring, new Uint8Array(data));
    const steps: (Program | Copy)[] = plan.flatMap(({ program }, i) => [
      { from: { buffer: ring.buffer, offset: i * block.bytes, bytes: block.bytes }, to: block },
      program,
    ]);
    submit(this.gpu, steps);
    try {
      const values = await this.gpu.read(LOSSES.map((name) => this.losses.slice(name)));
      const losses = Object.fromEntries(LOSSES.map((name, i) => [name, values[i]![0]!])) as unknown as LossRecord;
      const bad = LOSSES.find((name) => !Number.isFinite(losses[name]));
      if (bad) {
        const where = `scale ${this.setup.scale}, iteration ${from + count}`;
        throw new Error(`the ${bad} loss is not a number any more at ${where}: try another seed or a lower learning rate`);
      }
      return { iteration: from + count, losses };
    } finally {
      this.gpu.free(ring);
    }
  }

  #layFeed(feed: Feed, data: ArrayBuffer, at: number): void {
    const { slices } = this.feed.storage;
    new Uint32Array(data, at + slices.get("key")!.offset, 4).set(feed.key);
    new Float32Array(data, at + slices.get("adam")!.offset, 2).set(feed.adam ?? [0, 0]);
    new Float32Array(data, at + slices.get("momentum")!.offset, 1).set([feed.momentum ?? MOMENTUM]);
  }

  /** One iteration in the official order: noise, D steps, the adversarial pass, G steps. */
  #iteration(at: number): { program: Program; feed: Feed }[] {
    const { options, scale } = this.setup;
    const { noise, d, adversarial, g } = this.programs;
    const lr = options.lr * (at >= Math.floor(options.lrDropAt * options.iterations) ? 0.1 : 1);
    let runs = 0;
    const key = () => randomKey(options.seed, PURPOSE.training, scale, at * MAX_RUNS + runs++);
    const steps = (program: Program, count: number) =>
      Array.from({ length: count }, (_, j) => ({ program, feed: { key: key(), adam: adamSchedule(at * count + j + 1, lr) } }));
    return [
      { program: noise, feed: { key: key() } },
      ...steps(d, options.dSteps),
      ...(options.gStep === "replay" ? [{ program: adversarial, feed: { key: key() } }] : []),
      ...steps(g, options.gSteps),
    ];
  }

  /**
   * Averages the generator's statistics over passes with its final weights: random ones at the coarsest scale, where the one z* is not
   * like other noise; elsewhere random and reconstruction in turn, for both are what the scale will see (docs/adr/0003).
   */
  recalibrate(): void {
    const { options, scale } = this.setup;
    const { randomStatistics, reconstructionStatistics } = this.programs;
    for (let t = 1; t <= RECALIBRATION_PASSES; t++) {
      this.write({ key: randomKey(options.seed, PURPOSE.statistics, scale, t), momentum: 1 / t });
      submit(this.gpu, [scale === 0 || t % 2 === 1 ? randomStatistics : reconstructionStatistics]);
    }
  }

  /** A random picture and the reconstruction with the weights of this moment, in train mode. */
  async preview(index: number): Promise<Preview> {
    const { options, scale, size } = this.setup;
    this.write({ key: randomKey(options.seed, PURPOSE.preview, scale, index) });
    const { sample, reconstruction } = this.programs;
    submit(this.gpu, [sample, reconstruction]);
    const [drawn, rebuilt] = await this.gpu.read([
      sample.slice(this.#pictures.sample),
      reconstruction.slice(this.#pictures.reconstruction),
    ]);
    return { sample: { ...size, data: drawn! }, reconstruction: { ...size, data: rebuilt! } };
  }

  /** The nets by official names, read back; hidden convolutions have zero biases, for batch norm takes any out again. */
  async stateDicts(): Promise<{ generator: StateDict; discriminator: StateDict }> {
    const [generator, discriminator, statistics] = await Promise.all([
      this.g.values.storage.read(),
      this.d.values.storage.read(),
      this.gStatistics.storage.read(),
    ]);
    const complete = (state: Map<string, Float32Array>): Map<string, Float32Array> => {
      for (const block of BLOCKS) state.set(`${block}.conv.bias`, new Float32Array(this.setup.channels));
      return state;
    };
    for (const [block, values] of statistics) {
      generator.set(`${block}.norm.running_mean`, values.slice(0, this.setup.channels));
      generator.set(`${block}.norm.running_var`, values.slice(this.setup.channels));
    }
    return { generator: complete(generator), discriminator: complete(discriminator) };
  }

  /** z* of the coarsest scale, as the last iteration left it. */
  async zStar(): Promise<Float32Array> {
    const slice = this.#bindings.get(this.leaves.zStar);
    if (!slice) throw new Error("only the coarsest scale has a z*");
    const [values] = await this.gpu.read([{ ...slice, bytes: this.leaves.zStar.size * 4 }]);
    return values!;
  }

  dispose(): void {
    for (const program of this.#programs) program.dispose();
    for (const part of [this.g, this.d, this.gStatistics, this.dStatistics, this.losses, this.feed]) part.dispose();
    for (const slice of this.#slices) this.gpu.free(slice);
  }
}

function recordedNoise(draws: RecordedDraws): NoiseSource {
  const find = (name: string): Tensor => {
    const draw = draws.get(name);
    if (!draw) throw new Error(`no recorded draw named ${name}`);
    return draw[0];
  };
  return { normal: find, uniform: find };
}

/** Aims at this many ms per submit: short enough for the page and the driver's watchdog, long enough to hide the submit itself. */
const TARGET_BATCH_MS = 150;
const MAX_BATCH = 32;

function nextBatchSize(size: number, elapsedMs: number, count: number): number {
  const wanted = Math.round((TARGET_BATCH_MS * count) / Math.max(elapsedMs, 0.1));
  return Math.max(1, Math.min(MAX_BATCH, 2 * size, wanted));
}
