// Animations of a model.

import type { Rgb8 } from "../../../image/planes.ts";
import type { AnimationOptions } from "../../../singan/generation/applications/animation.ts";

export type AnimateRequest = AnimationOptions;

export interface AnimateReply {
  /** From 0 on. */
  readonly frame: number;
  readonly picture: Rgb8;
}
