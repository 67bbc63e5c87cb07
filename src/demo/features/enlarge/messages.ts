// Enlargements of a model's photo.

import type { Rgb8 } from "../../../image/planes.ts";
import type { Noise } from "../../../singan/generation/sampling.ts";

export interface EnlargeRequest {
  readonly factor: number;
  readonly seed: number;
  /** none: the seed has no effect. */
  readonly noise: Noise;
}

export type EnlargeReply =
  /** The photo, enlarged without a model; then the model's result. */
  | { readonly kind: "before" | "after"; readonly picture: Rgb8 }
  /** Part of the model's work that is done, 0 to 1. Small pictures have none. */
  | { readonly kind: "share"; readonly share: number };
