// A trained model as one .safetensors file: tensors by their official state_dict names, everything else as JSON in the metadata.
// It holds what sampling and warm starts need, not what only a resumed training would (Adam's moments); reading checks all of it.

import type { Shape } from "../../autodiff/tensor.ts";
import { type Planes, toPlanes, toRgb8 } from "../../image/planes.ts";
import { noiseSize, zStarShape } from "../networks/frozen-scale.ts";
import { parameterShapes } from "../networks/networks.ts";
import { checksum } from "./checksum.ts";
import { channelsAt, imageShape, OptionError, PAPER, resolveOptions, type Size, type TrainOptions } from "./config.ts";
import { consinganTensors, readConsingan } from "./consingan-file.ts";
import {
  type AnyModel,
  isConsingan,
  type LossRecord,
  type Model,
  type ScaleModel,
  type ScaleRecord,
  type StateDict,
} from "./model.ts";
import { PyramidError, pyramidOf } from "./pyramid.ts";
import { readSafetensors, SafetensorsError, type StoredTensor, writeSafetensors } from "./safetensors.ts";

const FORMAT = "singan-webgpu";
const VERSION = "1";
const NETS = [
  ["G", "generator"],
  ["D", "discriminator"],
] as const;
const LOSSES: readonly (keyof LossRecord)[] = ["dReal", "dFake", "gradientPenalty", "gAdversarial", "reconstruction"];
/** Options that files written before them lack, with what those were trained with. */
const LATER_OPTIONS: Partial<TrainOptions> = {
  recipe: "singan",
  noisePadding: false,
  stages: 6,
  trainedStages: 3,
  lrScale: 0.1,
};
/** No side of a picture is longer; keeps shapes in a damaged file from announcing terabytes. */
const MAX_SIDE = 65_535;
const MAX_MESSAGE = 240;

/** Not a model of this program, or a damaged one; the message is one line that names what is wrong. */
export class ModelFileError extends Error {
  override readonly name = "ModelFileError";
  constructor(message: string) {
    super(message.replace(/\s+/g, " ").slice(0, MAX_MESSAGE));
  }
}

/**
 * The file's bytes; the same model gives the same bytes. Hidden convolutions without a bias get zeros, for the official nets have one
 * (batch norm takes it out again). The photo is stored with 8 bits where that loses nothing. Throws ModelFileError for a model that
 * could not be read back.
 */
export function writeModel(model: AnyModel): Uint8Array {
  const tensors = isConsingan(model) ? consinganTensors(model) : singanTensors(model);
  tensors.set("photo", storedPhoto(model.photo));
  const metadata: Record<string, string> = {
    format: FORMAT,
    version: VERSION,
    options: JSON.stringify(model.options),
    sizes: JSON.stringify(model.sizes.map((size) => [size.width, size.height])),
    scales: JSON.stringify(
      model.scales.map(({ channels, noiseAmp, losses, seconds }) => ({ channels, noise_amp: noiseAmp, losses, seconds })),
    ),
    ...(model.options.recipe !== "singan" && { recipe: model.options.recipe }),
    ...(!isConsingan(model) && {
      scale_factor: JSON.stringify(model.scaleFactor),
      // The reconstruction's noise is zero from the second scale on: only its shape is kept.
      zero_z_shapes: JSON.stringify(zeroShapes(model)),
    }),
  };
  try {
    const bytes = writeSafetensors(tensors, { ...metadata, checksum: checksum(tensors, metadata) });
    readModel(bytes);
    return bytes;
  } catch (error) {
    if (error instanceof SafetensorsError) throw new ModelFileError(error.message);
    throw error;
  }
}

function singanTensors(model: Model): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  model.scales.forEach((scale, k) => {
    for (const [letter, net] of NETS) {
      for (const [key, data] of complete(scale[net], net, scale.channels)) {
        tensors.set(`${letter}.${k}.${key}`, {
          dtype: "F32",
          shape: fileShapes(net, scale.channels).get(key) ?? [data.length],
          data,
        });
      }
    }
  });
  return tensors.set("z_star", { dtype: "F32", shape: zStarShape(model), data: model.zStar });
}

/** The model in a file. Throws ModelFileError unless everything is there, fits together and is as it was written. */
export function readModel(bytes: Uint8Array): AnyModel {
  const { tensors, metadata } = container(bytes);
  if (metadata["format"] !== FORMAT) throw new ModelFileError("a safetensors file, but not a model of singan-webgpu");
  const version = metadata["version"] ?? "";
  if (version !== VERSION)
    throw new ModelFileError(`model format version ${JSON.stringify(version)}; this program reads version ${VERSION}`);
  const { checksum: stored, ...rest } = metadata;
  if (stored !== checksum(tensors, rest))
    throw new ModelFileError("the model file is damaged: its checksum does not fit its contents");

  const options = readOptions(field(metadata, "options"));
  const { recipe = "singan" } = metadata;
  if (recipe !== options.recipe) throw damaged(`its recipe is ${JSON.stringify(recipe)}, that of its options ${options.recipe}`);
  const sizes = readSizes(field(metadata, "sizes"));
  const records = field(metadata, "scales");
  if (!Array.isArray(records) || records.length < 1 || records.length > sizes.length) {
    throw damaged(`it should hold 1 to ${sizes.length} scales`);
  }
  const unread = new Map(tensors);
  const take: Take = (name, shape) => {
    const tensor = unread.get(name);
    unread.delete(name);
    return f32(tensor, name, shape);
  };
  const photo = readPhoto(unread.get("photo"), sizes.at(-1)!);
  unread.delete("photo");
  const common = { options, sizes, photo };
  const model =
    options.recipe === "consingan"
      ? readConsingan(
          { ...common, scales: records.map((record, k) => readRecord(record, k, checked(sizes, options)[k]!, options)) },
          take,
        )
      : readSingan(common, records, metadata, take, unread);
  for (const name of unread.keys()) throw damaged(`unknown tensor ${JSON.stringify(name)}`);
  return model;
}

function readSingan(
  common: Pick<Model, "options" | "sizes" | "photo">,
  records: readonly unknown[],
  metadata: Readonly<Record<string, string>>,
  take: Take,
  unread: ReadonlyMap<string, unknown>,
): Model {
  const { options, sizes } = common;
  const scaleFactor = field(metadata, "scale_factor");
  checkFactor(scaleFactor, sizes);
  if (JSON.stringify(field(metadata, "zero_z_shapes")) !== JSON.stringify(zeroShapes(common)))
    throw damaged("zero_z_shapes do not fit the sizes");
  const scales = records.map((record, k) => readScale(record, k, sizes[k]!, options, take, unread));
  return { ...common, scaleFactor, scales, zStar: take("z_star", zStarShape(common)) };
}

/** Takes a tensor out of those still unread. Throws ModelFileError where it is missing, of another shape or not finite. */
export type Take = (name: string, shape: Shape) => Float32Array;

const damaged = (what: string): ModelFileError => new ModelFileError(`not a complete model: ${what}`);

function container(bytes: Uint8Array): ReturnType<typeof readSafetensors> {
  try {
    return readSafetensors(bytes);
  } catch (error) {
    if (error instanceof SafetensorsError) throw new ModelFileError(error.message);
    throw error;
  }
}

/** All tensors of a net by official name, in PyTorch's shapes and a fixed order. */
function fileShapes(net: "generator" | "discriminator", channels: number): Map<string, Shape> {
  const shapes = new Map<string, Shape>();
  for (const [name, shape] of parameterShapes(net, channels)) {
    shapes.set(name, shape.length === 2 ? [shape[1]!] : shape);
    if (name.endsWith(".conv.weight")) shapes.set(name.replace(/weight$/, "bias"), [channels]);
    if (!name.endsWith(".norm.bias")) continue;
    for (const statistic of ["running_mean", "running_var"]) shapes.set(name.replace(/bias$/, statistic), [channels]);
  }
  return shapes;
}

const isStatistic = (name: string): boolean => name.includes(".running_");

/** The net's tensors in the file's order, with zeros for missing hidden biases; what is missing else, or too much, shows on reading. */
function complete(state: StateDict, net: "generator" | "discriminator", channels: number): Map<string, Float32Array> {
  const all = new Map<string, Float32Array>();
  for (const name of fileShapes(net, channels).keys()) {
    const data = state.get(name) ?? (name.endsWith(".conv.bias") ? new Float32Array(channels) : undefined);
    if (data) all.set(name, data);
  }
  for (const [name, data] of state) all.set(name, data);
  return all;
}

const zeroShapes = ({ sizes, options }: Pick<Model, "sizes" | "options">): Shape[] =>
  sizes.slice(1).map((size) => imageShape(noiseSize(size, options)));

const sameBytes = (a: Float32Array, b: Float32Array): boolean => a.length === b.length && a.every((v, i) => Object.is(v, b[i]));

function storedPhoto(photo: Planes): StoredTensor {
  const { width, height, data } = photo;
  const rgb = toRgb8(photo);
  if (sameBytes(toPlanes(rgb).data, data)) return { dtype: "U8", shape: [height, width, 3], data: rgb.data };
  return { dtype: "F32", shape: [3, height, width], data };
}

function readPhoto(tensor: StoredTensor | undefined, { width, height }: Size): Planes {
  if (tensor?.dtype === "U8") {
    checkShape(tensor, "photo", [height, width, 3]);
    return toPlanes({ width, height, data: tensor.data });
  }
  const data = f32(tensor, "photo", [3, height, width]);
  if (!data.every((v) => v >= -1 && v <= 1)) throw damaged("photo holds values outside -1 to 1");
  return { width, height, data };
}

function checkShape(tensor: StoredTensor, name: string, shape: Shape): void {
  if (tensor.shape.join() !== shape.join()) throw damaged(`tensor ${name} is [${tensor.shape}] instead of [${shape}]`);
}

function f32(tensor: StoredTensor | undefined, name: string, shape: Shape): Float32Array {
  if (!tensor) throw damaged(`tensor ${name} is missing`);
  if (tensor.dtype !== "F32") throw damaged(`tensor ${name} is ${tensor.dtype} instead of F32`);
  checkShape(tensor, name, shape);
  if (!tensor.data.every(Number.isFinite)) throw damaged(`tensor ${name} holds values that are not finite`);
  return tensor.data;
}

function field(metadata: Readonly<Record<string, string>>, name: string): unknown {
  try {
    return JSON.parse(metadata[name] ?? "");
  } catch {
    throw damaged(`metadata ${name} is ${name in metadata ? "not JSON" : "missing"}`);
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function readOptions(value: unknown): TrainOptions {
  if (!isObject(value)) throw damaged("its options are not an object");
  const options = { ...LATER_OPTIONS, ...value };
  const names = Object.keys(PAPER);
  const wrong = [...names.filter((name) => !(name in options)), ...Object.keys(value).filter((name) => !names.includes(name))][0];
  if (wrong !== undefined) throw damaged(`option ${JSON.stringify(wrong)} is ${wrong in value ? "unknown" : "missing"}`);
  try {
    return resolveOptions(options);
  } catch (error) {
    if (error instanceof OptionError) throw damaged(error.message);
    throw error;
  }
}

/** [[width, height], …], coarsest first, none smaller than the one before. */
function readSizes(value: unknown): Size[] {
  const isSide = (side: unknown): boolean => Number.isInteger(side) && (side as number) >= 1 && (side as number) <= MAX_SIDE;
  if (!Array.isArray(value) || value.length === 0 || !value.every((s) => Array.isArray(s) && s.length === 2 && s.every(isSide))) {
    throw damaged("its sizes are not pairs of whole numbers");
  }
  const sizes = (value as [number, number][]).map(([width, height]): Size => ({ width, height }));
  const shrinks = sizes.some(({ width, height }, k) => k > 0 && (width < sizes[k - 1]!.width || height < sizes[k - 1]!.height));
  if (shrinks) throw damaged("its sizes do not grow from scale to scale");
  return sizes;
}

/** Sizes are the finest one's times powers of the factor, rounded up or down. */
function checkFactor(factor: unknown, sizes: readonly Size[]): asserts factor is number {
  if (typeof factor !== "number" || !(factor > 0 && factor <= 1)) throw damaged("its scale factor is not a number from 0 to 1");
  const finest = sizes.at(-1)!;
  for (const [k, { width, height }] of sizes.entries()) {
    const shrink = factor ** (sizes.length - 1 - k);
    if (Math.max(Math.abs(width - finest.width * shrink), Math.abs(height - finest.height * shrink)) > 1.5) {
      throw damaged(
        `scale ${k} of ${width}x${height} does not follow from ${finest.width}x${finest.height} and the scale factor ${factor}`,
      );
    }
  }
}

/** The sizes, which follow from the finest and the options. */
function checked(sizes: readonly Size[], options: TrainOptions): readonly Size[] {
  let wanted: readonly Size[] = [];
  try {
    wanted = pyramidOf(sizes.at(-1)!, options).sizes;
  } catch (error) {
    if (!(error instanceof PyramidError)) throw error;
  }
  const text = (all: readonly Size[]) => all.map(({ width, height }) => `${width}x${height}`).join(" ");
  if (text(wanted) !== text(sizes)) throw damaged(`its sizes ${text(sizes)} do not follow from the options`);
  return sizes;
}

function readRecord(record: unknown, k: number, size: Size, options: TrainOptions): ScaleRecord {
  const number = (from: unknown, name: string): number => {
    const value = isObject(from) ? from[name] : undefined;
    if (typeof value !== "number") throw damaged(`scale ${k} has no number ${name}`);
    return value;
  };
  const channels = number(record, "channels");
  const expected = channelsAt(k, options);
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

function readScale(
  record: unknown,
  k: number,
  size: Size,
  options: TrainOptions,
  take: Take,
  unread: ReadonlyMap<string, unknown>,
): ScaleModel {
  const known = readRecord(record, k, size, options);
  const { channels } = known;
  const state = (letter: string, net: "generator" | "discriminator"): StateDict => {
    const values = new Map<string, Float32Array>();
    const prefix = `${letter}.${k}.`;
    const hasStatistics = net === "generator" || [...unread.keys()].some((name) => name.startsWith(prefix) && isStatistic(name));
    for (const [name, shape] of fileShapes(net, channels)) {
      if (isStatistic(name) && !hasStatistics) continue;
      const data = take(prefix + name, shape);
      if (name.endsWith(".running_var") && data.some((v) => v < 0))
        throw damaged(`tensor ${prefix}${name} holds negative values`);
      values.set(name, data);
    }
    return values;
  };
  return { ...known, generator: state("G", "generator"), discriminator: state("D", "discriminator") };
}
