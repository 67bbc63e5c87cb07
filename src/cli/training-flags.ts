// A training's options as flags: read from the command line, shown in the help, and named in errors.

import { DeviceLostError } from "../gpu/device.ts";
import {
  DEFAULTS,
  LARGEST_SIZE,
  OptionError,
  PRESETS,
  type PresetName,
  type Size,
  SMALLEST_SIZE,
  type TrainOptions,
} from "../singan/model/config.ts";
import { PyramidError } from "../singan/model/pyramid.ts";
import { planWithoutGpu, RECIPES, recipeOf, resolveOptions } from "../singan/recipes.ts";
import { DivergedError } from "../singan/training/level-trainer.ts";
import { MemoryError, type PlanOptions } from "../singan/training/plan.ts";
import { type Args, type Flag, type FlagHelp, flag, UsageError } from "./args.ts";
import { choice } from "./flag-values.ts";

/** The recipes that `singan train` knows. */
export const TRAIN_RECIPES = Object.values(RECIPES).flatMap(({ name, isForEnlargement }) => (isForEnlargement ? [] : [name]));

/** The photo says how many channels it has. */
type FlagOption = Exclude<keyof TrainOptions, "imageChannels">;

const HELP: Readonly<Record<FlagOption, readonly [value: string, help: string]>> = {
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
  averageOver: ["SHARE", "share of the iterations that the last weights are averaged over"],
  alphaRec: ["F", "weight of the reconstruction loss"],
  alphaShare: ["F", "share of --alpha-rec at the coarsest scale, where z* is redrawn"],
  lambdaGp: ["F", "weight of the gradient penalty"],
  noiseAmp: ["F", "noise amplitude of a scale, per RMSE of its reconstruction"],
  zStar: ["fixed|redrawn", "noise of the reconstruction: kept, or drawn in every iteration"],
  gStep: ["replay|regenerate", "generator steps 2 and 3: same fake, or a new one"],
  upsample: ["bicubic|bilinear", "how a scale's picture is brought to the next"],
  statistics: ["recalibrated|running", "batch statistics of finished scales"],
  noisePadding: ["", "noise up to the borders, as for animations"],
  seed: ["N", "seed of the random numbers; another seed makes another model"],
};
const FIELDS = Object.keys(HELP) as FlagOption[];

/** maxSize → max-size. */
export const flagName = (field: string): string => field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

export const TRAIN_FLAGS: readonly Flag[] = FIELDS.map((field) => {
  const [value, help] = HELP[field];
  return value ? flag(`${flagName(field)} ${value}`, `${help} (default: ${DEFAULTS[field]})`) : flag(flagName(field), help);
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
  const value = (field: FlagOption) => args.number(flagName(field)) ?? args.text(flagName(field)) ?? true;
  const options: Partial<TrainOptions> = Object.fromEntries(given.map((field) => [field, value(field)]));
  // Without --max-size, a large --min-size is checked later, against the preset's maxSize.
  inFlags(() => resolveOptions({ maxSize: LARGEST_SIZE, ...options }));
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

/** An OptionError as a UsageError that names flags in place of options; errors with advice name them too; another error as it is. */
export function asFlagError(error: unknown): unknown {
  if (error instanceof PyramidError) {
    const possible = Object.entries(error.fitting).filter(([, px]) => px >= SMALLEST_SIZE && px <= LARGEST_SIZE);
    const flags = possible.map(([option, px]) => `--${flagName(option)} ${px}`);
    return flags.length === 0 ? error : new PyramidError(`${error.message} (${flags.join(" or ")})`);
  }
  if ([MemoryError, DeviceLostError, DivergedError].some((kind) => error instanceof kind))
    return new Error((error as Error).message.replace(/\b(maxSize|maxChannels|lr|seed)\b/g, (name) => `--${flagName(name)}`));
  if (!(error instanceof OptionError)) return error;
  const options = /^[a-zA-Z]+(?= must | has no meaning |\b.* is below )|\bminSize\b/g;
  return new UsageError(error.message.replace(options, (option) => `--${flagName(option)}`));
}

const presetNames = ["auto", ...(Object.keys(PRESETS) as PresetName[])] as const;

export const PRESET_FLAG: FlagHelp = {
  "preset NAME": [`source of the options: ${presetNames.join(", ")} (default: auto)`, presetNames],
};

export const PRESET_DETAILS =
  "The preset auto times a few steps on this computer's GPU, picks settings that take a reasonable time, and prints them\n" +
  "and the expected time before it trains. Flags under Options replace a preset's values. With both --max-size and\n" +
  "--iterations and no --preset, the preset is full, and only a long training is timed.";

/** Reads the preset and the option flags; `own` are the command's options, which flags replace. Throws UsageError. */
export function readPlanOptions(args: Args, own: Partial<TrainOptions> = {}): PlanOptions {
  const options = { ...own, ...givenOptions(args) };
  return { preset: choice(args, "preset", presetNames, undefined), options };
}

/** Throws UsageError or PyramidError for what can't be trained, before the GPU is opened; auto counts as full. */
export const requireTrainable = (photo: Size, plan: PlanOptions): void => void inFlags(() => planWithoutGpu(photo, plan));
