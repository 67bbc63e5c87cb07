// A known-answer test of a GPU: some drivers compute wrong results without an error, which a training would hide for hours.

import { conv2d } from "../../autodiff/ops/conv.ts";
import { leaf } from "../../autodiff/tensor.ts";
import type { Gpu } from "../../gpu/device.ts";
import { compute } from "../networks/compute.ts";

/** Convolves the 5x5 picture 1 … 25 with the 3x3 weights 0 … 8. All values are small whole numbers, so float32 is exact. */
const EXPECTED = [348, 384, 420, 528, 564, 600, 708, 744, 780];

/** Runs a small convolution through compiler, kernel and read-back. Throws where the result is not exact. */
export async function selfTest(gpu: Gpu): Promise<void> {
  const [x, w] = [leaf("x", [1, 1, 5, 5]), leaf("w", [1, 1, 3, 3])];
  const [picture, weights] = [Float32Array.from({ length: 25 }, (_, i) => i + 1), Float32Array.from({ length: 9 }, (_, i) => i)];
  const inputs = [[x, picture] as const, [w, weights] as const];
  const [values] = await compute(gpu, "self-test", [conv2d(x, w)], inputs);
  if (EXPECTED.some((v, i) => values![i] !== v))
    throw new Error(
      `this GPU computes wrong results: a convolution returned ${values!.join(" ")} instead of ${EXPECTED.join(" ")}`,
    );
}
