// New pictures by seed.

import type { Mask } from "../../../image/mask.ts";
import type { Rgb8, Size, Wraps } from "../../../image/planes.ts";

export interface SampleRequest {
  readonly seeds: readonly number[];
  /** The first scale that a model makes anew; of a photo without a model, how much may change, 0 to 1. */
  readonly from: { readonly startScale: number } | { readonly freedom: number };
  /** px; absent: as large as the photo of the source. */
  readonly size?: Size;
  readonly wraps: Wraps;
  /** What stays of the photo. */
  readonly keep?: Mask;
}

export interface SampleReply {
  readonly seed: number;
  readonly picture: Rgb8;
  /** Trained scales of the model when the picture was made; of a photo, 0. */
  readonly scales: number;
}
