// Runs a graph once: uploads its inputs, compiles it, reads its outputs and frees everything.

import type { Tensor } from "../../autodiff/tensor.ts";
import type { Gpu, Slice } from "../../gpu/device.ts";
import { compile, submit } from "../../runtime/program.ts";

/** The values of `outputs`; `inputs` are the leaves with their values, `bindings` those that live on the GPU already. Throws what compile() throws. */
export async function compute(
  gpu: Gpu,
  name: string,
  outputs: readonly Tensor[],
  inputs: readonly (readonly [Tensor, Float32Array])[],
  bindings: Iterable<readonly [Tensor, Slice]> = [],
): Promise<Float32Array[]> {
  const own = inputs.map(([t, values]) => [t, gpu.upload(values, `${name}: ${t.name}`)] as const);
  try {
    const program = await compile(gpu, { name, outputs, bindings: new Map([...own, ...bindings]) });
    try {
      submit(gpu, [program]);
      return await gpu.read(outputs.map((t) => program.slice(t)));
    } finally {
      program.dispose();
    }
  } finally {
    for (const [, slice] of own) gpu.free(slice);
  }
}
