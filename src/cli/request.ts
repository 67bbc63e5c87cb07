// What a training was asked for: the photo and the options. Tells whether another call asks for the same.

import { createHash } from "node:crypto";
import { PRESETS, type Size, type TrainOptions } from "../singan/model/config.ts";
import { inRecipe, planWithoutGpu, recipeOf } from "../singan/recipes.ts";
import { type PlanOptions, presetOf } from "../singan/training/plan.ts";
import type { Alpha } from "./photo-channels.ts";
import { counted } from "./report.ts";
import { flagName } from "./training-flags.ts";

export interface TrainingRequest {
  readonly preset: string;
  /** The options that were given. */
  readonly options: PlanOptions["options"];
  /** Of the photo's file. */
  readonly sha256: string;
  /** What became of the photo's transparency (default: white). */
  readonly alpha?: Alpha;
}

export const sha256Of = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

export const requestOf = (photo: Uint8Array, plan: PlanOptions, alpha: Alpha = "white"): TrainingRequest => ({
  preset: presetOf(plan),
  options: plan.options,
  sha256: sha256Of(photo),
  ...(alpha !== "white" && { alpha }),
});

const FIELDS = Object.keys(PRESETS.full) as (keyof TrainOptions)[];
/**
 * How a training with the options `made`, made for the request `there`, differs from what `wanted` asks for, in a few words; null where it is
 * what it asks for. Options that are given count as much as the same by default; what auto picks counts only where it is given.
 */
export function differenceOf(
  there: TrainingRequest,
  made: TrainOptions,
  wanted: TrainingRequest,
  plan: PlanOptions,
  photo: Size,
): string | null {
  if (there.sha256 !== wanted.sha256) return "of another photo";
  if (there.alpha !== wanted.alpha) return `with --alpha ${there.alpha ?? "white"}`;
  const isAuto = wanted.preset === "auto";
  if (isAuto && there.preset !== "auto") {
    const given = FIELDS.find((field) => field in there.options && there.options[field] !== plan.options[field]);
    return given ? asWords(given, made) : `with --preset ${there.preset}`;
  }
  const resolved = isAuto ? null : planWithoutGpu(photo, plan).options;
  const { recipe = PRESETS.full.recipe } = plan.options;
  const picks = Object.values(PRESETS).map((preset) => inRecipe(preset, recipe));
  const expected = (field: keyof TrainOptions): unknown => {
    if (resolved) return resolved[field];
    if (field in plan.options) return plan.options[field];
    if (!(field in there.options)) return made[field]; // auto's, or a default
    const values = new Set(picks.map((pick) => pick[field]));
    return values.size === 1 ? [...values][0] : undefined; // auto might have picked another
  };
  const other = FIELDS.find((field) => made[field] !== expected(field));
  if (!other) return null;
  return there.preset === "auto" && !isAuto && !(other in plan.options) ? "with --preset auto" : asWords(other, made);
}

/** What tells a training by one of its options, in a few words. */
function asWords(field: keyof TrainOptions, made: TrainOptions): string {
  const value = made[field];
  const { isForEnlargement } = recipeOf(made);
  if (field === "imageChannels") return `of a picture with ${counted(made.imageChannels, "channel")}`;
  if (field === "recipe" && isForEnlargement) return "of singan sr";
  if (field === "scaleFactor" && isForEnlargement) return "with another --factor";
  return `with ${typeof value === "boolean" ? `${value ? "" : "no "}--${flagName(field)}` : `--${flagName(field)} ${value}`}`;
}
