// What a training can be asked for, its defaults and presets. Values from the official code (tamarott/SinGAN config.py) and the paper.

import type { Shape } from "../../autodiff/tensor.ts";
import type { Size } from "../../image/planes.ts";

export interface TrainOptions {
  /** The recipe's name: a key of the table in recipes.ts. */
  readonly recipe: string;
  /** Long side of the finest scale, px. */
  readonly maxSize: number;
  /** Short side of the coarsest scale, px. */
  readonly minSize: number;
  /** Wanted ratio between scales. The ratio used is nearer to 1, so that the coarsest scale's short side is minSize. */
  readonly scaleFactor: number;
  /** Iterations per scale, each dSteps discriminator and gSteps generator steps. */
  readonly iterations: number;
  /** Channels of photo and pictures: 1 grey, 3 colours, 4 colours and alpha. Those of the photo. */
  readonly imageChannels: number;
  /** Channels at scale 0; doubled every 4 scales up to maxChannels. */
  readonly channels: number;
  readonly maxChannels: number;
  /** Stages of the growing generator, one for each scale of its pyramid; ConSinGAN only. */
  readonly stages: number;
  /** How many of the newest stages are trained at once; ConSinGAN only. */
  readonly trainedStages: number;
  /** δ: each stage below the newest has this times the learning rate of the one above; ConSinGAN only. */
  readonly lrScale: number;
  readonly dSteps: number;
  readonly gSteps: number;
  readonly lr: number;
  /** The learning rate drops to a tenth after this share of the iterations. */
  readonly lrDropAt: number;
  /** The generator that a scale ends with is an exponential average over the last iterations: this share of all. 0: the last weights. */
  readonly averageOver: number;
  /** α: weight of the reconstruction loss. */
  readonly alphaRec: number;
  /** Share of alphaRec that the coarsest scale has where z* is redrawn: there the loss asks for the photo from every z, not from one. */
  readonly alphaShare: number;
  /** λ: weight of the gradient penalty. */
  readonly lambdaGp: number;
  /** Noise amplitude of scale n is this times the RMSE of its upsampled reconstruction. */
  readonly noiseAmp: number;
  /** z* of the coarsest scale is drawn once (fixed, as in the paper), or in every iteration; then typicalZStar picks the one to keep. */
  readonly zStar: "fixed" | "redrawn";
  /** Whether each G step makes a new fake, or all backpropagate through one kept fake (replay: official code under torch ≤ 1.4). */
  readonly gStep: "replay" | "regenerate";
  readonly upsample: "bilinear" | "bicubic";
  /** Statistics of a frozen generator: averaged over passes after training (docs/adr/0014), or PyTorch's running ones. */
  readonly statistics: "recalibrated" | "running";
  /** Whether noise fills the padding of G's input, which otherwise is zero: more variety at the borders, as in animation training. */
  readonly noisePadding: boolean;
  readonly seed: number;
}

/** Sizes and lengths of the paper and its code; losses, z*, G steps and statistics as docs/adr/0010 and 0014 found best. */
export const DEFAULTS: TrainOptions = Object.freeze({
  recipe: "singan",
  maxSize: 250,
  minSize: 25,
  scaleFactor: 0.75,
  iterations: 2000,
  imageChannels: 3,
  channels: 32,
  maxChannels: 128,
  stages: 6,
  trainedStages: 3,
  lrScale: 0.1,
  dSteps: 3,
  gSteps: 3,
  lr: 5e-4,
  lrDropAt: 0.8,
  averageOver: 0.07,
  alphaRec: 10,
  alphaShare: 0.3,
  lambdaGp: 0.1,
  noiseAmp: 0.1,
  zStar: "redrawn",
  gStep: "regenerate",
  upsample: "bicubic",
  statistics: "recalibrated",
  noisePadding: false,
  seed: 0,
});

/** ConSinGAN's values for unconditional generation. Its nets have one width. */
export const CONSINGAN: TrainOptions = Object.freeze({ ...DEFAULTS, recipe: "consingan", channels: 64 });

/** The learning rate in iteration `at`: lr, and a tenth of it after the share `lrDropAt` of the iterations. */
export const learningRate = (
  { lr, lrDropAt, iterations }: Pick<TrainOptions, "lr" | "lrDropAt" | "iterations">,
  at: number,
): number => (at >= Math.floor(lrDropAt * iterations) ? lr * 0.1 : lr);

/** Named settings. Without a GPU, `preview` is the one that trains in minutes. */
export const PRESETS = {
  full: DEFAULTS,
  paper: { ...DEFAULTS, averageOver: 0, zStar: "fixed" }, // the last weights, and one z*
  balanced: { ...DEFAULTS, maxSize: 160, iterations: 1000, maxChannels: 64 },
  preview: { ...DEFAULTS, maxSize: 48, scaleFactor: 0.6, iterations: 200, maxChannels: 32 }, // fewer, larger steps between scales
  animation: { ...DEFAULTS, minSize: 20, noisePadding: true }, // the official mode animation_train
} as const satisfies Record<string, TrainOptions>;
export type PresetName = keyof typeof PRESETS;

export class OptionError extends Error {
  override name = "OptionError";
}

/** The smallest minSize and maxSize, and the largest maxSize, px. */
export const SMALLEST_SIZE = 12;
export const LARGEST_SIZE = 4096;

const RANGES: readonly [name: keyof TrainOptions, low: number, high: number, whole: boolean][] = [
  ["maxSize", SMALLEST_SIZE, LARGEST_SIZE, true],
  ["minSize", SMALLEST_SIZE, 512, true],
  ["scaleFactor", 0.3, 0.95, false],
  ["iterations", 1, 100_000, true],
  ["channels", 1, 512, true],
  ["maxChannels", 1, 512, true],
  ["stages", 1, 20, true],
  ["trainedStages", 1, 20, true],
  ["lrScale", 0, 1, false],
  ["dSteps", 1, 20, true],
  ["gSteps", 1, 20, true],
  ["lr", 0, 1, false],
  ["lrDropAt", 0, 1, false],
  ["averageOver", 0, 1, false],
  ["alphaRec", 0, 1e4, false],
  ["alphaShare", 0, 1, false],
  ["lambdaGp", 0, 1e4, false],
  ["noiseAmp", 0, 10, false],
  ["seed", 0, 2 ** 32 - 1, true],
];
const CHOICES: readonly [name: keyof TrainOptions, values: readonly (string | number)[]][] = [
  ["imageChannels", [1, 3, 4]],
  ["zStar", ["fixed", "redrawn"]],
  ["gStep", ["replay", "regenerate"]],
  ["upsample", ["bilinear", "bicubic"]],
  ["statistics", ["recalibrated", "running"]],
];

/** What a check of options needs to know of a recipe. */
export interface RecipeOptions {
  readonly name: string;
  readonly defaults: TrainOptions;
  /** Options that the recipe has no use for: they keep their defaults. */
  readonly unused: readonly (keyof TrainOptions)[];
}

/** Fills in the recipe's values and checks everything. Throws OptionError with one line that names the option and its range. */
export function optionsOf({ name: recipe, defaults, unused }: RecipeOptions, options: Partial<TrainOptions>): TrainOptions {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(DEFAULTS, name));
  if (unknown) throw new OptionError(`there is no option ${unknown}; the options are ${Object.keys(DEFAULTS).join(", ")}`);
  const all = { ...defaults, ...options };
  for (const [name, low, high, whole] of RANGES) {
    const value = all[name];
    if (typeof value !== "number" || !(value >= low && value <= high) || (whole && !Number.isInteger(value)))
      throw new OptionError(`${name} must be ${whole ? "a whole number" : "a number"} from ${low} to ${high}, not ${value}`);
  }
  for (const [name, values] of CHOICES) {
    if (!values.includes(all[name] as string | number))
      throw new OptionError(`${name} must be ${values.join(" or ")}, not ${all[name]}`);
  }
  if (typeof all.noisePadding !== "boolean") throw new OptionError(`noisePadding must be true or false, not ${all.noisePadding}`);
  const idle = unused.find((name) => all[name] !== defaults[name]);
  if (idle) throw new OptionError(`${idle} has no meaning in the recipe ${recipe}`);
  if (all.maxSize < all.minSize) throw new OptionError(`maxSize ${all.maxSize} is below minSize ${all.minSize}`);
  return all;
}

/** Channels of SinGAN's networks at a scale: doubled every 4 scales, up to a limit. */
export const channelsAt = (scale: number, { channels, maxChannels }: Pick<TrainOptions, "channels" | "maxChannels">): number =>
  Math.min(channels * 2 ** Math.floor(scale / 4), Math.max(channels, maxChannels));

export type { Size };
/** What the shapes of pictures depend on. */
export type ImageChannels = Pick<TrainOptions, "imageChannels">;
/** One picture of this size. */
export const imageShape = ({ width, height }: Size, { imageChannels }: ImageChannels): Shape => [1, imageChannels, height, width];

/** Zero padding of every net's input: five valid 3x3 convolutions take 5 px from each side. */
export const PADDING = 5;
/** Side of the patch that a pixel of G, or a score of D, depends on, px. */
export const RECEPTIVE_FIELD = 2 * PADDING + 1;
