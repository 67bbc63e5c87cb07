// A picture coloured by what the discriminator says of it: blue where it looks real to it, orange where it looks fake.

import type { Rgb, Rgb8 } from "../image/planes.ts";
import type { LossRecord, ScoreMap } from "../singan/model/model.ts";

/** As in theme.css, for the legend. Told apart also by those who see few colours. */
const [REAL, FAKE]: readonly [Rgb, Rgb] = [
  [0, 114, 178],
  [213, 94, 0],
];
/** Weight of the colour where the judgement is strongest. */
const STRONGEST = 0.8;
const LUMA = [0.299, 0.587, 0.114] as const;

/**
 * The picture in grey, with each pixel coloured by the score of the patch around it. Scores have no zero: what counts as real lies above
 * the middle between the mean scores of the photo and of the generator's pictures, which the losses tell. The border has no score.
 */
export function judged(
  { width, height, data }: Rgb8,
  scores: ScoreMap,
  { dReal, dFake }: Pick<LossRecord, "dReal" | "dFake">,
): Rgb8 {
  const middle = (dFake - dReal) / 2; // dReal is −mean D(photo)
  const spread = 2 * Math.sqrt(scores.data.reduce((sum, score) => sum + (score - middle) ** 2, 0) / scores.data.length) || 1;
  const [left, top] = [(width - scores.width) / 2, (height - scores.height) / 2];
  const out = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = 3 * (y * width + x);
      const grey = LUMA.reduce((sum, weight, c) => sum + weight * data[at + c]!, 0);
      const [i, j] = [y - top, x - left];
      const isInside = i >= 0 && j >= 0 && i < scores.height && j < scores.width;
      const score = isInside ? Math.max(-1, Math.min(1, (scores.data[i * scores.width + j]! - middle) / spread)) : 0;
      const colour = score > 0 ? REAL : FAKE;
      const weight = STRONGEST * Math.abs(score);
      for (let c = 0; c < 3; c++) out[at + c] = Math.round(grey + (colour[c]! - grey) * weight);
    }
  }
  return { width, height, data: out };
}
