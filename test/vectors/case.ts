// A golden case: its tensors, its parameters and the tolerance for each result. test/golden/README.md describes the format.

import { leaf, type Shape, type Tensor } from "../../src/autodiff/tensor.ts";
import type { Gpu, Slice } from "../../src/gpu/device.ts";
import type { Update } from "../../src/runtime/plan.ts";
import { compile, submit } from "../../src/runtime/program.ts";
import { readSafetensors } from "../../src/singan/model/safetensors.ts";
import { BLOCKS, type Net, TAIL } from "../../src/singan/model/shapes.ts";

/** Returns the content of a file of a folder of golden vectors. */
export type ReadGolden = (file: string) => Uint8Array;
/** The file that lists the cases of a folder. */
export const INDEX = "index.json";

export interface GoldenCase {
  readonly name: string;
  readonly op: string;
  /** The folder of the case. */
  readonly read: ReadGolden;
  // biome-ignore lint/suspicious/noExplicitAny: each op kind has parameters of its own
  readonly params: any;
  /** Names of the stored results. */
  readonly outputs: readonly string[];
  shape(name: string): Shape;
  has(name: string): boolean;
  f32(name: string): Float32Array;
  u8(name: string): Uint8Array;
  /** Deviations of correct float32 programs: of PyTorch's float32 run, and of slightly disturbed runs if there are any. */
  deviation(name: string): number;
  /** The allowed max|got − want| of a result, from its recorded size and float32 deviation. */
  tolerance(name: string): number;
}

/** Absolute bound for values that are 0 in exact arithmetic. */
const EXACT_ZERO = 3e-6;
const RELATIVE = 1e-5;
/** A correct float32 program deviates about as much as PyTorch's. Up to eight times that counts as rounding. */
export const DEVIATIONS = 8;

export const fileOf = (name: string): string => `${name}.safetensors`;

export function loadCase(read: ReadGolden, name: string): GoldenCase {
  const { tensors, metadata } = readSafetensors(read(fileOf(name)));
  const recorded: Record<string, readonly (number | string)[]> = JSON.parse(metadata["outputs"] ?? "{}");
  const get = (key: string) => {
    const tensor = tensors.get(key);
    if (!tensor) throw new Error(`${name} has no tensor ${key}`);
    return tensor;
  };
  // Columns: max_abs, rms, f32_dev, official_f32_dev, envelope.
  const deviation = (key: string): number => Math.max(Number(recorded[key]?.[2] ?? 0), Number(recorded[key]?.[4] ?? 0));
  return {
    name,
    op: metadata["op"] ?? "",
    read,
    params: JSON.parse(metadata["params"] ?? "{}"),
    outputs: Object.keys(recorded),
    shape: (key) => get(key).shape,
    has: (key) => tensors.has(key),
    f32: (key) => Float32Array.from(get(key).data),
    u8: (key) => get(key).data as Uint8Array,
    deviation,
    tolerance: (key) => {
      const [maxAbs] = recorded[key] ?? [0];
      return maxAbs === "exact_zero" ? EXACT_ZERO : Math.max(RELATIVE * Number(maxAbs), DEVIATIONS * deviation(key));
    },
  };
}

/** A net's recorded tensors by their official names, with the biases of its hidden convolutions. */
export function recordedNet(golden: GoldenCase, prefix: string, net: Net): Map<string, Float32Array> {
  const parts = ["conv.weight", "conv.bias", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var"];
  const hidden = BLOCKS.flatMap((block) => parts.map((part) => `${block}.${part}`));
  const names = [...hidden, `${TAIL[net]}.weight`, `${TAIL[net]}.bias`];
  return new Map(names.map((name) => [name, golden.f32(`${prefix}.${name}`)]));
}

/** The comparison of a result. `error` and `bound` are absolute. */
export interface Comparison {
  readonly tensor: string;
  readonly error: number;
  readonly bound: number;
}

export function compare(tensor: string, got: ArrayLike<number>, want: ArrayLike<number>, bound: number): Comparison {
  if (got.length !== want.length) throw new Error(`${tensor}: ${got.length} values instead of ${want.length}`);
  let error = 0;
  for (let i = 0; i < want.length; i++) {
    const e = Math.abs(got[i]! - want[i]!);
    error = Number.isNaN(e) ? Number.POSITIVE_INFINITY : Math.max(error, e);
  }
  return { tensor, error, bound };
}

/** Computes values of a graph on the GPU from given leaves. */
export class Bench {
  readonly bindings = new Map<Tensor, Slice>();
  readonly #slices: Slice[] = [];
  constructor(readonly gpu: Gpu) {}

  leaf(name: string, shape: Shape, data: ArrayBufferView): Tensor {
    const t = leaf(name, shape);
    this.bind(t, data);
    return t;
  }

  bind(t: Tensor, data: ArrayBufferView): Slice {
    const slice = this.gpu.upload(data, t.name);
    this.#slices.push(slice);
    this.bindings.set(t, slice);
    return slice;
  }

  async run(outputs: Readonly<Record<string, Tensor>>, updates: readonly Update[] = []): Promise<Record<string, Float32Array>> {
    const names = Object.keys(outputs);
    const program = await compile(this.gpu, {
      name: "vectors",
      outputs: Object.values(outputs),
      updates,
      bindings: this.bindings,
    });
    try {
      submit(this.gpu, [program]);
      const values = await this.gpu.read(names.map((name) => program.slice(outputs[name]!)));
      return Object.fromEntries(names.map((name, i) => [name, values[i]!]));
    } finally {
      program.dispose();
    }
  }

  dispose(): void {
    for (const slice of this.#slices) this.gpu.free(slice);
  }
}
