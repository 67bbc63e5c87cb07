// The pictures that the figures measure: 8-bit RGB scaled to [0,1] in float32. Thus a sample has the same figures before and after it is saved.

import type { Rgb8, Size } from "../image/planes.ts";

/** Long work awaits this about every 0.1 s, so that signals are handled in between. */
export type Pause = () => Promise<void>;

/** data is [height, width, 3] in [0,1], interleaved. */
export interface Picture extends Size {
  readonly data: Float32Array;
}

/** x = f32(v/255).  [h,w,3] u8 → [h,w,3] in [0,1]. */
export const toPicture = ({ width, height, data }: Rgb8): Picture => ({
  width,
  height,
  data: Float32Array.from(data, (v) => v / 255),
});

/** Halves both sides: a pixel is the mean of 2x2 pixels. An odd last row or column is dropped. */
export function half({ width, height, data }: Picture): Picture {
  const [w, h] = [width >> 1, height >> 1];
  const out = new Float32Array(3 * w * h);
  for (let y = 0; y < h; y++) {
    for (let i = 0; i < 3 * w; i++) {
      const at = 3 * (2 * y * width + 2 * Math.floor(i / 3)) + (i % 3);
      out[3 * y * w + i] = (data[at]! + data[at + 3]! + data[at + 3 * width]! + data[at + 3 * width + 3]!) / 4;
    }
  }
  return { width: w, height: h, data: out };
}

/** Luma 0.299 R + 0.587 G + 0.114 B in [0,1].  ITU-R BT.601. */
export function luma({ width, height, data }: Picture): Float64Array {
  return Float64Array.from({ length: width * height }, (_, p) => {
    return 0.299 * data[3 * p]! + 0.587 * data[3 * p + 1]! + 0.114 * data[3 * p + 2]!;
  });
}

/** Mean and standard deviation, √(Σ(v − mean)²/(n − freedom)). The deviation is 0 if n = freedom. */
export function meanAndDeviation(values: ArrayLike<number>, freedom = 0): { mean: number; deviation: number } {
  const n = values.length;
  let [sum, squares] = [0, 0];
  for (let i = 0; i < n; i++) sum += values[i]!;
  const mean = sum / n;
  for (let i = 0; i < n; i++) squares += (values[i]! - mean) ** 2;
  return { mean, deviation: n > freedom ? Math.sqrt(squares / (n - freedom)) : 0 };
}
