// The trainable parameters of a net on the GPU, and the optimiser that steps all of them in one dispatch.
// Adam: Kingma & Ba 2015, in the form of PyTorch.

import { addOp } from "../autodiff/ops/elementwise.ts";
import type { Shape, Tensor } from "../autodiff/tensor.ts";
import type { Gpu, Slice } from "../gpu/device.ts";
import { call, grid } from "../gpu/pipelines.ts";
import { FlatBuffer, Leaves } from "./flat-buffer.ts";
import type { Update } from "./plan.ts";

/** The most terms of a gradient: those of the discriminator, passes over real and fake and two of the gradient penalty. */
const TERMS = 4;

/** The terms of a sum on the tape, at most TERMS of them: [a, b, c] of (a + b) + c. */
function termsOf(gradient: Tensor): Tensor[] {
  const terms = [gradient];
  for (let at = 0; at < terms.length; ) {
    const { op, inputs } = terms[at]!;
    if (op === addOp && terms.length < TERMS) terms.splice(at, 1, ...inputs);
    else at++;
  }
  return terms;
}

/** A net's trainable parameters, their gradients and Adam's moments. */
export class ParamSet {
  readonly values: Leaves;
  /** Terms of the gradients, TERMS flat buffers in one: the optimiser adds them, which saves an addition per parameter. */
  readonly gradients: Slice;
  readonly m: FlatBuffer;
  readonly v: FlatBuffer;

  constructor(
    private readonly gpu: Gpu,
    shapes: ReadonlyMap<string, Shape>,
    label: string,
  ) {
    this.values = new Leaves(new FlatBuffer(gpu, shapes, label));
    this.gradients = gpu.alloc(TERMS * this.values.storage.whole.bytes, `${label} gradients`);
    this.m = new FlatBuffer(gpu, shapes, `${label} m`);
    this.v = new FlatBuffer(gpu, shapes, `${label} v`);
  }

  get tensors(): ReadonlyMap<string, Tensor> {
    return this.values.tensors;
  }

  /** Where a graph has to write the gradients, which come in the order of `tensors`: term by term where a gradient is a sum. */
  gradientsInto(gradients: readonly Tensor[]): (readonly [Tensor, Slice])[] {
    const { slices, whole } = this.values.storage;
    return [...slices.values()].flatMap((slice, i) =>
      termsOf(gradients[i]!).map((term, k) => {
        const at = { buffer: this.gradients.buffer, offset: k * whole.bytes + slice.offset, bytes: slice.bytes };
        return [term, at] as const;
      }),
    );
  }

  /** One Adam step with `schedule` [2] as nn/adam.ts computes it. Alignment gaps have zero gradients and stay zero. */
  adam(schedule: Tensor, hyper: { readonly beta1: number; readonly beta2: number; readonly eps: number }): Update {
    const [p, m, v] = [this.values.storage, this.m, this.v].map((b) => b.whole) as [Slice, Slice, Slice];
    const n = p.bytes / 4;
    const g = this.gradients;
    const { beta1, beta2, eps } = hyper;
    return {
      reads: [schedule],
      calls: ([s]) => [
        call(
          "adam",
          { g, schedule: s!, p, m, v },
          { n, terms: TERMS, beta1, beta2, rest1: 1 - beta1, rest2: 1 - beta2, eps },
          grid(n, 64),
        ),
      ],
    };
  }

  dispose(): void {
    for (const part of [this.values, this.m, this.v]) part.dispose();
    this.gpu.free(this.gradients);
  }
}
