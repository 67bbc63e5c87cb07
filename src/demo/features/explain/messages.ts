// What the view "How it works" asks of a model: its judge's scores, and a picture's way from coarse to fine.

import type { Rgb8, Size } from "../../../image/planes.ts";

/** How the discriminator of a scale sees the photo, and the picture of a seed. */
export interface JudgeRequest {
  readonly scale: number;
  readonly seed: number;
}

/** [h,w]: one score per patch. */
export interface Scores extends Size {
  readonly data: Float32Array;
}

export interface Judged {
  readonly picture: Rgb8;
  readonly scores: Scores;
}

export interface JudgeReply {
  readonly photo: Judged;
  readonly sample: Judged;
}

/** The picture of a seed after each scale. There is a reply per scale, coarse to fine. */
export interface GrowRequest {
  readonly seed: number;
}

export interface GrowReply {
  readonly scale: number;
  readonly picture: Rgb8;
  /** What was drawn at random for this scale, at full contrast. */
  readonly noise: Rgb8;
  /** By how much that noise is multiplied before it is added. */
  readonly strength: number;
}
