// Trains one scale on the GPU: its programs are compiled once, then an iteration is a list of programs and small copies.
// Between the start and the end of a scale the CPU writes keys and step sizes, and reads losses a batch behind.

import { leaf, type Tensor } from "../../../autodiff/tensor.ts";
import type { Gpu, Slice } from "../../../gpu/device.ts";
import type { Planes } from "../../../image/planes.ts";
import { ADAM, adamSchedule } from "../../../nn/adam.ts";
import type { Observe } from "../../../nn/layers.ts";
import { FlatBuffer, isBindable, Leaves, ParamSet, runningStats, sampleOf } from "../../../runtime/params.ts";
import type { Update } from "../../../runtime/plan.ts";
import { type Copy, type Draft, type Program, submit } from "../../../runtime/program.ts";
import { ProgramSet } from "../../../runtime/program-set.ts";
import { imageShape, learningRate, type Size, type TrainOptions } from "../../model/config.ts";
import type { Preview, StateDict } from "../../model/model.ts";
import { ampValues, drawNoise, type FrozenScale, greyShape, noiseSize, type Upsample } from "../../networks/frozen-scale.ts";
import { BLOCKS, parameterShapes, statisticsShapes } from "../../networks/networks.ts";
import { gpuNoise, type NoiseSource, PURPOSE, type RecordedDraws, randomKey, recordedNoise } from "../../networks/noise.ts";
import { type Feed, FeedBlock, LossBlock, MAX_BATCH, type Progress, type Run, runBatches } from "../batches.ts";
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
  /** z* of the coarsest scale, [1,1,h,w] of noiseSize; null elsewhere. */
  readonly zStar: Float32Array | null;
  readonly noiseAmp: number;
  readonly generator: ReadonlyMap<string, Float32Array>;
  readonly discriminator: ReadonlyMap<string, Float32Array>;
  /** Colours [k,3] for the chain's pictures; `zPrev` is given in them. */
  readonly palette?: Float32Array;
  /** Whether passes run in batches, where the size does not decide: the tests run both. */
  readonly sideBySide?: boolean;
}

type ProgramName = "noise" | "zInput" | "fakes" | "d" | "adversarial" | "g" | StatisticsProgram | "sample" | "reconstruction";
type StatisticsProgram = "randomStatistics" | "reconstructionStatistics";

/** Passes that recalibrated statistics average over. */
const RECALIBRATION_PASSES = 50;
/** Passes run side by side up to this many values of one activation: fewer dispatches, for a multiple of the memory. */
const BATCH_VALUES = 2 ** 20;
/** Runs per iteration get key steps of their own. */
const MAX_RUNS = 64;

export class ScaleTrainer {
  readonly g: ParamSet;
  readonly d: ParamSet;
  readonly gStatistics: Leaves;
  readonly dStatistics: Leaves;
  readonly losses: LossBlock;
  readonly feed: FeedBlock;
  readonly leaves: graphs.ScaleLeaves;
  programs!: Readonly<Record<ProgramName, Program>>;
  #pictures!: { sample: Tensor; reconstruction: Tensor };
  readonly #palette: Tensor | undefined;
  readonly #set: ProgramSet<ProgramName>;
  /** Copies that put the j-th fake of a batch in place, and that keep the last one's saved values. */
  #toFake: Copy[] = [];
  #keepLast: Copy[] = [];

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
    this.losses = new LossBlock(gpu, name);
    this.feed = new FeedBlock(gpu, name, MAX_BATCH * MAX_RUNS);
    this.leaves = new graphs.ScaleLeaves(size, setup.options);
    this.#set = new ProgramSet(gpu, name);
    this.#palette = setup.palette && leaf("palette", [setup.palette.length / 3, 3]);
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
    const set = this.#set;
    this.g.values.storage.write(setup.generator);
    this.d.values.storage.write(setup.discriminator);
    for (const [name, shape] of statisticsShapes(setup.channels)) {
      const fresh = new Float32Array(shape[2]! * 2).fill(1, shape[2]!);
      gpu.write(this.gStatistics.storage.slice(name), fresh);
      gpu.write(this.dStatistics.storage.slice(name), fresh);
    }
    set.place(leaves.real, setup.real.data);
    set.place(leaves.amp, ampValues(setup.noiseAmp));
    if (setup.zPrev) set.place(leaves.zPrev, setup.zPrev.data);
    if (setup.zStar) set.place(leaves.zStar, setup.zStar);
    if (this.#palette) set.place(this.#palette, setup.palette!);
    for (const { bindings } of [this.g.values, this.d.values, this.feed.leaves, ...setup.frozen]) set.bind(bindings);
  }

  async #compile(recorded?: RecordedDraws): Promise<void> {
    const { setup, leaves, gpu, losses } = this;
    const set = this.#set;
    const { options, size, scale, frozen, upsample } = setup;
    const ofNoise = noiseSize(size, options);
    const key = this.feed.tensor("key");
    const watchD = recorded ? this.#observer(this.dStatistics) : null;
    const source = (program: ProgramName): NoiseSource =>
      recorded && (program === "noise" || program === "fakes" || program === "d") ? recordedNoise(recorded) : gpuNoise(key);
    if (recorded) set.bind(recorded.values());
    const context: graphs.ScaleContext = {
      scale,
      size,
      options,
      frozen,
      upsample,
      g: this.g.tensors,
      d: this.d.tensors,
      palette: this.#palette,
    };
    const adam = (net: ParamSet): Update => net.adam(this.feed.tensor("adam"), ADAM);

    // The iteration's noise (and z*, where it is redrawn). Its buffers stand in for the leaves of the other graphs.
    const noises = source("noise");
    const redrawn = scale === 0 && options.zStar === "redrawn";
    const zDraw = redrawn ? noises.normal("zOpt", greyShape(ofNoise)) : null;
    const z = drawNoise(noises, "noise", scale, ofNoise);
    const zInput = graphs.reconstructionInput(context, leaves, zDraw ?? leaves.zStar);
    const noise = set.draft("noise", zDraw ? [z, zDraw, zInput] : [z]);
    set.bind([[leaves.noise, noise.slice(z)]]);
    if (zDraw) set.bind([[leaves.zStar, noise.slice(zDraw)]]);
    set.bind([[leaves.zInput, (zDraw ? noise : set.draft("zInput", [zInput])).slice(zInput)]]);

    const official = options.statistics === "running";
    const watch = (repeats = 1) => {
      const g = official ? this.#observer(this.gStatistics, repeats) : null;
      const d = recorded ? this.#observer(this.dStatistics) : null;
      return {
        updates: () => [...(g?.updates ?? []), ...(d?.updates ?? [])],
        observe: { ...(g && { g: g.observe }), ...(d && { d: d.observe }) },
      };
    };

    // At the coarsest scale nothing changes between the D steps of an iteration: one fake is all of them.
    const inFakes = watch(scale === 0 ? options.dSteps : 1);
    const samples = this.#fakesAtOnce;
    const passes = graphs.randomPasses(context, leaves, leaves.noise, source("fakes"), { samples, observe: inFakes.observe.g });
    // The pass of the last D step, which the G steps go back through: `passes` itself, or one sample of it.
    const last = samples === 1 ? passes : graphs.generatorPass(context, leaves, leaves.noise, leaf("previous", imageShape(size)));
    const adversarial = graphs.adversarialGraph(context, leaves.fake, watchD?.observe);
    const inG = watch();
    const generatorGraph = (pass: graphs.GeneratorPass) =>
      options.gStep === "replay"
        ? graphs.replayedGeneratorGraph(context, leaves, pass.fake, adversarial.byFake, inG.observe.g)
        : graphs.regeneratedGeneratorGraph(context, leaves, pass, { sideBySide: this.#isSmall, observe: inG.observe });
    const g = generatorGraph(last);
    const saved = samples === 1 ? g.saved : graphs.replayedTensors(context, passes, options.gStep);
    const fakes = set.draft("fakes", [passes.fake, ...saved], { updates: inFakes.updates() });
    this.#placeFakes(fakes, passes.fake);
    if (samples > 1) for (const [i, t] of saved.entries()) this.#placeLast(g.saved[i]!, fakes.slice(t));

    set.draft("adversarial", [adversarial.byFake], {
      into: losses.into({ gAdversarial: adversarial.loss }),
      updates: watchD?.updates ?? [],
    });
    set.draft("g", [], {
      into: [...this.g.gradientsInto(g.gradients), ...losses.into(g.losses)],
      updates: [adam(this.g), ...inG.updates()],
    });
    const inD = watch();
    const alpha = source("d").uniform("alpha", [1]);
    const d = graphs.criticStep(
      this.d.tensors,
      { real: leaves.real, fake: leaves.fake, alpha },
      { lambda: options.lambdaGp, sideBySide: this.#isSmall, observe: inD.observe.d },
    );
    set.draft("d", [], {
      into: [...this.d.gradientsInto(d.gradients), ...losses.into(d.losses)],
      updates: [adam(this.d), ...inD.updates()],
    });

    const random = this.#observer(this.gStatistics);
    const fresh = source("randomStatistics");
    graphs.randomPasses(context, leaves, drawNoise(fresh, "noise", scale, ofNoise), fresh, { observe: random.observe });
    const rebuilt = this.#observer(this.gStatistics);
    graphs.reconstructionPass(context, leaves, rebuilt.observe);
    const preview = source("sample");
    const sample = graphs.randomPasses(context, leaves, drawNoise(preview, "noise", scale, ofNoise), preview).fake;
    const inPicture = recorded ? watch() : null; // the official code's pictures move the statistics; ours do not
    const reconstruction = graphs.reconstructionPass(context, leaves, inPicture?.observe.g);
    this.#pictures = { sample, reconstruction };
    set.draft("randomStatistics", [], { updates: random.updates });
    set.draft("reconstructionStatistics", [], { updates: rebuilt.updates });
    set.draft("sample", [sample]);
    set.draft("reconstruction", [reconstruction], { updates: inPicture?.updates() ?? [] });
    this.programs = await set.complete();
    if (this.programs.zInput) submit(gpu, [this.programs.zInput]);
  }

  /** How many fakes one run of their program makes: those of all D steps where pictures are small and dispatches dear. */
  get #fakesAtOnce(): number {
    const { scale, options } = this.setup;
    if (scale === 0) return 1;
    return this.#isSmall ? options.dSteps : 1;
  }

  /** Whether passes run side by side, in batches. */
  get #isSmall(): boolean {
    const { size, channels, sideBySide } = this.setup;
    return sideBySide ?? size.width * size.height * channels <= BATCH_VALUES;
  }

  /** Where D finds its fake: where the program leaves its only one, or in a place of its own, to which each is copied. */
  #placeFakes(program: Draft, fakes: Tensor): void {
    const all = program.slice(fakes);
    const samples = fakes.shape[0]!;
    const one = samples === 1 ? all : this.#set.alloc(all.bytes / samples, "fake");
    this.#set.bind([[this.leaves.fake, one]]);
    this.#toFake = samples === 1 ? [] : Array.from({ length: samples }, (_, j) => ({ from: sampleOf(all, samples, j), to: one }));
  }

  /** Binds `t` to the last sample of `all`, in place where the alignment allows it. */
  #placeLast(t: Tensor, all: Slice): void {
    const samples = all.bytes / (t.size * 4);
    const last = sampleOf(all, samples, samples - 1);
    if (isBindable(last)) this.#set.bind([[t, last]]);
    else {
      const copy = this.#set.alloc(last.bytes, t.name);
      this.#set.bind([[t, copy]]);
      this.#keepLast.push({ from: last, to: copy });
    }
  }

  /** What makes D's j-th fake of an iteration and puts it in place; none where it is there already. */
  fakeRuns(j: number): { readonly programs: readonly Program[]; readonly copies: readonly Copy[] } {
    const { fakes } = this.programs;
    if (this.#toFake.length > 0)
      return { programs: j === 0 ? [fakes] : [], copies: [...(j === 0 ? this.#keepLast : []), this.#toFake[j]!] };
    return { programs: j === 0 || this.setup.scale > 0 ? [fakes] : [], copies: [] };
  }

  /** Collects the running-statistics updates of a graph's normalisations. */
  #observer(statistics: Leaves, repeats = 1): { observe: Observe; updates: Update[] } {
    const updates: Update[] = [];
    const momentum = this.feed.tensor("momentum");
    return {
      updates,
      observe: (layer, batch, count) =>
        updates.push(runningStats(statistics.storage.slice(layer), batch, momentum, count, repeats)),
    };
  }

  /** All iterations of the scale in batches of at most `maxBatch`; see runBatches. */
  iterations(maxBatch?: number): AsyncGenerator<Progress> {
    const { scale, options } = this.setup;
    const job = { name: `scale ${scale}`, iterations: options.iterations, plan: (at: number) => this.iteration(at) };
    return runBatches(this.gpu, this.feed, this.losses, job, maxBatch);
  }

  /** One iteration in the official order: noise, D steps, the adversarial pass, G steps. */
  iteration(at: number): Run[] {
    const { options, scale } = this.setup;
    const { noise, d, adversarial, g } = this.programs;
    const lr = learningRate(options, at);
    const runs: Run[] = [];
    const add = (program: Program, more: { adam?: Feed["adam"]; before?: readonly Copy[] } = {}) => {
      const key = randomKey(options.seed, PURPOSE.training, scale, at * MAX_RUNS + runs.length);
      runs.push({ program, feed: { key, ...(more.adam && { adam: more.adam }) }, before: more.before ?? [] });
    };
    add(noise);
    for (let j = 0; j < options.dSteps; j++) {
      const { programs, copies } = this.fakeRuns(j);
      for (const program of programs) add(program);
      add(d, { adam: adamSchedule(at * options.dSteps + j + 1, lr), before: copies });
    }
    if (options.gStep === "replay") add(adversarial);
    for (let j = 0; j < options.gSteps; j++) add(g, { adam: adamSchedule(at * options.gSteps + j + 1, lr) });
    return runs;
  }

  /**
   * Averages the generator's statistics over passes with its final weights: random ones at the coarsest scale, where the one z* is not
   * like other noise; elsewhere random and reconstruction in turn, for both are what the scale will see (docs/adr/0003).
   */
  recalibrate(): void {
    const { options, scale } = this.setup;
    const { randomStatistics, reconstructionStatistics } = this.programs;
    for (let t = 1; t <= RECALIBRATION_PASSES; t++) {
      this.feed.write({ key: randomKey(options.seed, PURPOSE.statistics, scale, t), momentum: 1 / t });
      submit(this.gpu, [scale === 0 || t % 2 === 1 ? randomStatistics : reconstructionStatistics]);
    }
  }

  /** A random picture and the reconstruction with the weights of this moment, in train mode. */
  async preview(index: number): Promise<Preview> {
    const { options, scale, size } = this.setup;
    this.feed.write({ key: randomKey(options.seed, PURPOSE.preview, scale, index) });
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

  /** z* of the coarsest scale, as the last iteration left it: for replays of recorded trainings. Throws at the others, which have none. */
  async zStar(): Promise<Float32Array> {
    const { zStar } = this.leaves;
    const [values] = await this.gpu.read([{ ...this.#set.slice(zStar), bytes: zStar.size * 4 }]);
    return values!;
  }

  dispose(): void {
    for (const part of [this.#set, this.g, this.d, this.gStatistics, this.dStatistics, this.losses, this.feed]) part.dispose();
  }
}
