// What a dispatch has to do: the counts behind a profile's GFLOP/s and GB/s.

import type { Tensor } from "../autodiff/tensor.ts";
import type { Slice } from "../gpu/device.ts";
import type { KernelCall } from "../gpu/pipelines.ts";
import type { OpCase, Ref } from "./variant.ts";

export interface Work {
  /** Multiplications and additions of a convolution; 0 for all else, which memory bounds. */
  readonly flops: number;
  /** Everything that is bound, read or written once: in full by each of the calls that compute an op in chunks. */
  readonly bytes: number;
}

/**
 * 2·9·N·C_in·C_out·H·W for the three contractions of ⟨g, x∗w⟩, g [N,C_out,H,W]: what the sum takes when computed directly, however a
 * kernel does it. 0 for other ops.
 */
function convolutionFlops(opName: string, { inputs: [a, b], shape }: OpCase): number {
  const of = ([n, , h, w]: readonly number[], [c_out, c_in]: readonly number[]) => 18 * n! * c_in! * c_out! * h! * w!;
  if (opName === "conv2d" || opName === "conv2dLeaky") return of(shape, b!);
  if (opName === "conv2dInput") return of(a!, b!);
  if (opName === "conv2dWeight") return of(b!, shape);
  return 0;
}

const MULTIPLYING = /^conv2d|^winograd\.multiply$|^quad_product$/;

/**
 * The work of each of the calls that compute `node`, and beside it the other outputs of a joint kernel. An op's flops are those of its
 * first call of a kernel that multiplies: the calls around it move, transform and add.
 */
export function worksOf(calls: readonly KernelCall<Ref>[], node: Tensor, outputs: readonly (Tensor | null)[]): Work[] {
  const { inputs, shape, attrs } = node;
  const flops = convolutionFlops(node.name, { inputs: inputs.map((t) => t.shape), shape, attrs });
  const main = calls.findIndex(({ kernel }) => MULTIPLYING.test(kernel));
  return calls.map(({ bindings }, i) => {
    const bytes = new Map<unknown, number>(); // by what is bound: some is bound twice
    for (const ref of Object.values(bindings)) {
      if (ref.kind === "input") bytes.set(inputs[ref.index], inputs[ref.index]!.size * 4);
      else if (ref.kind === "output") bytes.set(`output ${ref.index}`, outputs[ref.index]!.size * 4);
      else if (ref.kind === "scratch") bytes.set(`scratch ${ref.id}`, ref.bytes);
      else bytes.set(ref.data, ref.data.byteLength);
    }
    return { flops: i === main ? flops : 0, bytes: sum(bytes.values()) };
  });
}

/** The work of a call on places, as an optimiser's: none but bytes. Places that are shared may be larger than the values in them. */
export function placedWork({ bindings }: KernelCall<Slice>): Work {
  const distinct = new Set(Object.values(bindings));
  return { flops: 0, bytes: sum([...distinct].map(({ bytes }) => bytes)) };
}

const sum = (values: Iterable<number>): number => [...values].reduce((a, b) => a + b, 0);
