// The parameters of a net on the GPU: one flat buffer each for values, gradients and Adam's two moments, so that one dispatch
// steps them all; and running statistics, laid out the same way.

import { addOp } from "../autodiff/ops/elementwise.ts";
import { leaf, type Shape, sizeOf, type Tensor } from "../autodiff/tensor.ts";
import { type Gpu, padTo, Readback, SLICE_ALIGNMENT, type Slice } from "../gpu/device.ts";
import { call, grid } from "../gpu/pipelines.ts";
import type { Update } from "./plan.ts";

/** Named tensors in one buffer, each at a bindable offset. */
export class FlatBuffer {
  readonly slices = new Map<string, Slice>();
  readonly whole: Slice;

  constructor(
    private readonly gpu: Gpu,
    readonly shapes: ReadonlyMap<string, Shape>,
    label: string,
  ) {
    const offsets = new Map<string, number>();
    let bytes = 0;
    for (const [name, shape] of shapes) {
      offsets.set(name, bytes);
      bytes += padTo(sizeOf(shape) * 4, SLICE_ALIGNMENT);
    }
    this.whole = gpu.alloc(bytes, label);
    for (const [name, shape] of shapes) {
      this.slices.set(name, { buffer: this.whole.buffer, offset: offsets.get(name)!, bytes: sizeOf(shape) * 4 });
    }
  }

  slice(name: string): Slice {
    const slice = this.slices.get(name);
    if (!slice) throw new Error(`no tensor named ${name}`);
    return slice;
  }

  /** Throws where a name is missing or a length differs. */
  write(values: ReadonlyMap<string, ArrayBufferView>): void {
    for (const [name, slice] of this.slices) {
      const data = values.get(name);
      if (data?.byteLength !== slice.bytes)
        throw new Error(`${name}: ${data?.byteLength ?? "no"} bytes instead of ${slice.bytes}`);
      this.gpu.write(slice, data);
    }
  }

  /** For reading all of it again and again, at most `depth` times at once. */
  readback(depth: number): Readback {
    return new Readback(this.gpu, [...this.slices.values()], depth);
  }

  async read(): Promise<Map<string, Float32Array>> {
    const values = await this.gpu.read([...this.slices.values()]);
    return new Map([...this.slices.keys()].map((name, i) => [name, values[i]!]));
  }

  dispose(): void {
    this.gpu.free(this.whole);
  }
}

/** One sample of a batch, in place. */
export const sampleOf = ({ buffer, offset, bytes }: Slice, samples: number, at: number): Slice => ({
  buffer,
  offset: offset + (bytes / samples) * at,
  bytes: bytes / samples,
});
/** Whether a kernel can bind a slice where it is. */
export const isBindable = ({ offset }: Slice): boolean => offset % SLICE_ALIGNMENT === 0;

/** Named leaves and where they live: what a graph's `bindings` are made of. */
export class Leaves {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly bindings: readonly (readonly [Tensor, Slice])[];
  constructor(readonly storage: FlatBuffer) {
    this.tensors = new Map([...storage.shapes].map(([name, shape]) => [name, leaf(name, shape)]));
    this.bindings = [...this.tensors].map(([name, t]) => [t, storage.slice(name)] as const);
  }
  dispose(): void {
    this.storage.dispose();
  }
}

/** The discriminator's at most: passes over real and fake, and two for the gradient penalty. */
const TERMS = 4;

/** The terms of a sum on the tape, at most TERMS: [a, b, c] for (a + b) + c. */
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

  /** Where compile() shall write the gradients, given in the order of `tensors`: term by term, where a gradient is a sum. */
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

/**
 * running = (1−k)·running + k·[mean; unbiased variance] for one layer; `momentum` [1] holds k, `count` values were averaged. For each
 * group of moments `batch` [g,2,c] in turn, and the whole `repeats` times.
 */
export function runningStats(running: Slice, batch: Tensor, momentum: Tensor, count: number, repeats = 1): Update {
  const [groups, , channels] = batch.shape as [number, number, number];
  const params = { channels, groups, repeats, unbiased: count > 1 ? count / (count - 1) : 1 };
  return {
    reads: [batch, momentum],
    calls: ([b, k]) => [call("running_stats", { batch: b!, momentum: k!, running }, params, grid(2 * channels, 64))],
  };
}
