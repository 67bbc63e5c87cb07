// Single fields of a model file, each checked when it is read: JSON of the metadata, tensors, and what is known of a scale.

import type { Shape } from "../../autodiff/tensor.ts";
import type { Planes } from "../../image/planes.ts";
import type { Size, TrainOptions } from "./config.ts";
import { fromHalf } from "./half.ts";
import { LOSSES, type LossRecord, type ScaleRecord } from "./model.ts";
import type { StoredTensor } from "./safetensors.ts";

const MAX_MESSAGE = 240;

/** Not a model of this program, or a damaged one; the message is one line that names what is wrong. */
export class ModelFileError extends Error {
  override readonly name = "ModelFileError";
  constructor(message: string) {
    // Parts of the file may be in the message: their control characters must not reach a terminal.
    super(message.replace(/[\s\p{Cc}\p{Cf}]+/gu, " ").slice(0, MAX_MESSAGE));
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
  const isHalf = tensor.dtype === "F16" && isWeight(name, shape);
  if (tensor.dtype !== "F32" && !isHalf) throw damaged(`tensor ${name} is ${tensor.dtype} instead of F32`);
  checkShape(tensor, name, shape);
  const data = tensor.dtype === "F16" ? fromHalf(tensor.data) : tensor.data;
  if (!data.every(Number.isFinite)) throw damaged(`tensor ${name} holds values that are not finite`);
  if (isWeight(name, shape) && data.every((v) => v === 0)) throw damaged(`tensor ${name} is zero everywhere`);
  return data;
}

/** Weights of convolutions, which no training makes all zero, and which may be stored with 16 bits. */
export const isWeight = (name: string, shape: readonly number[]): boolean => name.endsWith(".weight") && shape.length === 4;

export function field(metadata: Readonly<Record<string, string>>, name: string): unknown {
  try {
    return JSON.parse(metadata[name] ?? "");
  } catch {
    throw damaged(`metadata ${name} is ${Object.hasOwn(metadata, name) ? "not JSON" : "missing"}`);
  }
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Bounds far beyond what a training can have. A noise amplitude is at most 10 times the RMSE of a reconstruction, whose values are sums of one
 * tanh per scale. Losses are float32. A training of 30 years has 1e9 s.
 */
const BOUNDS = { noise_amp: [0, 1e4], seconds: [0, 1e9], loss: [-3.5e38, 3.5e38] } as const;

/** What is known of scale k, which must have `expected` channels. Throws ModelFileError. */
export function readRecord(record: unknown, k: number, size: Size, expected: number): ScaleRecord {
  const number = (from: unknown, name: string, [low, high]: readonly [number, number]): number => {
    const value = isObject(from) ? from[name] : undefined;
    if (typeof value !== "number") throw damaged(`scale ${k} has no number ${name}`);
    if (!(value >= low && value <= high)) throw damaged(`scale ${k} has the ${name} ${value}, not one from ${low} to ${high}`);
    return value;
  };
  const channels = number(record, "channels", [0, Number.POSITIVE_INFINITY]);
  if (channels !== expected) throw damaged(`scale ${k} has ${channels} channels instead of ${expected}`);
  const { losses } = record as { losses?: unknown };
  const noiseAmp = number(record, "noise_amp", BOUNDS.noise_amp);
  const seconds = number(record, "seconds", BOUNDS.seconds);
  return {
    ...{ size, channels, noiseAmp, seconds },
    losses: Object.fromEntries(LOSSES.map((name) => [name, number(losses, name, BOUNDS.loss)])) as unknown as LossRecord,
  };
}
