// What a training will be, before it starts: options, pyramid, time and memory, or a refusal. The same for CLI, page and benchmark.

import { BindingLimitError, type Gpu } from "../../gpu/device.ts";
import { PRESETS, type PresetName, type Size, type TrainOptions } from "../model/config.ts";
import type { Pyramid } from "../model/pyramid.ts";
import { forecastBytes } from "./dry-run.ts";
import { chooseAuto, forecastSeconds, measureSpeed, presetOutline, type Speed } from "./presets.ts";
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
  readonly onTiming?: () => void;
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

/** A training that does not fit into the memory; the message is one line that names options that would fit. */
export class MemoryError extends Error {
  override readonly name = "MemoryError";
}

/** A training of more multiply-adds than this is always timed and forecast: without a GPU it takes minutes. */
const LONG_MACS = 1e12;
/** Main memory that a training on a software GPU leaves to the rest of the computer. */
const SPARE_BYTES = 256e6;

/** The named preset; else auto, or paper where maxSize and iterations are both given. */
export const presetOf = ({ preset, options }: PlanOptions): PresetName | "auto" =>
  preset ?? (options.maxSize !== undefined && options.iterations !== undefined ? "paper" : "auto");

/** The part of a plan that needs no GPU; auto counts as paper. Throws OptionError, PyramidError. */
export function planSizes(recipe: TrainingRecipe, photo: Size, plan: PlanOptions): TrainingOutline {
  const preset = presetOf(plan);
  return presetOutline(recipe, photo, PRESETS[preset === "auto" ? "paper" : preset], plan.options);
}

/** Plans a training of a photo of this size. Throws OptionError, PyramidError, and MemoryError where it does not fit. */
export async function planBy(
  gpu: Gpu,
  recipe: TrainingRecipe,
  photo: Size,
  plan: PlanOptions,
  { speed = null, freeBytes, onTiming = () => {} }: PlanCircumstances = {},
): Promise<TrainingPlan> {
  const named = planSizes(recipe, photo, plan);
  const preset = presetOf(plan);
  const isLong = costsOf(named).reduce((a, b) => a + b, 0) > LONG_MACS;
  const isTimed = preset === "auto" || plan.preset !== undefined || isLong;
  if (isTimed && !speed) onTiming();
  const measured = isTimed ? (speed ?? (await measureSpeed(gpu))) : speed;
  const chosen = preset === "auto" ? chooseAuto(recipe, photo, plan.options, measured!) : { preset, outline: named };
  const { options, pyramid } = chosen.outline;
  return {
    ...{ preset: chosen.preset, isPicked: preset === "auto", options, pyramid, speed: measured },
    forecastSeconds: isTimed ? forecastSeconds(measured!, chosen.outline) : null,
    bytes: await requireMemory(gpu, chosen.outline, freeBytes),
  };
}

/** GPU memory that a training takes, in bytes. Throws MemoryError where less is free, with an estimate of what would fit. */
export async function requireMemory(gpu: Gpu, outline: TrainingOutline, freeBytes?: number): Promise<number> {
  const { maxSize } = outline.options;
  // Memory grows with the pixels.
  const advice = (share: number) => `take maxSize ${Math.floor(maxSize * Math.sqrt(share))}, or a smaller maxChannels`;
  let bytes: number;
  try {
    bytes = await forecastBytes(gpu, outline);
  } catch (error) {
    if (!(error instanceof BindingLimitError)) throw error;
    const [needed, most] = [megabytes(error.bytes), megabytes(error.limit)];
    throw new MemoryError(
      `a layer's values take ${needed} at the finest scale, and this adapter allows ${most} in one piece: ${advice(error.limit / error.bytes)}`,
    );
  }
  if (gpu.isSoftware) {
    const most = Math.max(0, (freeBytes ?? Number.POSITIVE_INFINITY) - SPARE_BYTES);
    if (bytes > most)
      throw new MemoryError(
        `this training takes ${megabytes(bytes)} of memory, and ${megabytes(most)} are free: ${advice(most / bytes)}`,
      );
  } else if (!(await gpu.canHold(bytes)))
    throw new MemoryError(`this training takes ${megabytes(bytes)} of GPU memory, more than the GPU has free: ${advice(0.5)}`);
  return bytes;
}

export const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6).toLocaleString("en")} MB`;
