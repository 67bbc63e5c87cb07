// The channels that a photo is trained in: one where it is grey, three where it has colours, four with its transparency.

import { channelsOf, flattened, inChannels, type Layer, type Planes, photoPlanes } from "../image/planes.ts";
import { recipeOf } from "../singan/recipes.ts";
import type { PlanOptions } from "../singan/training/plan.ts";
import { UsageError } from "./args.ts";

/** What becomes of a photo's transparency: it is blended over white, left out, or trained as a fourth channel. */
export const ALPHAS = ["white", "ignore", "channel"] as const;
export type Alpha = (typeof ALPHAS)[number];

/** A photo as it is trained, and the plan for a photo with its channels. */
export interface TrainedPhoto {
  readonly photo: Planes;
  readonly plan: PlanOptions;
  readonly alpha: Alpha;
}

/** Throws UsageError for a channel of transparency that the photo does not have, or that the recipe has no use for. */
export function trainedPhoto(file: string, layer: Layer, plan: PlanOptions, alpha: Alpha): TrainedPhoto {
  const { name, unused } = recipeOf(plan.options);
  const isColoured = unused.includes("imageChannels");
  if (alpha === "channel" && isColoured) throw new UsageError(`--alpha channel has no meaning in the recipe ${name}`);
  if (alpha === "channel" && !layer.alpha)
    throw new UsageError(`${file} is opaque, so it has no transparency to train: leave --alpha channel out`);
  const picture = alpha === "white" ? flattened(layer) : layer.picture;
  const own = photoPlanes(alpha === "channel" ? layer : { picture, alpha: null });
  const photo = isColoured ? inChannels(own, 3) : own;
  const options = { ...plan.options, imageChannels: channelsOf(photo) };
  return { photo, plan: { ...plan, options }, alpha: layer.alpha ? alpha : "white" };
}
