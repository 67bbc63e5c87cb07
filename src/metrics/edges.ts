// How seamless pictures are as tiles.

import { meanAndDeviation, type Picture } from "./picture.ts";

/** Σ |difference| over the channels of all pixels from a column (or row) to the next one, of which `at` is the first; the last is followed by the first. */
function step({ width, height, data }: Picture, isAcross: boolean, at: number): number {
  const next = (at + 1) % (isAcross ? width : height);
  let sum = 0;
  for (let i = 0; i < (isAcross ? height : width); i++) {
    const [a, b] = isAcross ? [i * width + at, i * width + next] : [at * width + i, next * width + i];
    for (let c = 0; c < 3; c++) sum += Math.abs(data[3 * a + c]! - data[3 * b + c]!);
  }
  return sum;
}

/**
 * The mean absolute step across the border, where a copy of the picture follows, divided by the mean step inside: along x and along y,
 * means over the pictures. 1 is seamless; a picture without any step inside counts as 1.
 */
export function edgeSteps(pictures: readonly Picture[]): { edge_x: number; edge_y: number } {
  const ratio = (picture: Picture, isAcross: boolean): number => {
    const length = isAcross ? picture.width : picture.height;
    const inside = Array.from({ length: length - 1 }, (_, at) => step(picture, isAcross, at));
    const { mean } = meanAndDeviation(inside);
    return mean === 0 ? 1 : step(picture, isAcross, length - 1) / mean;
  };
  const mean = (isAcross: boolean) => meanAndDeviation(pictures.map((picture) => ratio(picture, isAcross))).mean;
  return { edge_x: mean(true), edge_y: mean(false) };
}
