// Structural similarity (SSIM) and PSNR of two pictures.
// Wang, Bovik, Sheikh, Simoncelli 2004 and their ssim_index.m: luma, Gaussian window 11x11 with σ = 1.5, K1 = 0.01, K2 = 0.03, no padding.

import { luma, type Picture } from "./picture.ts";

const SIDE = 11;
const SIGMA = 1.5;
const [C1, C2] = [0.01 ** 2, 0.03 ** 2];

/** Weights with sum 1. The window is the outer product of this vector with itself. */
const WINDOW = (() => {
  const raw = Array.from({ length: SIDE }, (_, i) => Math.exp(-((i - (SIDE - 1) / 2) ** 2) / (2 * SIGMA ** 2)));
  const sum = raw.reduce((a, b) => a + b, 0);
  return raw.map((w) => w / sum);
})();

/** Weighted mean over the window, at every position where it fits: [h,w] → [h−10, w−10]. */
function smooth(values: Float64Array, width: number, height: number): Float64Array {
  const [w, h] = [width - SIDE + 1, height - SIDE + 1];
  const rows = new Float64Array(w * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < w; x++) for (let k = 0; k < SIDE; k++) rows[y * w + x]! += WINDOW[k]! * values[y * width + x + k]!;
  }
  const out = new Float64Array(w * h);
  for (let i = 0; i < w * h; i++) for (let k = 0; k < SIDE; k++) out[i]! += WINDOW[k]! * rows[i + k * w]!;
  return out;
}

/** Mean structural similarity, in [−1,1], of two pictures of one size with both sides ≥ 11. It is 1 for equal pictures. */
export function ssim(a: Picture, b: Picture): number {
  const [x, y] = [luma(a), luma(b)];
  const moment = (f: (i: number) => number) =>
    smooth(
      Float64Array.from(x, (_, i) => f(i)),
      a.width,
      a.height,
    );
  const [mx, my] = [moment((i) => x[i]!), moment((i) => y[i]!)];
  const [xx, yy, xy] = [moment((i) => x[i]! ** 2), moment((i) => y[i]! ** 2), moment((i) => x[i]! * y[i]!)];
  let sum = 0;
  for (let i = 0; i < mx.length; i++) {
    const [mean, cross] = [mx[i]! ** 2 + my[i]! ** 2, mx[i]! * my[i]!];
    sum += ((2 * cross + C1) * (2 * (xy[i]! - cross) + C2)) / ((mean + C1) * (xx[i]! + yy[i]! - mean + C2));
  }
  return sum / mx.length;
}

/** −10·log10 of the mean squared error, in dB, for values in [0,1]. Null if the pictures are equal. */
export function psnr(a: Picture, b: Picture): number | null {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += (a.data[i]! - b.data[i]!) ** 2;
  return sum === 0 ? null : -10 * Math.log10(sum / a.data.length);
}
