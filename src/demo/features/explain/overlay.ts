// Scores drawn over their picture, in two colours: one for patches that look generated, one for those that look like the photo. Pure.

import type { Rgb, Rgb8 } from "../../../image/planes.ts";
import type { Judged, Scores } from "./messages.ts";

/** Which scores have the full colours; those at `centre` have none. */
export interface ScoreRange {
  readonly centre: number;
  readonly reach: number;
}

/** This share of all scores is within the range. */
const INSIDE = 0.95;
/** How much of a picture the full colour covers. */
const COVER = 0.85;

/**
 * A range for several maps, so that they can be compared. Scores have no zero: the centre is where the maps' averages meet, which is what a
 * discriminator decides by.
 */
export function rangeOf(maps: readonly Scores[]): ScoreRange {
  const mean = (values: ArrayLike<number>): number => Array.from(values).reduce((a, b) => a + b, 0) / values.length;
  const centre = mean(maps.map(({ data }) => mean(data)));
  const distances = maps.flatMap(({ data }) => Array.from(data, (score) => Math.abs(score - centre))).sort((a, b) => a - b);
  return { centre, reach: distances[Math.floor(INSIDE * (distances.length - 1))]! };
}

/** The picture in grey, and each score as a colour on the pixel in the middle of its patch: `low` below the centre, `high` above it. */
export function overlaid(
  { picture, scores }: Judged,
  { centre, reach }: ScoreRange,
  { low, high }: { readonly low: Rgb; readonly high: Rgb },
): Rgb8 {
  const { width, height } = picture;
  const [left, top] = [(width - scores.width) / 2, (height - scores.height) / 2];
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const p = 3 * (y * width + x);
      const [red, green, blue] = picture.data.subarray(p, p + 3) as unknown as Rgb;
      const grey = 0.299 * red + 0.587 * green + 0.114 * blue; // Rec. 601
      const [row, column] = [y - top, x - left];
      const isInside = row >= 0 && row < scores.height && column >= 0 && column < scores.width;
      const share = isInside && reach > 0 ? (scores.data[row * scores.width + column]! - centre) / reach : 0;
      const cover = COVER * Math.min(1, Math.abs(share));
      const colour = share < 0 ? low : high;
      for (let c = 0; c < 3; c++) data[p + c] = Math.round((1 - cover) * grey + cover * colour[c]!);
    }
  }
  return { width, height, data };
}

/** "#0072b2" as three values. */
export const rgbOf = (hex: string): Rgb => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as unknown as Rgb;
