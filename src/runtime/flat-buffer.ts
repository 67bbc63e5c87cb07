// Named tensors in one GPU buffer, so that one dispatch can work on all of them; and the leaves that a graph reads there.

import { leaf, type Shape, sizeOf, type Tensor } from "../autodiff/tensor.ts";
import { type Gpu, padTo, Readback, SLICE_ALIGNMENT, type Slice } from "../gpu/device.ts";

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

/** Named leaves, bound to the tensors of a flat buffer: what a graph's `bindings` are made of. */
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
