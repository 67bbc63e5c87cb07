// What a dispatch has to do: the counts behind a profile's GFLOP/s and GB/s.

import type { Tensor } from "../autodiff/tensor.ts";
import type { Slice } from "../gpu/device.ts";
import type { KernelCall } from "../gpu/pipelines.ts";
import { multiplyAdds } from "./conv/problem.ts";
import { caseOf, type Ref, type Variant } from "./variant.ts";

export interface Work {
  /** Multiplications and additions of a convolution's direct sum; 0 for all other ops, which memory bounds. */
  readonly flops: number;
  /** Everything that is bound, read or written once: in full by each of the calls that compute an op in chunks. */
  readonly bytes: number;
}

/**
 * The work of each of the calls that compute `node`, and with it the other outputs of a multi-output kernel. All flops of an op are those of
 * its first call of the `main` kernel: the other calls move, transform and add. Throws where a convolution has no such call.
 */
export function worksOf(
  calls: readonly KernelCall<Ref>[],
  node: Tensor,
  outputs: readonly (Tensor | null)[],
  main: Variant["main"],
): Work[] {
  const { name, inputs } = node;
  const flops = 2 * multiplyAdds(name, caseOf(node));
  const multiplies = calls.findIndex(({ kernel }) => kernel === main);
  if (flops > 0 && multiplies < 0) throw new Error(`${name}: none of the calls is one of the main kernel ${main}`);
  return calls.map(({ bindings }, i) => {
    const bytes = new Map<unknown, number>(); // by what is bound: some is bound twice
    for (const ref of Object.values(bindings)) {
      if (ref.kind === "input") bytes.set(inputs[ref.index], inputs[ref.index]!.size * 4);
      else if (ref.kind === "output") bytes.set(`output ${ref.index}`, outputs[ref.index]!.size * 4);
      else if (ref.kind === "scratch") bytes.set(`scratch ${ref.id}`, ref.bytes);
      else bytes.set(ref.data, ref.data.byteLength);
    }
    return { flops: i === multiplies ? flops : 0, bytes: sum(bytes.values()) };
  });
}

/** The work of a call that has its buffers, such as an optimiser's: only bytes. Shared buffers may be larger than the values in them. */
export function boundWork({ bindings }: KernelCall<Slice>): Work {
  const distinct = new Set(Object.values(bindings));
  return { flops: 0, bytes: sum([...distinct].map(({ bytes }) => bytes)) };
}

const sum = (values: Iterable<number>): number => [...values].reduce((a, b) => a + b, 0);
