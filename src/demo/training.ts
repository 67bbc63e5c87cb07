// One training in the worker: plans it or continues a kept one, reports what happens, and keeps its states.

import type { Gpu } from "../gpu/device.ts";
import { channelsOf, type Planes, photoPlanes, type Rgb8, toPlanes, toRgb8 } from "../image/planes.ts";
import { type Kernels, Tuner } from "../runtime/tuner.ts";
import type { TrainOptions } from "../singan/model/config.ts";
import type { AnyModel, Preview } from "../singan/model/model.ts";
import { planTraining, planWithoutGpu, pyramidOf, selfTest, trainToEnd, tuneTraining } from "../singan/recipes.ts";
import { Eta } from "../singan/training/eta.ts";
import { costsOf, type TrainingOutline, type TrainingState } from "../singan/training/recipe.ts";
import type { TrainEvent } from "../singan/training/train.ts";
import { type Forecasts, picksBySpeed, Stopped, wantedPlan } from "./forecasts.ts";
import { judged } from "./judged.ts";
import { copyOf, type Facts, type KeptTraining, type StoredTraining } from "./kept-training.ts";
import type { PageGpu } from "./page-gpu.ts";
import type { Pictures, Report, Request } from "./protocol.ts";
import { tuningDatabase } from "./tuning-database.ts";

/** Previews take about this share of the time. */
const PREVIEW_SHARE = 0.2;
/** Shortest and longest pause between two previews. */
const PREVIEW_MS = [400, 5000] as const;
/** A lost GPU or a stop costs at most this much of the training, ms. Reading a state takes a few ms. */
const KEEP_MS = 1000;

/** A training with a longer forecast begins only where the visitor agrees. */
const LONG_SECONDS = 3 * 3600;

type Start = Request & { readonly kind: "start" };
type Post = (report: Report) => void;

/** What a training works with. */
export interface Workplace {
  readonly gpu: PageGpu;
  readonly kept: KeptTraining;
  readonly forecasts: Forecasts;
  readonly post: Post;
  /** Called with the finished scales. */
  onModel(model: AnyModel): void;
}

/** Work that a training may have that begins on a GPU of unknown speed: that of a square photo's quick look, minutes on any machine. */
const QUICK = planWithoutGpu({ width: 250, height: 250 }, { preset: "preview", options: {} });
const workOf = (outline: TrainingOutline): number => costsOf(outline).reduce((a, b) => a + b, 0);

/** All that is decided before the first iteration. */
type Setup = Omit<Facts, "share">;

export class Training {
  #gate: Promise<void> = Promise.resolve();
  #open = (): void => {};
  #agree = (): void => {};
  readonly #stop = new AbortController();
  #wantsJudgement = false;
  #pausedMs = 0;
  #nextPreview = 0;
  #setup: Setup | null = null;
  readonly #pictures = new Map<string, Rgb8>();

  constructor(private readonly place: Workplace) {}

  pause(): void {
    this.resume();
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
    void this.place.kept.save(); // the tab may be closed before it is resumed
  }

  resume(): void {
    this.#open();
  }

  stop(): void {
    this.#stop.abort(new Stopped());
    this.resume();
    this.agree();
  }

  get #isStopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Whether previews come with the discriminator's judgement from now on. */
  judge(isWanted: boolean): void {
    this.#wantsJudgement = isWanted;
    this.#nextPreview = 0;
  }

  /** The visitor wants the training although it is long. */
  agree(): void {
    this.#agree();
  }

  /** Plans and trains. Returns whether all scales were trained. */
  async start({ name, photo, preset, options: given }: Start): Promise<boolean> {
    const { gpu, forecasts, post } = this.place;
    const planes = photoPlanes({ picture: photo, alpha: null });
    const wanted = wantedPlan(preset, { ...given, imageChannels: channelsOf(planes) });
    const isQuick = !picksBySpeed(preset, given) && workOf(planWithoutGpu(photo, wanted)) <= workOf(QUICK);
    const planning = gpu.run(async (one) => {
      const speed = isQuick ? forecasts.known(one) : await forecasts.measure(one, this.#stop.signal);
      forecasts.cancel(); // the training needs the whole GPU
      return planTraining(one, photo, wanted, { speed, measures: false });
    });
    const planned = await planning.catch((error: unknown) => {
      if (error instanceof Stopped) return null;
      throw error;
    });
    if (!planned) return false;
    await this.#pass();
    const { options, pyramid, preset: chosen, isPicked, forecastSeconds } = planned;
    if (forecastSeconds !== null && forecastSeconds > LONG_SECONDS && !this.#isStopped) {
      post({ kind: "long", seconds: forecastSeconds });
      await new Promise<void>((resolve) => {
        this.#agree = resolve;
      });
    }
    if (this.#isStopped) return false;
    const plan = { preset: chosen, isPicked, options, sizes: pyramid.sizes, forecastSeconds };
    this.#pictures.set("photo", photo);
    post({ kind: "plan", ...plan });
    this.#setup = { name, plan, kernels: await this.#prepare(planned, null) };
    return this.#train(planes, options);
  }

  /** Goes on with a kept training. Returns whether all scales were trained. */
  async continue({ state, pictures, facts: { share: _, ...setup } }: StoredTraining): Promise<boolean> {
    const { post, onModel } = this.place;
    const { options } = state.model;
    const photo = pictures.get("photo")!;
    for (const [name, picture] of pictures) this.#pictures.set(name, picture);
    post({ kind: "plan", ...setup.plan });
    if (state.level > 0) onModel(state.model);
    for (let scale = 0; scale < state.level; scale++) post({ kind: "scaleDone", scale, ...this.#picturesAt(scale) });
    const outline = { options, pyramid: pyramidOf(photo, options) };
    this.#setup = { ...setup, kernels: await this.#prepare(outline, setup.kernels) };
    return this.#train(
      options.imageChannels === 1 ? photoPlanes({ picture: photo, alpha: null }) : toPlanes(photo),
      options,
      state,
    );
  }

  /** Gives a newly opened GPU the kernels that the training began with, so that the bits stay the same. */
  adopt(gpu: Gpu): void {
    if (this.#setup) this.#use(gpu, this.#setup.kernels);
  }

  #use(gpu: Gpu, kernels: Kernels): boolean {
    const isSame = Tuner.use(gpu, kernels);
    if (!isSame) this.#warnOfOtherBits();
    return isSame;
  }

  /**
   * Chooses a training's kernels, `kept` ones where they are those of this GPU, and tests them. Others are timed once per computer, but not on
   * software adapters, where that takes longer than it saves.
   */
  #prepare(outline: Pick<TrainingOutline, "options" | "pyramid">, kept: Kernels | null): Promise<Kernels> {
    return this.place.gpu.run(async (gpu) => {
      if (!kept || !this.#use(gpu, kept)) {
        const tuner = await Tuner.open(gpu, tuningDatabase);
        if (!gpu.isSoftware) await tuneTraining(gpu, tuner, outline);
      }
      for (const line of await selfTest(gpu, outline)) this.place.post({ kind: "warning", line: `${line}.` });
      return Tuner.kernelsOf(gpu);
    });
  }

  #warnOfOtherBits(): void {
    const line =
      "Another GPU, or another version of this page, goes on with this training, so the result differs a little in its details.";
    this.place.post({ kind: "warning", line });
  }

  async #train(photo: Planes, options: TrainOptions, from?: TrainingState): Promise<boolean> {
    const { gpu, post } = this.place;
    const { sizes, forecastSeconds } = this.#setup!.plan;
    const forecastMs = forecastSeconds === null ? null : 1000 * forecastSeconds;
    const eta = new Eta(sizes.length, options.iterations, forecastMs, () => performance.now() - this.#pausedMs);
    let finished = from?.level ?? 0;
    let isNew = !from;
    for await (const event of trainToEnd(gpu, photo, options, { ...(from && { from }), keepMs: KEEP_MS })) {
      if (event.kind === "setback") {
        const { kind, reason, scale, iteration } = event;
        post({ kind, reason, scale, iteration });
      } else {
        await this.#tell(event, eta);
        await this.#keep(event, isNew);
        isNew = false;
        if (event.kind === "scaleDone") finished = event.scale + 1;
      }
      await this.#pass();
      if (this.#isStopped) break;
    }
    return finished === sizes.length;
  }

  /** A new training is stored at once, then at each scale's end, and every 30 s. */
  async #keep({ kind, state, work }: TrainEvent, isNew: boolean): Promise<void> {
    if (!state) return;
    const stored = { state, pictures: this.#pictures, facts: { ...this.#setup!, share: work.done / work.total } };
    await this.place.kept.add(stored, isNew || kind === "scaleDone");
  }

  /** Waits while paused. */
  async #pass(): Promise<void> {
    const before = performance.now();
    await this.#gate;
    this.#pausedMs += performance.now() - before;
  }

  async #tell(event: TrainEvent, eta: Eta): Promise<void> {
    const { post, onModel } = this.place;
    const { kind, scale } = event;
    if (kind === "scale") {
      eta.begin(scale, event.work);
    } else if (kind === "progress") {
      const { iteration, losses, work } = event;
      eta.add(iteration, work);
      const { iterationsPerSecond, remainingMs } = eta;
      post({ kind, scale, iteration, losses, work, iterationsPerSecond, remainingSeconds: remainingMs && remainingMs / 1000 });
      const before = performance.now();
      if (before < this.#nextPreview) return;
      const preview = await event.preview({ scores: this.#wantsJudgement });
      if (preview) {
        const pictures = picturesOf(preview);
        const { scores } = preview;
        post({ kind: "preview", ...pictures, ...(scores && { judged: judged(pictures.sample, scores, losses) }) });
      }
      const after = performance.now();
      const [least, most] = PREVIEW_MS;
      this.#nextPreview = after + Math.min(Math.max((after - before) / PREVIEW_SHARE, least), most);
    } else {
      onModel(event.model);
      for (const [name, picture] of Object.entries(picturesOf(event.preview))) this.#pictures.set(`${scale} ${name}`, picture);
      post({ kind, scale, ...this.#picturesAt(scale) });
    }
  }

  /** Copies of a finished scale's pictures. */
  #picturesAt(scale: number): Pictures {
    const [real, reconstruction, sample] = (["real", "reconstruction", "sample"] as const).map((name) =>
      copyOf(this.#pictures.get(`${scale} ${name}`)!),
    );
    return { real: real!, reconstruction: reconstruction!, sample: sample! };
  }
}

const picturesOf = ({ real, reconstruction, sample }: Preview): Pictures => ({
  ...{ real: toRgb8(real), reconstruction: toRgb8(reconstruction), sample: toRgb8(sample) },
});
