// The official code's resize between scales as a graph, with its 8 bits and its borders. Its recorded trainings can only be followed with it.
// Described in test/golden/README.md, d_imresize. The program itself resizes without the 8 bits.

import { affine, clamp, floor } from "../../src/autodiff/ops/elementwise.ts";
import { resize } from "../../src/autodiff/ops/spatial.ts";
import type { Tensor } from "../../src/autodiff/tensor.ts";
import { float32Taps } from "../../src/image/resample.ts";
import type { Upsample } from "../../src/singan/networks/frozen-scale.ts";
import { officialTaps } from "../reference/resampling.ts";

/** clamp → 8-bit levels → bicubic by `scale` on ⌈size·scale⌉ (or the given size) → [-1,1]. */
export function officialImresize(x: Tensor, scale: number, size?: { readonly width: number; readonly height: number }): Tensor {
  // Levels relative to mid-grey: so f32 keeps the digits near mid-grey, which the batch norm of a flat picture enlarges 300 times.
  const levels = affine(floor(affine(clamp(affine(x, 0.5, 0.5), 0, 1), 255, 0)), 1, -127.5);
  const taps = (inSize: number, outSize: number) => float32Taps(officialTaps(inSize, scale, outSize));
  const out = (inSize: number, wanted?: number) => wanted ?? Math.ceil(inSize * scale);
  const [height, width] = [x.shape.at(-2)!, x.shape.at(-1)!];
  const resized =
    scale === 1 ? levels : resize(levels, taps(height, out(height, size?.height)), taps(width, out(width, size?.width)));
  const unit = affine(resized, 1 / 255, 0.5); // rounded to f32 at this step, as in the official code
  return clamp(affine(unit, 2, -1), -1, 1);
}

export const officialUpsample =
  (scaleFactor: number): Upsample =>
  (picture, _, to) =>
    officialImresize(picture, 1 / scaleFactor, to);
