// Pillow's Image.resize(size, BICUBIC) of an 8-bit picture, with the same bits. Python programs that compute such figures use it.
// After Pillow's src/libImaging/Resample.c: Keys' cubic (a = −0.5), widened when shrinking, with 22-bit weights and 8 bits after each pass.

import type { Rgb8 } from "../image/planes.ts";

const WEIGHT_BITS = 22;

function cubic(t: number): number {
  const x = Math.abs(t);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

/** For each output: the first input that it reads, and whole-number weights whose sum is about 2^22. */
function windows(from: number, to: number) {
  const scale = from / to;
  const stretch = Math.max(1, scale);
  return Array.from({ length: to }, (_, o) => {
    const centre = (o + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - 2 * stretch + 0.5));
    const end = Math.min(from, Math.trunc(centre + 2 * stretch + 0.5));
    const raw = Array.from({ length: end - first }, (_, i) => cubic((i + first - centre + 0.5) * (1 / stretch)));
    const sum = raw.reduce((a, b) => a + b, 0);
    const rounded = (w: number): number => Math.trunc(w * 2 ** WEIGHT_BITS + (w < 0 ? -0.5 : 0.5));
    return { first, weights: raw.map((w) => rounded(w / sum)) };
  });
}

/**
 * Resizes one axis from `from` to `to` values per line. The values of a line are `step` apart. The first one is at startIn(line) in the data
 * and at startOut(line) in the result.
 */
function pass(
  data: Uint8Array,
  axis: { from: number; to: number; step: number },
  lines: number,
  startIn: (line: number) => number,
  startOut: (line: number) => number,
): Uint8Array {
  const out = new Uint8Array((data.length / axis.from) * axis.to);
  const table = windows(axis.from, axis.to);
  for (let line = 0; line < lines; line++) {
    const [base, to] = [startIn(line), startOut(line)];
    for (const [o, { first, weights }] of table.entries()) {
      let sum = 2 ** (WEIGHT_BITS - 1);
      for (let k = 0; k < weights.length; k++) sum += weights[k]! * data[base + (first + k) * axis.step]!;
      out[to + o * axis.step] = Math.min(255, Math.max(0, Math.floor(sum / 2 ** WEIGHT_BITS)));
    }
  }
  return out;
}

/** Bicubic with antialiasing. An axis that keeps its length is not resampled.  [h,w,3] u8 → [h',w',3] u8. */
export function resizeLikePillow({ width, height, data }: Rgb8, to: { width: number; height: number }): Rgb8 {
  const { width: w, height: h } = to;
  const across =
    w === width
      ? data
      : pass(
          data,
          { from: width, to: w, step: 3 },
          3 * height,
          (line) => Math.floor(line / 3) * 3 * width + (line % 3),
          (line) => Math.floor(line / 3) * 3 * w + (line % 3),
        );
  const column = (line: number): number => line;
  const down = h === height ? across : pass(across, { from: height, to: h, step: 3 * w }, 3 * w, column, column);
  return { width: w, height: h, data: down };
}
