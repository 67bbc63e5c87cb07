// What the denoiser finds in pure noise: every patch becomes the mean of the photos' patches.

import type { Planes } from "../image/planes.ts";
import type { PatchSource } from "./denoiser.ts";
import { windowOf } from "./patch-window.ts";

/** The mean of all patches of the photos: [3, patch, patch]. */
function meanPatch(photos: readonly Planes[], patch: number): Float64Array {
  const sums = new Float64Array(3 * patch * patch);
  let patches = 0;
  for (const { width, height, data } of photos) {
    const [columns, rows] = [width - patch + 1, height - patch + 1];
    patches += columns * rows;
    for (let c = 0; c < 3; c++) {
      // Sums along rows for each u, added up over the rows that each v covers.
      for (let y = 0; y < height; y++) {
        const row = (c * height + y) * width;
        let sum = 0;
        for (let x = 0; x < columns; x++) sum += data[row + x]!;
        for (let u = 0; u < patch; u++) {
          for (let v = Math.max(0, y - rows + 1); v <= Math.min(patch - 1, y); v++) {
            const at = (c * patch + v) * patch + u;
            sums[at] = sums[at]! + sum;
          }
          if (u < patch - 1) sum += data[row + u + columns]! - data[row + u]!;
        }
      }
    }
  }
  return sums.map((sum) => sum / patches);
}

/** The places in a patch that a pixel at `at` of an axis can have: from, to before. */
const placesAt = (at: number, length: number, patch: number, wraps: boolean): [from: number, to: number] =>
  wraps ? [0, patch] : [Math.max(0, at - (length - patch)), Math.min(patch, at + 1)];

/** The denoised picture for α = 0. */
export function meanPicture({ photos, patch, wraps, size: { width, height } }: PatchSource): Planes {
  const mean = meanPatch(photos, patch);
  const n = windowOf(patch);
  const known = new Map<number, readonly number[]>();
  const data = new Float32Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    const [top, bottom] = placesAt(y, height, patch, wraps.y);
    for (let x = 0; x < width; x++) {
      const [left, right] = placesAt(x, width, patch, wraps.x);
      const key = ((top * 64 + bottom) * 64 + left) * 64 + right;
      let colour = known.get(key);
      if (!colour) {
        colour = [0, 1, 2].map((c) => {
          let [sum, weight] = [0, 0];
          for (let v = top; v < bottom; v++)
            for (let u = left; u < right; u++) {
              sum += n[v]! * n[u]! * mean[(c * patch + v) * patch + u]!;
              weight += n[v]! * n[u]!;
            }
          return sum / weight;
        });
        known.set(key, colour);
      }
      for (let c = 0; c < 3; c++) data[(c * height + y) * width + x] = colour[c]!;
    }
  }
  return { width, height, data };
}
