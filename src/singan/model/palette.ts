// Colour quantization of a painting: k-means of the photo's colours, and the nearest of them for every pixel.
// Official code: quant and quant2centers (functions.py), which cluster the wrong axis; here colours are RGB triples.

import { uniforms } from "../../autodiff/philox.ts";
import type { Planes } from "../../image/planes.ts";

/** Colours in [-1,1], three values each. */
export type Palette = Float32Array;

/** The official number of clusters. */
export const COLOURS = 5;
const MOST_ROUNDS = 300;

const distance = (planes: Planes, p: number, palette: ArrayLike<number>, k: number): number => {
  const area = planes.width * planes.height;
  let sum = 0;
  for (let c = 0; c < 3; c++) sum += (planes.data[c * area + p]! - palette[3 * k + c]!) ** 2;
  return sum;
};

function nearest(planes: Planes, p: number, palette: ArrayLike<number>): number {
  let best = 0;
  let least = distance(planes, p, palette, 0);
  for (let k = 1; k < palette.length / 3; k++) {
    const far = distance(planes, p, palette, k);
    if (far >= least) continue;
    best = k;
    least = far;
  }
  return best;
}

/**
 * `count` colours of a picture by k-means (Lloyd 1982) from k-means++ seeds (Arthur & Vassilvitskii 2007), until no pixel changes its
 * colour. A picture of fewer colours gives those. Deterministic by `key`.
 */
export function paletteOf(planes: Planes, key: ArrayLike<number>, count = COLOURS): Palette {
  const area = planes.width * planes.height;
  const draws = uniforms(key, 0, count);
  const colourAt = (p: number) => [0, 1, 2].map((c) => planes.data[c * area + p]!);
  const centres: number[] = colourAt(Math.floor(draws[0]! * area));
  while (centres.length < 3 * count) {
    const far = Float64Array.from({ length: area }, (_, p) => distance(planes, p, centres, nearest(planes, p, centres)));
    const total = far.reduce((a, b) => a + b, 0);
    if (total === 0) break;
    let left = draws[centres.length / 3]! * total;
    let chosen = 0;
    for (let p = 0; p < area && left >= 0; p++) {
      if (far[p] === 0) continue;
      left -= far[p]!;
      chosen = p;
    }
    centres.push(...colourAt(chosen));
  }
  let labels = new Int32Array(area).fill(-1);
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const next = Int32Array.from({ length: area }, (_, p) => nearest(planes, p, centres));
    if (next.every((k, p) => k === labels[p])) break;
    labels = next;
    const [sums, sizes] = [new Float64Array(centres.length), new Float64Array(centres.length / 3)];
    labels.forEach((k, p) => {
      sizes[k]!++;
      colourAt(p).forEach((v, c) => {
        sums[3 * k + c]! += v;
      });
    });
    sums.forEach((sum, i) => {
      const size = sizes[Math.floor(i / 3)]!;
      if (size > 0) centres[i] = sum / size;
    });
  }
  return Float32Array.from(centres);
}

/** Every pixel in the nearest colour of the palette; of equally near ones the first. */
export function quantized(planes: Planes, palette: Palette): Planes {
  const { width, height } = planes;
  const area = width * height;
  const data = new Float32Array(3 * area);
  for (let p = 0; p < area; p++) {
    const k = nearest(planes, p, palette);
    for (let c = 0; c < 3; c++) data[c * area + p] = palette[3 * k + c]!;
  }
  return { width, height, data };
}
