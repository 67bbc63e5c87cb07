// A training as the commands run it: planned for this computer, kernels tuned, progress shown, and its state kept in a folder.

import { availableMemory } from "node:process";
import { channelsOf, type Planes, toPlanes, toRgb8 } from "../image/planes.ts";
import type { Size } from "../singan/model/config.ts";
import type { AnyModel, Preview } from "../singan/model/model.ts";
import { planTraining, recipeOf, trainToEnd } from "../singan/recipes.ts";
import { collapse } from "../singan/training/collapse.ts";
import { megabytes, type PlanCircumstances, type PlanOptions, type TrainingPlan } from "../singan/training/plan.ts";
import type { Speed } from "../singan/training/presets.ts";
import type { TrainEvent } from "../singan/training/train.ts";
import type { SetbackEvent } from "../singan/training/train-to-end.ts";
import type { TrainingGpu } from "./gpu.ts";
import { duration, Progress } from "./progress.ts";
import { shown } from "./read-files.ts";
import { counted, sizeText } from "./report.ts";
import type { Session } from "./session.ts";
import { asFlagError } from "./training-flags.ts";
import type { Unfinished } from "./unfinished.ts";

/** What of a plan outlives the process that made it. */
export type KeptPlan = Pick<TrainingPlan, "preset" | "isPicked" | "forecastSeconds">;

export interface Trained {
  /** The preset as reports name it. */
  readonly preset: string;
  readonly model: AnyModel;
  /** Of every scale, as it was when it was finished. */
  readonly previews: readonly Preview[];
  readonly seconds: number;
  /** What the training has made wrong (see collapse()). */
  readonly fault: string | null;
}

type Event = TrainEvent | SetbackEvent;

/** Trains one photo after another on one GPU, which is timed once. */
export class PhotoTrainer {
  #speed: Speed | null = null;

  constructor(
    readonly gpu: TrainingGpu,
    private readonly wanted: PlanOptions,
    private readonly session: Session,
  ) {}

  /**
   * Trains a photo, or goes on with its unfinished training. `announce` is called with the finest size before the training begins. Throws where
   * the photo can't be trained on this computer; the state is then kept.
   */
  async train(photo: Planes, unfinished: Unfinished<KeptPlan>, announce?: (finest: Size) => void): Promise<Trained> {
    try {
      const { found } = unfinished;
      const plan = found ? null : await this.#plan(photo);
      const kept = found ? found.facts.plan : plan!;
      const options = found ? found.state.model.options : plan!.options;
      const pyramid = found ? recipeOf(options).pyramid(photo, options) : plan!.pyramid;
      announce?.(pyramid.sizes.at(-1)!);
      unfinished.checkRoom({ recipe: recipeOf(options), options, pyramid });
      await this.gpu.prepare({ options, pyramid }, found?.facts.kernels);
      const setup = { scales: pyramid.sizes.length, iterations: options.iterations, forecastSeconds: kept.forecastSeconds };
      const progress = new Progress(this.session, setup);
      if (found) this.session.note(`goes on at ${progress.placeOf(found.state)}`);
      const events = trainToEnd(this.gpu.keeper, photo, options, { ...(found && { from: found.state }) });
      const { preset, isPicked, forecastSeconds } = kept;
      const model = await this.#watch(events, progress, unfinished, { preset, isPicked, forecastSeconds });
      const previews = previewsIn(unfinished, pyramid.sizes.length);
      return {
        ...{ preset: isPicked ? `auto: ${preset}` : preset, model, previews, fault: collapse(previews.at(-1)!) },
        seconds: model.scales.reduce((sum, scale) => sum + scale.seconds, 0),
      };
    } catch (error) {
      await unfinished.save();
      throw asFlagError(error);
    }
  }

  /** Says what the training will be, and how long it takes where that was timed. */
  async #plan(photo: Planes): Promise<TrainingPlan> {
    const { session, wanted } = this;
    const own = { ...wanted, options: { ...wanted.options, imageChannels: channelsOf(photo) } };
    const gpu = await this.gpu.keeper.get();
    const circumstances: PlanCircumstances = {
      speed: this.#speed,
      freeBytes: availableMemory(),
      onTiming: (share) => {
        if (share === 0) session.note("timing a few steps …");
      },
    };
    const plan = await planTraining(gpu, photo, own, circumstances);
    this.#speed = plan.speed;
    const { preset, isPicked, options, pyramid, bytes, forecastSeconds } = plan;
    const { sizes } = pyramid;
    const isChanged = Object.keys(wanted.options).some((field) => field !== "seed");
    session.note(
      `${isPicked ? "auto picks " : ""}${preset}${isChanged ? " with other options" : ""}: ` +
        `${counted(sizes.length, "scale")} up to ${sizeText(sizes.at(-1)!)}, ` +
        `${counted(options.iterations, "iteration")} each, ${options.channels} channels; ` +
        `${megabytes(bytes)} of GPU memory${forecastSeconds === null ? "" : `, about ${duration(forecastSeconds)}`}`,
    );
    return plan;
  }

  async #watch(
    events: AsyncGenerator<Event, AnyModel>,
    progress: Progress,
    unfinished: Unfinished<KeptPlan>,
    plan: KeptPlan,
  ): Promise<AnyModel> {
    for (;;) {
      const { done, value } = await events.next();
      if (done) return value;
      progress.show(value);
      if (value.kind === "setback" || !value.state) continue;
      if (value.kind === "scaleDone")
        for (const [name, picture] of Object.entries(value.preview))
          unfinished.pictures.set(`${value.scale} ${name}`, toRgb8(picture));
      await unfinished.keep(value.state, { plan, kernels: this.gpu.kernels }, value.kind === "scaleDone");
      await this.session.goOn();
    }
  }
}

/** The previews among an unfinished training's pictures. */
const previewsIn = ({ pictures }: Unfinished<KeptPlan>, count: number): Preview[] =>
  Array.from({ length: count }, (_, scale) => {
    const picture = (name: keyof Preview) => toPlanes(pictures.get(`${scale} ${name}`)!);
    return { real: picture("real"), sample: picture("sample"), reconstruction: picture("reconstruction") };
  });

/** Throws where a training has ended in a model that makes nothing, with this fault; its results are written all the same. */
export function requireSound(fault: string | null, folder: string): void {
  if (fault)
    throw new Error(
      `the training has diverged: ${fault}; try a lower --lr, or another --seed (what it made is in ${shown(folder)})`,
    );
}
