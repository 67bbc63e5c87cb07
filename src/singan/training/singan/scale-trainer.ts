// Trains one scale on the GPU. Official code: train_single_scale.
// Between the start and the end of a scale the CPU only writes random keys and step sizes, and reads losses one batch behind.

import { leaf, type Tensor } from "../../../autodiff/tensor.ts";
import { type Gpu, isBindable, type Slice, sampleOf } from "../../../gpu/device.ts";
import type { Planes } from "../../../image/planes.ts";
import { ADAM } from "../../../nn/adam.ts";
import type { Observe } from "../../../nn/layers.ts";
import { averaged } from "../../../runtime/average.ts";
import { FlatBuffer, Leaves } from "../../../runtime/flat-buffer.ts";
import { ParamSet } from "../../../runtime/param-set.ts";
import type { Update } from "../../../runtime/plan.ts";
import { type Copy, type Draft, submit } from "../../../runtime/program.ts";
import { runningStats } from "../../../runtime/running-stats.ts";
import { imageShape, type Size, type TrainOptions } from "../../model/config.ts";
import type { StateDict } from "../../model/model.ts";
import { BLOCKS, greyShape, noiseSize, parameterShapes, statisticsShapes } from "../../model/shapes.ts";
import type { FrozenScale, Upsample } from "../../networks/frozen-scale.ts";
import { discriminator } from "../../networks/networks.ts";
import { ampValues, drawNoise, gpuNoise, type NoiseSource, PURPOSE, randomKey } from "../../networks/noise.ts";
import { LevelTrainer, type StateDicts, type Step, type TrainerState } from "../level-trainer.ts";
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
  /** z* of the coarsest scale, [1,1,h,w] of noiseSize; null at the others. */
  readonly zStar: Float32Array | null;
  readonly noiseAmp: number;
  readonly generator: StateDict;
  readonly discriminator: StateDict;
  /** Where an earlier trainer of this scale stopped; its weights replace `generator` and `discriminator`. */
  readonly state?: TrainerState | undefined;
  readonly noiseStream?: number | undefined;
  /** Colours [k,3] for the chain's pictures; `zPrev` has only these already. */
  readonly palette?: Float32Array | undefined;
}

export type ProgramName = IterationProgram | "zInput" | "statistics" | "sample" | "reconstruction";
type IterationProgram = "noise" | "fakes" | "d" | "adversarial" | "g" | "average";

/** Collects updates of running statistics: `observe` is called for each normalisation. */
export interface Watch {
  readonly observe: Observe;
  readonly updates: Update[];
}

/** What a trainer can be given from outside. Each has a default. */
export interface ScaleParts {
  /** Where the random numbers of a program come from; by default the GPU's generator, from the run's key. */
  noise?(program: ProgramName): NoiseSource | null;
  /** The watch of a network's batch statistics in a program; null for the default. `generator()` makes one that updates the generator's. */
  watch?(program: ProgramName, net: "generator" | "discriminator", generator: () => Watch): Watch | null;
  readonly bindings?: Iterable<readonly [Tensor, Slice]>;
  /** Passes run batched where an activation has at most this many values: fewer dispatches, for a multiple of the memory. */
  readonly batchValues?: number;
}

/** Passes that recalibrated statistics average over. */
const RECALIBRATION_PASSES = 50;
const BATCH_VALUES = 2 ** 20;

export class ScaleTrainer extends LevelTrainer<ProgramName> {
  readonly #g: ParamSet;
  readonly #d: ParamSet;
  readonly #statistics: Leaves;
  /** Of the generator's weights; null where the last ones are kept. */
  readonly #average: Leaves | null;
  readonly #leaves: graphs.ScaleLeaves;
  readonly #palette: Tensor | undefined;
  /** Copies of the j-th fake of a batch to D's input, and of the last fake's saved values. */
  #toFake: Copy[] = [];
  #keepLast: Copy[] = [];

  private constructor(
    gpu: Gpu,
    private readonly setup: ScaleSetup,
    private readonly parts: ScaleParts,
  ) {
    const { size, channels, scale, options } = setup;
    const name = `scale ${scale}`;
    super(gpu, name, scale, setup.real, options, setup.noiseStream);
    this.#g = new ParamSet(gpu, parameterShapes("generator", channels, options), `${name} G`);
    this.#d = new ParamSet(gpu, parameterShapes("discriminator", channels, options), `${name} D`);
    this.#statistics = new Leaves(new FlatBuffer(gpu, statisticsShapes(channels), `${name} G statistics`));
    const average = () => new Leaves(new FlatBuffer(gpu, parameterShapes("generator", channels, options), `${name} G average`));
    this.#average = options.averageOver > 0 ? average() : null;
    this.#leaves = new graphs.ScaleLeaves(size, options);
    this.#palette = setup.palette && leaf("palette", [setup.palette.length / 3, 3]);
  }

  /** Throws what compile() throws; everything is then freed. */
  static create(gpu: Gpu, setup: ScaleSetup, parts: ScaleParts = {}): Promise<ScaleTrainer> {
    return LevelTrainer.ready(new ScaleTrainer(gpu, setup, parts));
  }

  protected get learning() {
    return { G: this.#g, D: this.#d, statistics: this.#statistics, ...(this.#average && { "G average": this.#average }) };
  }

  protected upload(): void {
    const { gpu, set, setup, parts } = this;
    const { zPrev, zStar, palette, state, frozen } = setup;
    const leaves = this.#leaves;
    if (state) this.writeTensors(state.tensors);
    else {
      for (const { storage } of [this.#g.values, ...(this.#average ? [this.#average] : [])]) storage.write(setup.generator);
      this.#d.values.storage.write(setup.discriminator);
      for (const [name, shape] of this.#statistics.storage.shapes)
        gpu.write(this.#statistics.storage.slice(name), new Float32Array(shape[2]! * 2).fill(1, shape[2]!)); // mean 0, variance 1
    }
    set.upload(leaves.real, setup.real.data);
    set.upload(leaves.amp, ampValues(setup.noiseAmp, setup.options));
    if (zPrev) set.upload(leaves.zPrev, zPrev.data);
    if (zStar) set.upload(leaves.zStar, zStar);
    if (this.#palette) set.upload(this.#palette, palette!);
    for (const { bindings } of [this.#g.values, this.#d.values, this.feed.leaves, ...frozen]) set.bind(bindings);
    set.bind(parts.bindings ?? []);
  }

  protected async compile(): Promise<void> {
    const { set, setup, losses, options, size, level: scale } = this;
    const leaves = this.#leaves;
    const { frozen, upsample } = setup;
    const ofNoise = noiseSize(size, options);
    const batched = this.#isBatched;
    const context: graphs.ScaleContext = {
      ...{ scale, size, options, frozen, upsample },
      ...{ g: this.#g.tensors, d: this.#d.tensors, palette: this.#palette },
    };
    const source = (program: ProgramName): NoiseSource => this.parts.noise?.(program) ?? gpuNoise(this.feed.tensor("key"));
    const adam = (net: ParamSet): Update => net.adam(this.feed.tensor("adam"), ADAM);

    // The iteration's noise, and z* where it is redrawn. The other graphs read this program's outputs.
    const noises = source("noise");
    const wanted = { scale, size: ofNoise, image: options };
    const zDraw = this.#isRedrawn ? noises.normal("zOpt", greyShape(ofNoise)) : null;
    const z = drawNoise(noises, "noise", wanted);
    const zInput = graphs.reconstructionInput(context, leaves, zDraw ?? leaves.zStar);
    const noise = set.draft("noise", zDraw ? [z, zDraw, zInput] : [z]);
    set.bind([[leaves.noise, noise.slice(z)]]);
    if (zDraw) set.bind([[leaves.zStar, noise.slice(zDraw)]]);
    set.bind([[leaves.zInput, (zDraw ? noise : set.draft("zInput", [zInput])).slice(zInput)]]);

    const inFakes = this.#watch("fakes");
    const samples = this.#fakesAtOnce;
    const passes = graphs.randomPasses(context, leaves, leaves.noise, source("fakes"), { samples, observe: inFakes.g });
    // The pass of the last D step, which the G steps backpropagate through: `passes` itself, or one sample of it.
    const last =
      samples === 1 ? passes : graphs.generatorPass(context, leaves, leaves.noise, leaf("previous", imageShape(size, options)));
    const inAdversarial = this.#watch("adversarial");
    const adversarial = graphs.adversarialGraph(context, leaves.fake, inAdversarial.d);
    const inG = this.#watch("g");
    const g =
      options.gStep === "replay"
        ? graphs.replayedGeneratorGraph(context, leaves, last.fake, adversarial.byFake, inG.g)
        : graphs.regeneratedGeneratorGraph(context, leaves, last, { batched, observe: inG });
    const saved = samples === 1 ? g.saved : graphs.replayedTensors(context, passes, options.gStep);
    const fakes = set.draft("fakes", [passes.fake, ...saved], { updates: inFakes.updates });
    this.#bindFake(fakes, passes.fake);
    if (samples > 1) for (const [i, t] of saved.entries()) this.#bindLast(g.saved[i]!, fakes.slice(t));

    set.draft("adversarial", [adversarial.byFake], {
      into: losses.into({ gAdversarial: adversarial.loss }),
      updates: inAdversarial.updates,
    });
    set.draft("g", [], {
      into: [...this.#g.gradientsInto(g.gradients), ...losses.into(g.losses)],
      updates: [adam(this.#g), ...inG.updates],
    });
    const inD = this.#watch("d");
    const alpha = source("d").uniform("alpha", [1]);
    const d = graphs.criticStep(
      this.#d.tensors,
      { real: leaves.real, fake: leaves.fake, alpha },
      { lambda: options.lambdaGp, batched, observe: inD.d },
    );
    set.draft("d", [], {
      into: [...this.#d.gradientsInto(d.gradients), ...losses.into(d.losses)],
      updates: [adam(this.#d), ...inD.updates],
    });

    if (this.#average) {
      const share = Math.min(1, 1 / (options.averageOver * options.iterations));
      set.draft("average", [], { updates: [averaged(this.#g.values.storage.whole, this.#average.storage.whole, share)] });
    }

    const random = this.#watch("statistics");
    const fresh = source("statistics");
    graphs.randomPasses(context, leaves, drawNoise(fresh, "noise", wanted), fresh, { observe: random.g });
    const preview = source("sample");
    const sample = graphs.randomPasses(context, leaves, drawNoise(preview, "noise", wanted), preview).fake;
    const inPicture = this.#watch("reconstruction");
    const reconstruction = graphs.reconstructionPass(context, leaves, inPicture.g);
    this.pictures = { sample, reconstruction };
    set.draft("statistics", [], { updates: random.updates });
    set.draft("sample", [sample]);
    set.draft("reconstruction", [reconstruction], { updates: inPicture.updates });
    await this.complete();
    this.#restore();
  }

  /** Computes the reconstruction's input, which other programs read; where z* is redrawn, that of the last iteration. */
  #restore(): void {
    const { zInput, noise } = this.programs;
    const done = this.setup.state?.iteration ?? 0;
    if (zInput) submit(this.gpu, [zInput]);
    else if (done > 0) {
      this.feed.write(this.iteration(done - 1)[0]!.feed);
      submit(this.gpu, [noise]);
    }
  }

  get #isRedrawn(): boolean {
    return this.level === 0 && this.options.zStar === "redrawn";
  }

  /** How many fakes one run of their program makes: those of all D steps where passes run batched. */
  get #fakesAtOnce(): number {
    // At the coarsest scale nothing changes between the D steps of an iteration: one fake serves all of them.
    return this.level > 0 && this.#isBatched ? this.options.dSteps : 1;
  }

  get #isBatched(): boolean {
    const { width, height } = this.size;
    return width * height * this.setup.channels <= (this.parts.batchValues ?? BATCH_VALUES);
  }

  /** Binds D's input for fakes: to the program's output where it makes only one, else to a buffer that each is copied to. */
  #bindFake(program: Draft, fakes: Tensor): void {
    const all = program.slice(fakes);
    const samples = fakes.shape[0]!;
    const one = samples === 1 ? all : this.set.alloc(all.bytes / samples, "fake");
    this.set.bind([[this.#leaves.fake, one]]);
    this.#toFake = samples === 1 ? [] : Array.from({ length: samples }, (_, j) => ({ from: sampleOf(all, samples, j), to: one }));
  }

  /** Binds `t` to the last sample of `all`: directly where the alignment allows it, else to a copy. */
  #bindLast(t: Tensor, all: Slice): void {
    const samples = all.bytes / (t.size * 4);
    const last = sampleOf(all, samples, samples - 1);
    if (isBindable(last)) this.set.bind([[t, last]]);
    else {
      const copy = this.set.alloc(last.bytes, t.name);
      this.set.bind([[t, copy]]);
      this.#keepLast.push({ from: last, to: copy });
    }
  }

  /** The observers of batch statistics in a program, and the updates that they collect. */
  #watch(program: ProgramName): { readonly g?: Observe; readonly d?: Observe; readonly updates: Update[] } {
    const { dSteps, statistics } = this.options;
    const isRunning = statistics === "running" && (program === "fakes" || program === "g");
    // At the coarsest scale one fake counts as those of all D steps.
    const own = () => this.#observer(program === "fakes" && this.level === 0 ? dSteps : 1);
    const g = this.parts.watch?.(program, "generator", own) ?? (isRunning || program === "statistics" ? own() : null);
    const d = this.parts.watch?.(program, "discriminator", own) ?? null;
    return {
      ...(g && { g: g.observe }),
      ...(d && { d: d.observe }),
      get updates() {
        return [...(g?.updates ?? []), ...(d?.updates ?? [])]; // known once the graph is made
      },
    };
  }

  /** A watch that updates the generator's running statistics. */
  #observer(repeats: number): Watch {
    const updates: Update[] = [];
    const momentum = this.feed.tensor("momentum");
    return {
      updates,
      observe: (layer, batch, count) =>
        updates.push(runningStats(this.#statistics.storage.slice(layer), batch, momentum, count, repeats)),
    };
  }

  protected steps(at: number): Step<ProgramName>[] {
    const { dSteps, gSteps, gStep } = this.options;
    const steps: Step<ProgramName>[] = [{ program: "noise" }];
    for (let j = 0; j < dSteps; j++) {
      if (j === 0 || (this.level > 0 && this.#toFake.length === 0)) steps.push({ program: "fakes" });
      const copies = this.#toFake.length === 0 ? [] : [...(j === 0 ? this.#keepLast : []), this.#toFake[j]!];
      steps.push({ program: "d", adamStep: at * dSteps + j + 1, before: copies });
    }
    if (gStep === "replay") steps.push({ program: "adversarial" });
    for (let j = 0; j < gSteps; j++) steps.push({ program: "g", adamStep: at * gSteps + j + 1 });
    if (this.#average) steps.push({ program: "average" });
    return steps;
  }

  protected scoresOf(picture: Tensor): Tensor {
    return discriminator(picture, this.#d.tensors);
  }

  async measureNoiseAmp(): Promise<number> {
    return this.setup.noiseAmp;
  }

  /** Ends the scale: the average becomes the generator, and where they are recalibrated, the statistics become those of its weights. */
  finish(): void {
    if (this.#average) submit(this.gpu, [{ from: this.#average.storage.whole, to: this.#g.values.storage.whole }]);
    if (this.options.statistics === "recalibrated") this.recalibrate();
  }

  /** Averages the generator's statistics over random passes with its final weights; the reconstruction has its own (docs/adr/0014). */
  recalibrate(): void {
    for (let t = 1; t <= RECALIBRATION_PASSES; t++) {
      this.feed.write({ key: randomKey(this.options.seed, PURPOSE.statistics, this.level, t), momentum: 1 / t });
      submit(this.gpu, [this.programs.statistics]);
    }
  }

  /** The nets by official names, read back; hidden convolutions have zero biases, because batch norm removes any bias. */
  async stateDicts(): Promise<StateDicts> {
    const { channels } = this.setup;
    const [generator, discriminator, statistics] = await Promise.all([
      this.#g.values.storage.read(),
      this.#d.values.storage.read(),
      this.#statistics.storage.read(),
    ]);
    for (const state of [generator, discriminator])
      for (const block of BLOCKS) state.set(`${block}.conv.bias`, new Float32Array(channels));
    for (const [block, values] of statistics) {
      generator.set(`${block}.norm.running_mean`, values.slice(0, channels));
      generator.set(`${block}.norm.running_var`, values.slice(channels));
    }
    return { generator, discriminator };
  }
}
