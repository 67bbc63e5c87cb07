// A training's state as bytes, to go on from after a crash: one self-describing safetensors file with a SHA-256 of all that is in it.

import { isSameSize, type Rgb8 } from "../../image/planes.ts";
import { damaged, field, isObject, ModelFileError } from "../model/file-fields.ts";
import { type AnyModel, LOSSES, type LossRecord } from "../model/model.ts";
import { type ModelRecipes, readModelFile, writeModelFile } from "../model/model-file.ts";
import { readSafetensors, SafetensorsError, type StoredTensor, writeSafetensors } from "../model/safetensors.ts";
import type { TrainerState } from "./level-trainer.ts";
import type { TrainingState } from "./recipe.ts";

const FORMAT = "singan-webgpu checkpoint";
const VERSION = "1";

/** A checkpoint can't be used: it is damaged, or of another version. The message is one line. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
}

/** All that is kept of an unfinished training. */
export interface Checkpoint {
  readonly state: TrainingState;
  /** Pictures that the program wants back, by name. */
  readonly pictures: ReadonlyMap<string, Rgb8>;
  /** What the program knows of the training: plain data, as JSON can hold it. */
  readonly facts: unknown;
}

/** A model changes only from scale to scale, and a scale has many checkpoints. */
const encodedModels = new WeakMap<AnyModel, Uint8Array>();

/** The checkpoint's bytes. `sequence` orders the checkpoints of one training. */
export async function writeCheckpointFile(
  { state, pictures, facts }: Checkpoint,
  sequence: number,
  recipes: ModelRecipes,
): Promise<Uint8Array<ArrayBuffer>> {
  const { model, reconstruction, trainer, level, losses, seconds, noiseStream } = state;
  const bytes = encodedModels.get(model) ?? writeModelFile(model, recipes, { leastScales: 0 });
  encodedModels.set(model, bytes);
  const tensors = new Map<string, StoredTensor>([["model", { dtype: "U8", shape: [bytes.length], data: bytes }]]);
  if (reconstruction) {
    const { width, height, data } = reconstruction;
    tensors.set("reconstruction", { dtype: "F32", shape: [3, height, width], data });
  }
  for (const [name, data] of trainer?.tensors ?? []) tensors.set(`trainer ${name}`, { dtype: "F32", shape: [data.length], data });
  for (const [name, { width, height, data }] of pictures)
    tensors.set(`picture ${name}`, { dtype: "U8", shape: [height, width, 3], data });
  const at = trainer && { iteration: trainer.iteration, noiseAmp: trainer.noiseAmp };
  const metadata = {
    ...{ format: FORMAT, version: VERSION, sequence: String(sequence) },
    state: JSON.stringify({ level, losses, seconds, noiseStream, trainer: at }),
    facts: JSON.stringify(facts),
  };
  return writeSafetensors(tensors, { ...metadata, sha256: await sha256(writeSafetensors(tensors, metadata)) });
}

/** The checkpoint in a file, and its place among those of its training. Throws CheckpointError where it is not as it was written. */
export async function readCheckpointFile(
  bytes: Uint8Array,
  recipes: ModelRecipes,
): Promise<Checkpoint & { readonly sequence: number }> {
  try {
    const { tensors, metadata } = readSafetensors(bytes);
    const { sha256: stored, ...rest } = metadata;
    if (rest["format"] !== FORMAT) throw new CheckpointError("not a checkpoint of singan-webgpu");
    if (rest["version"] !== VERSION)
      throw new CheckpointError(`of version ${rest["version"]}, and this program reads version ${VERSION}`);
    if (stored !== (await sha256(writeSafetensors(tensors, rest))))
      throw new CheckpointError("damaged: its SHA-256 does not fit its contents");
    return {
      state: readState(tensors, field(rest, "state"), recipes),
      pictures: new Map(named(tensors, "picture ").map(([name, tensor]) => [name, readPicture(tensor)])),
      facts: field(rest, "facts"),
      sequence: Number(rest["sequence"]),
    };
  } catch (error) {
    if (error instanceof SafetensorsError || error instanceof ModelFileError)
      throw new CheckpointError(`damaged: ${error.message}`);
    throw error;
  }
}

/** The model file of the finished scales in a checkpoint; null where the bytes are no checkpoint. Its own checksum tells damage. */
export function modelFileIn(bytes: Uint8Array): Uint8Array | null {
  try {
    const { tensors, metadata } = readSafetensors(bytes);
    const model = tensors.get("model");
    return metadata["format"] === FORMAT && model?.dtype === "U8" ? model.data : null;
  } catch {
    return null;
  }
}

function readState(tensors: ReadonlyMap<string, StoredTensor>, stored: unknown, recipes: ModelRecipes): TrainingState {
  const model = tensors.get("model");
  if (model?.dtype !== "U8" || !isObject(stored)) throw damaged("its model or its state is missing");
  const { level, losses, seconds, noiseStream, trainer } = stored;
  const known = readModelFile(model.data, recipes, 0);
  const { sizes, scales } = known;
  if (level !== scales.length) throw damaged(`it is at scale ${level}, and its model has ${scales.length} scales`);
  if (!isNumber(seconds) || !isNumber(noiseStream)) throw damaged("its state has no times");
  if (losses !== null && !(isObject(losses) && LOSSES.every((name) => Number.isFinite(losses[name]))))
    throw damaged("it lacks losses");
  const reconstruction = tensors.get("reconstruction");
  const size = sizes[level];
  if (reconstruction && (reconstruction.dtype !== "F32" || !size || !isSameSize(size, sizeOf(reconstruction, 1))))
    throw damaged("its reconstruction does not fit its scale");
  return {
    ...{ model: known, level, losses: losses as LossRecord | null, seconds, noiseStream },
    reconstruction: reconstruction ? { ...size!, data: reconstruction.data as Float32Array } : null,
    trainer: trainer === null ? null : readTrainer(tensors, trainer, known.options.iterations),
  };
}

function readTrainer(tensors: ReadonlyMap<string, StoredTensor>, stored: unknown, iterations: number): TrainerState {
  const { iteration, noiseAmp } = isObject(stored) ? stored : {};
  if (!isNumber(iteration) || iteration > iterations || !isNumber(noiseAmp)) throw damaged("its trainer has no iteration");
  const values = named(tensors, "trainer ").map(([name, { data }]) => [name, data as Float32Array] as const);
  return { iteration, noiseAmp, tensors: new Map(values) };
}

const isNumber = (value: unknown): value is number => typeof value === "number" && value >= 0;

const named = (tensors: ReadonlyMap<string, StoredTensor>, prefix: string): [string, StoredTensor][] =>
  [...tensors].flatMap(([name, tensor]) => (name.startsWith(prefix) ? [[name.slice(prefix.length), tensor]] : []));

/** Height and width lie at `first` of the shape. */
const sizeOf = ({ shape }: StoredTensor, first: number) => ({ width: shape[first + 1]!, height: shape[first]! });

const readPicture = (tensor: StoredTensor): Rgb8 => ({ ...sizeOf(tensor, 0), data: tensor.data as Uint8Array });

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
