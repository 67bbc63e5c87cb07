// A training as the commands run it: options from flags, planned for this computer, kernels tuned, progress shown.

import { availableMemory } from "node:process";
import type { Gpu } from "../gpu/device.ts";
import type { Planes } from "../image/planes.ts";
import { OptionError, PAPER, PRESETS, type PresetName, type Size, type TrainOptions } from "../singan/model/config.ts";
import type { AnyModel, Preview } from "../singan/model/model.ts";
import { planTraining, planWithoutGpu, RECIPES, recipeOf, resolveOptions, selfTest, train } from "../singan/recipes.ts";
import { MemoryError, megabytes, type PlanOptions, type TrainingPlan } from "../singan/training/plan.ts";
import type { Speed } from "../singan/training/presets.ts";
import { type Args, type Flag, type FlagHelp, flag, UsageError } from "./args.ts";
import { choice } from "./flag-values.ts";
import { tuneFor } from "./gpu.ts";
import { duration, Progress } from "./progress.ts";
import { counted, sizeText } from "./report.ts";
import type { Session } from "./session.ts";

/** The recipes that `singan train` knows. */
export const TRAIN_RECIPES = Object.values(RECIPES).flatMap(({ name, isForEnlargement }) => (isForEnlargement ? [] : [name]));

const HELP: Readonly<Record<keyof TrainOptions, readonly [value: string, help: string]>> = {
  recipe: [TRAIN_RECIPES.join("|"), "what is trained, on which pyramid"],
  maxSize: ["PX", "long side of the finest scale"],
  minSize: ["PX", "short side of the coarsest scale"],
  scaleFactor: ["F", "ratio between neighbouring scales"],
  iterations: ["N", "iterations per scale"],
  channels: ["N", "channels at first, doubled every 4 scales; consingan: 64, not doubled"],
  maxChannels: ["N", "limit on the doubling; below --channels it changes nothing"],
  stages: ["N", "consingan: stages of the generator, each a scale"],
  trainedStages: ["N", "consingan: how many of the newest are trained at once"],
  lrScale: ["F", "consingan: learning rate of a stage relative to the next finer's"],
  dSteps: ["N", "discriminator steps per iteration"],
  gSteps: ["N", "generator steps per iteration"],
  lr: ["F", "learning rate"],
  lrDropAt: ["SHARE", "share of the iterations after which --lr drops to a tenth"],
  alphaRec: ["F", "weight of the reconstruction loss"],
  lambdaGp: ["F", "weight of the gradient penalty"],
  noiseAmp: ["F", "noise amplitude of a scale, per RMSE of its reconstruction"],
  zStar: ["fixed|redrawn", "noise of the reconstruction: kept, or drawn in every iteration"],
  gStep: ["replay|regenerate", "generator steps 2 and 3: same fake, or a new one"],
  upsample: ["bicubic|bilinear", "how a scale's picture is brought to the next"],
  statistics: ["recalibrated|running", "batch statistics of finished scales"],
  noisePadding: ["", "noise up to the borders, as for animations"],
  seed: ["N", "seed of the random numbers; another seed makes another model"],
};
const FIELDS = Object.keys(HELP) as (keyof TrainOptions)[];

/** maxSize → max-size. */
export const flagName = (field: string): string => field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

export const TRAIN_FLAGS: readonly Flag[] = FIELDS.map((field) => {
  const [value, help] = HELP[field];
  return value ? flag(`${flagName(field)} ${value}`, `${help} (default: ${PAPER[field]})`) : flag(flagName(field), help);
});

/** Options as flags of the command `train`, or `sr` for the recipe sr, without those that the recipe does not use. */
export function asFlags(options: TrainOptions): string {
  const { unused, isForEnlargement } = recipeOf(options);
  const idle: readonly string[] = [...unused, ...(isForEnlargement ? ["recipe"] : [])];
  const used = FIELDS.filter((field) => !idle.includes(field) && options[field] !== false);
  return used.map((field) => `--${flagName(field)}${options[field] === true ? "" : ` ${options[field]}`}`).join(" ");
}

/** The options that flags were given for, each in range. Throws UsageError. */
export function givenOptions(args: Args): Partial<TrainOptions> {
  const given = FIELDS.filter((field) => args.has(flagName(field)));
  const value = (field: keyof TrainOptions) => args.number(flagName(field)) ?? args.text(flagName(field)) ?? true;
  const options: Partial<TrainOptions> = Object.fromEntries(given.map((field) => [field, value(field)]));
  // Without --max-size, a large --min-size is checked later, against the preset's maxSize.
  const { minSize = PAPER.minSize, maxSize = PAPER.maxSize } = options;
  inFlags(() => resolveOptions({ ...options, ...("maxSize" in options ? {} : { maxSize: Math.max(minSize, maxSize) }) }));
  return options;
}

/** Runs `check`; errors name flags in place of options (see asFlagError). */
export function inFlags<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw asFlagError(error);
  }
}

/** An OptionError as a UsageError that names flags in place of options; a MemoryError names them too; another error as it is. */
function asFlagError(error: unknown): unknown {
  if (error instanceof MemoryError) return new Error(error.message.replace(/\bmaxSize\b/g, `--${flagName("maxSize")}`));
  if (!(error instanceof OptionError)) return error;
  const options = /^[a-zA-Z]+(?= must | has no meaning |\b.* is below )|\bminSize\b/g;
  return new UsageError(error.message.replace(options, (option) => `--${flagName(option)}`));
}

const presetNames = ["auto", ...(Object.keys(PRESETS) as PresetName[])] as const;

export const PRESET_FLAG: FlagHelp = {
  "preset NAME": `where the options come from: ${presetNames.join(", ")} (default: auto)`,
};

export const PRESET_DETAILS =
  "The preset auto times a few steps on this computer's GPU, picks settings that take a reasonable time, and prints them\n" +
  "and the expected time before it trains. Flags under Options replace a preset's values. With both --max-size and\n" +
  "--iterations and no --preset, all other values are the paper's, and only a long training is timed.";

/** Reads the preset and the option flags; `own` are the command's options, which flags replace. Throws UsageError. */
export function readPlanOptions(args: Args, own: Partial<TrainOptions> = {}): PlanOptions {
  const options = { ...own, ...givenOptions(args) };
  return { preset: choice(args, "preset", presetNames, undefined), options };
}

/** Throws UsageError or PyramidError for what can't be trained, before the GPU is opened; auto counts as the paper's size. */
export const requireTrainable = (photo: Size, plan: PlanOptions): void => void inFlags(() => planWithoutGpu(photo, plan));

export interface Trained {
  readonly plan: TrainingPlan;
  /** The preset as reports name it. */
  readonly preset: string;
  readonly model: AnyModel;
  readonly previews: readonly Preview[];
  readonly seconds: number;
}

/** Trains one photo after another on one GPU, which is timed once. */
export class PhotoTrainer {
  #speed: Speed | null = null;

  constructor(
    readonly gpu: Gpu,
    private readonly wanted: PlanOptions,
    private readonly session: Session,
  ) {}

  /** Throws where the photo can't be trained on this computer. `announce` is called with the finest size before the training begins. */
  async train(photo: Planes, announce?: (finest: Size) => void): Promise<Trained> {
    const plan = await this.#plan(photo);
    announce?.(plan.pyramid.sizes.at(-1)!);
    await tuneFor(this.gpu, this.session, plan);
    for (const line of await selfTest(this.gpu, plan)) this.session.note(line);
    const preset = plan.isPicked ? `auto: ${plan.preset}` : plan.preset;
    return { plan, preset, ...(await this.#watch(photo, plan)) };
  }

  /** Says what the training will be, and how long it takes where that was timed. */
  async #plan({ width, height }: Size): Promise<TrainingPlan> {
    const { gpu, session, wanted } = this;
    const circumstances = {
      speed: this.#speed,
      freeBytes: availableMemory(),
      onTiming: () => session.note("timing a few steps …"),
    };
    const plan = await planTraining(gpu, { width, height }, wanted, circumstances).catch((error: unknown) => {
      throw asFlagError(error);
    });
    this.#speed = plan.speed;
    const { preset, isPicked, options, pyramid, bytes, forecastSeconds } = plan;
    const { sizes } = pyramid;
    const isChanged = Object.keys(wanted.options).some((field) => field !== "seed");
    session.note(
      `${isPicked ? "auto picks " : ""}${preset}${isChanged ? " with other options" : ""}: ` +
        `${counted(sizes.length, "scale")} up to ${sizeText(sizes.at(-1)!)}, ` +
        `${options.iterations} iterations each, ${options.channels} channels; ` +
        `${megabytes(bytes)} of GPU memory${forecastSeconds === null ? "" : `, about ${duration(forecastSeconds)}`}`,
    );
    return plan;
  }

  async #watch(photo: Planes, { options, pyramid, forecastSeconds }: TrainingPlan) {
    const setup = { scales: pyramid.sizes.length, iterations: options.iterations, forecastSeconds };
    const progress = new Progress(this.session, setup);
    const previews: Preview[] = [];
    const events = train(this.gpu, photo, options);
    for (;;) {
      const { done, value } = await events.next();
      if (done) return { model: value, previews, seconds: progress.elapsedSeconds };
      progress.show(value);
      if (value.kind === "scaleDone") previews.push(value.preview);
    }
  }
}
