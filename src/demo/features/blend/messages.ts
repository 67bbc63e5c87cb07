// Changed pictures that are blended into the photo again: the messages that Edit and Harmonise share.

import type { Rgb8 } from "../../../image/planes.ts";

export interface BlendRequest {
  readonly seed: number;
  /** Of a model: start scales, from 1 on. Of a photo without a model: how much may change, 0 to 1. One picture is made for each. */
  readonly steps: readonly number[];
}

export interface BlendReply {
  /** In `steps`. */
  readonly index: number;
  readonly picture: Rgb8;
}
