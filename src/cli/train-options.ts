// The flags that set a training's options, and the errors of the library in the words of the command line.

import { OptionError, PAPER, type TrainOptions } from "../singan/model/config.ts";
import { recipeOf, resolveOptions } from "../singan/recipes.ts";
import { MemoryError } from "../singan/training/plan.ts";
import { type Args, type Flag, flag, UsageError } from "./args.ts";

const HELP: Readonly<Record<keyof TrainOptions, readonly [value: string, help: string]>> = {
  recipe: ["singan|consingan", "what is trained, on which pyramid"],
  maxSize: ["PX", "long side of the finest scale"],
  minSize: ["PX", "short side of the coarsest scale"],
  scaleFactor: ["F", "ratio between neighbouring scales"],
  iterations: ["N", "iterations per scale"],
  channels: ["N", "channels at first, doubled every 4 scales; consingan: 64, not doubled"],
  maxChannels: ["N", "limit on the doubling; below --channels it changes nothing"],
  stages: ["N", "consingan: stages of the generator, each a scale"],
  trainedStages: ["N", "consingan: how many of the newest are trained at once"],
  lrScale: ["F", "consingan: learning rate of a stage per that of the one above"],
  dSteps: ["N", "discriminator steps per iteration"],
  gSteps: ["N", "generator steps per iteration"],
  lr: ["F", "learning rate"],
  lrDropAt: ["SHARE", "share of the iterations after which it drops to a tenth"],
  alphaRec: ["F", "weight of the reconstruction loss"],
  lambdaGp: ["F", "weight of the gradient penalty"],
  noiseAmp: ["F", "noise amplitude per RMSE of the scale before"],
  zStar: ["fixed|redrawn", "noise of the reconstruction: kept, or drawn in every iteration"],
  gStep: ["replay|regenerate", "generator steps 2 and 3: same fake, or a new one"],
  upsample: ["bicubic|bilinear", "how a scale's picture is brought to the next"],
  statistics: ["recalibrated|running", "batch statistics of finished scales"],
  noisePadding: ["", "noise up to the borders, as for animations"],
  seed: ["N", "another seed, another model"],
};
const FIELDS = Object.keys(HELP) as (keyof TrainOptions)[];

/** maxSize → max-size. */
export const flagName = (field: string): string => field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

export const TRAIN_FLAGS: readonly Flag[] = FIELDS.map((field) => {
  const [value, help] = HELP[field];
  return value ? flag(`${flagName(field)} ${value}`, `${help} (default: ${PAPER[field]})`) : flag(flagName(field), help);
});

/** Options as the flags that train, or for its recipe sr, takes: what the recipe has no use for is left out. */
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
  // A limit below the smallest side is judged with the preset's values, once they are known.
  const { minSize = PAPER.minSize, maxSize = PAPER.maxSize } = options;
  inFlags(() => resolveOptions({ ...options, ...("maxSize" in options ? {} : { maxSize: Math.max(minSize, maxSize) }) }));
  return options;
}

/** Runs `check`; an OptionError becomes a UsageError that names flags in place of options, and a MemoryError names them too. */
export function inFlags<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (error instanceof MemoryError)
      throw new Error(error.message.replace(/\bmax(Size|Channels)\b/g, (name) => `--${flagName(name)}`));
    if (!(error instanceof OptionError)) throw error;
    const options = /^[a-zA-Z]+(?= must | has no meaning |\b.* is below )|\bminSize\b/g;
    throw new UsageError(error.message.replace(options, (option) => `--${flagName(option)}`));
  }
}
