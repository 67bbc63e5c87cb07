// Single fields of a model file, each checked when it is read: JSON of the metadata, tensors, and what is known of a scale.

import type { Shape } from "../../autodiff/tensor.ts";
import type { Planes } from "../../image/planes.ts";
import type { Size, TrainOptions } from "./config.ts";
import { LOSSES, type LossRecord, type ScaleRecord } from "./model.ts";
import type { StoredTensor } from "./safetensors.ts";

const MAX_MESSAGE = 240;

/** Not a model of this program, or a damaged one; the message is one line that names what is wrong. */
export class ModelFileError extends Error {
  override readonly name = "ModelFileError";
  constructor(message: string) {
    super(message.replace(/\s+/g, " ").slice(0, MAX_MESSAGE));
  }
}

export const damaged = (what: string): ModelFileError => new ModelFileError(`not a complete model: ${what}`);

/** Takes a tensor out of those still unread. Throws ModelFileError where it is missing, of another shape or not finite. */
export type Take = (name: string, shape: Shape) => Float32Array;

/** What model-file.ts has read when a recipe makes its model of the rest. */
export interface FileParts {
  readonly options: TrainOptions;
  readonly sizes: readonly Size[];
  readonly photo: Planes;
  /** One per trained scale, for readRecord. */
  readonly records: readonly unknown[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly take: Take;
  /** The names of the tensors that nobody has taken yet. */
  untaken(): Iterable<string>;
}

export function checkShape(tensor: StoredTensor, name: string, shape: Shape): void {
  if (tensor.shape.join() !== shape.join()) throw damaged(`tensor ${name} is [${tensor.shape}] instead of [${shape}]`);
}

export function f32(tensor: StoredTensor | undefined, name: string, shape: Shape): Float32Array {
  if (!tensor) throw damaged(`tensor ${name} is missing`);
  if (tensor.dtype !== "F32") throw damaged(`tensor ${name} is ${tensor.dtype} instead of F32`);
  checkShape(tensor, name, shape);
  if (!tensor.data.every(Number.isFinite)) throw damaged(`tensor ${name} holds values that are not finite`);
  return tensor.data;
}

export function field(metadata: Readonly<Record<string, string>>, name: string): unknown {
  try {
    return JSON.parse(metadata[name] ?? "");
  } catch {
    throw damaged(`metadata ${name} is ${name in metadata ? "not JSON" : "missing"}`);
  }
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What is known of scale k, which must have `expected` channels. Throws ModelFileError. */
export function readRecord(record: unknown, k: number, size: Size, expected: number): ScaleRecord {
  const number = (from: unknown, name: string): number => {
    const value = isObject(from) ? from[name] : undefined;
    if (typeof value !== "number") throw damaged(`scale ${k} has no number ${name}`);
    return value;
  };
  const channels = number(record, "channels");
  if (channels !== expected) throw damaged(`scale ${k} has ${channels} channels instead of ${expected}`);
  const { losses } = record as { losses?: unknown };
  const noiseAmp = number(record, "noise_amp");
  const seconds = number(record, "seconds");
  if (noiseAmp < 0 || seconds < 0) throw damaged(`scale ${k} has a negative ${noiseAmp < 0 ? "noise_amp" : "seconds"}`);
  return {
    ...{ size, channels, noiseAmp, seconds },
    losses: Object.fromEntries(LOSSES.map((name) => [name, number(losses, name)])) as unknown as LossRecord,
  };
}
