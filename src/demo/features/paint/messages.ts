// A painting becomes a picture like the photo.

import type { Rgb8 } from "../../../image/planes.ts";

export interface PaintRequest {
  readonly painting: Rgb8;
  readonly seed: number;
  /** A picture for each: start scales of a model; of a photo without a model, how much may change, 0 to 1. */
  readonly starts: readonly number[];
}

export interface PaintReply {
  /** In the list of starts. */
  readonly index: number;
  readonly picture: Rgb8;
}
