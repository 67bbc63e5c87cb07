// A known-answer test of a GPU: some drivers compute wrong results without an error, which a training would hide for hours.

import { conv2d } from "../../autodiff/ops/conv.ts";
import { leaf } from "../../autodiff/tensor.ts";
import type { Gpu } from "../../gpu/device.ts";
import { compile, submit } from "../../runtime/program.ts";

/** Convolves the 5x5 picture 1 … 25 with the 3x3 weights 0 … 8. All values are small whole numbers, so float32 is exact. */
const EXPECTED = [348, 384, 420, 528, 564, 600, 708, 744, 780];

/** Runs a small convolution through compiler, kernel and read-back. Throws where the result is not exact. */
export async function selfTest(gpu: Gpu): Promise<void> {
  const x = leaf("x", [1, 1, 5, 5]);
  const w = leaf("w", [1, 1, 3, 3]);
  const y = conv2d(x, w);
  const slices = [
    gpu.upload(
      Float32Array.from({ length: 25 }, (_, i) => i + 1),
      "self-test x",
    ),
    gpu.upload(
      Float32Array.from({ length: 9 }, (_, i) => i),
      "self-test w",
    ),
  ] as const;
  try {
    const bindings = new Map([
      [x, slices[0]],
      [w, slices[1]],
    ]);
    const program = await compile(gpu, { name: "self-test", outputs: [y], bindings });
    try {
      submit(gpu, [program]);
      const [values] = await gpu.read([program.slice(y)]);
      if (EXPECTED.some((v, i) => values![i] !== v)) {
        throw new Error(
          `this GPU computes wrong results: a convolution returned ${values!.join(" ")} instead of ${EXPECTED.join(" ")}`,
        );
      }
    } finally {
      program.dispose();
    }
  } finally {
    for (const slice of slices) gpu.free(slice);
  }
}
