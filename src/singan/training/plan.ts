// What a training will be, before it starts: options, pyramid, time and memory, or a refusal. The same for CLI, page and benchmark.

import { BindingLimitError, type Gpu } from "../../gpu/device.ts";
import { PRESETS, type PresetName, type Size, type TrainOptions } from "../model/config.ts";
import type { Pyramid } from "../model/pyramid.ts";
import { forecastBytes } from "./dry-run.ts";
import { chooseAuto, forecastSeconds, measureSpeed, type OnTiming, presetOutline, type Speed } from "./presets.ts";
import { costsOf, type TrainingOutline, type TrainingRecipe } from "./recipe.ts";

export interface PlanOptions {
  /** Supplies the options that are not given. Default: auto, or paper where both maxSize and iterations are given. */
  readonly preset?: PresetName | "auto" | undefined;
  readonly options: Partial<TrainOptions>;
}

export interface PlanCircumstances {
  /** The speed of this GPU, where it was measured before. */
  readonly speed?: Speed | null;
  /** Free main memory in bytes, which a software GPU computes in. A browser does not tell it; without it, any training fits. */
  readonly freeBytes?: number;
  /** Called again and again while the GPU is timed, which takes seconds, with the share that is done; it may throw to end it. */
  readonly onTiming?: OnTiming;
  /** Whether to time the GPU where its speed is not known; default true. Without it there is no forecast then, and auto can't choose. */
  readonly measures?: boolean;
}

export interface TrainingPlan {
  readonly preset: PresetName;
  /** Whether auto picked the preset. */
  readonly isPicked: boolean;
  readonly options: TrainOptions;
  readonly pyramid: Pyramid;
  /** Null where nothing was timed: for a short training with maxSize and iterations given and no preset named. */
  readonly forecastSeconds: number | null;
  readonly bytes: number;
  readonly speed: Speed | null;
}

/** A training that does not fit into the memory; the message is one line that names the largest maxSize that does. */
export class MemoryError extends Error {
  override readonly name = "MemoryError";
}

/** A training of more multiply-adds than this is always timed and forecast: without a GPU it takes minutes. */
const LONG_MACS = 1e12;
/** Main memory that a training on a software GPU leaves to the rest of the computer. */
const SPARE_BYTES = 256e6;

/** The named preset; else auto, or full where maxSize and iterations are both given. */
export const presetOf = ({ preset, options }: PlanOptions): PresetName | "auto" =>
  preset ?? (options.maxSize !== undefined && options.iterations !== undefined ? "full" : "auto");

/** The part of a plan that needs no GPU; auto counts as full. Throws OptionError, PyramidError. */
export function planSizes(recipe: TrainingRecipe, photo: Size, plan: PlanOptions): TrainingOutline {
  const preset = presetOf(plan);
  return presetOutline(recipe, photo, PRESETS[preset === "auto" ? "full" : preset], plan.options);
}

/** Plans a training of a photo of this size. Throws OptionError, PyramidError, and MemoryError where it does not fit. */
export async function planBy(
  gpu: Gpu,
  recipe: TrainingRecipe,
  photo: Size,
  plan: PlanOptions,
  { speed = null, freeBytes, onTiming, measures = true }: PlanCircumstances = {},
): Promise<TrainingPlan> {
  const named = planSizes(recipe, photo, plan);
  const preset = presetOf(plan);
  const isLong = costsOf(named).reduce((a, b) => a + b, 0) > LONG_MACS;
  const isTimed = preset === "auto" || plan.preset !== undefined || isLong;
  const measured = speed ?? (isTimed && measures ? await measureSpeed(gpu, onTiming) : null);
  const chosen = preset === "auto" ? chooseAuto(recipe, photo, plan.options, measured!) : { preset, outline: named };
  const { options, pyramid } = chosen.outline;
  return {
    ...{ preset: chosen.preset, isPicked: preset === "auto", options, pyramid, speed: measured },
    forecastSeconds: isTimed && measured ? forecastSeconds(measured, chosen.outline) : null,
    bytes: await requireMemory(gpu, photo, chosen.outline, freeBytes),
  };
}

/** GPU memory that a training takes, in bytes. Throws MemoryError where less is free, with the largest maxSize that fits. */
export async function requireMemory(
  gpu: Gpu,
  photo: Size,
  outline: TrainingOutline,
  freeBytes = Number.POSITIVE_INFINITY,
): Promise<number> {
  const most = Math.max(0, freeBytes - SPARE_BYTES);
  const isFree = async (bytes: number): Promise<boolean> => (gpu.isSoftware ? bytes <= most : gpu.canHold(bytes));
  const refuse = async (reason: string): Promise<never> => {
    const size = await largestSize(gpu, photo, outline, isFree);
    throw new MemoryError(
      `${reason}: ${size ? `the largest maxSize that fits is ${size}` : "no maxSize fits, fewer channels may"}`,
    );
  };
  let bytes: number;
  try {
    bytes = await forecastBytes(gpu, outline);
  } catch (error) {
    if (!(error instanceof BindingLimitError)) throw error;
    return refuse(
      `a layer's values take ${megabytes(error.bytes)}, and this adapter allows ${megabytes(error.limit)} in one piece`,
    );
  }
  if (await isFree(bytes)) return bytes;
  const percent = () => largest(1, 100, (share) => isFree((bytes * share) / 100));
  const free = gpu.isSoftware ? most : ((await percent()) ?? 0) * (bytes / 100);
  return refuse(
    `this training takes ${megabytes(bytes)} of ${gpu.isSoftware ? "" : "GPU "}memory, and ${megabytes(free)} are free`,
  );
}

/** The largest maxSize at which the training fits, with its other options as they are; null where none does. */
async function largestSize(
  gpu: Gpu,
  photo: Size,
  { recipe, options }: TrainingOutline,
  isFree: (bytes: number) => Promise<boolean>,
): Promise<number | null> {
  const outlineAt = (maxSize: number): TrainingOutline => {
    const smaller = { ...options, maxSize };
    return { recipe, options: smaller, pyramid: recipe.pyramid(photo, smaller) };
  };
  const isTooSmall = (maxSize: number): boolean => {
    try {
      return outlineAt(maxSize).pyramid.sizes.length === 0;
    } catch {
      return true;
    }
  };
  const fits = async (maxSize: number): Promise<boolean> => {
    try {
      return await isFree(await forecastBytes(gpu, outlineAt(maxSize)));
    } catch (error) {
      if (error instanceof BindingLimitError) return false;
      throw error;
    }
  };
  const end = Math.min(options.maxSize, Math.max(photo.width, photo.height));
  let least = options.minSize;
  while (least < end && isTooSmall(least)) least++;
  return largest(least, end, fits);
}

/** By bisection: the largest number from `from` to before `end` that fits, if none fits beyond one that does not. Null where none fits. */
async function largest(from: number, end: number, fits: (n: number) => Promise<boolean>): Promise<number | null> {
  let [found, beyond] = [from - 1, end];
  while (beyond - found > 1) {
    const middle = Math.floor((found + beyond) / 2);
    if (await fits(middle)) found = middle;
    else beyond = middle;
  }
  return found < from ? null : found;
}

export const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6).toLocaleString("en")} MB`;
