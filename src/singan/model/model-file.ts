// A trained model as one .safetensors file: tensors by their official state_dict names, everything else as JSON in the metadata.
// It holds what sampling and warm starts need, but not what only resuming needs (Adam's moments). Reading checks all of it.

import { formatOf, formatText } from "../../image/formats.ts";
import { channelsOf, type Planes, toPlanes, toRgb8 } from "../../image/planes.ts";
import { DEFAULTS, type ImageChannels, OptionError, optionsOf, type Size, type TrainOptions } from "./config.ts";
import { checkShape, damaged, f32, field, isObject, isWeight, ModelFileError, type Take } from "./file-fields.ts";
import { toHalf } from "./half.ts";
import type { AnyModel } from "./model.ts";
import type { ModelRecipe } from "./recipe.ts";
import { headerLength, readSafetensors, SafetensorsError, type StoredTensor, writeSafetensors } from "./safetensors.ts";

const FORMAT = "singan-webgpu";
const VERSION = "1";
/** The recipe of files that name none. */
const FIRST_RECIPE = "singan";
/** Options that older files lack, with the values that their models were trained with. */
const LATER_OPTIONS: Partial<TrainOptions> = {
  recipe: FIRST_RECIPE,
  imageChannels: 3,
  noisePadding: false,
  averageOver: 0,
  alphaShare: 1,
  stages: 6,
  trainedStages: 3,
  lrScale: 0.1,
};
/** Longest side of a picture, so that a damaged file can't ask for terabytes. */
const MAX_SIDE = 65_535;

export interface ModelFileOptions {
  /**
   * The weights of the convolutions as 16-bit floats, which halves the file. A model that is read from it has weights that differ by up to
   * 2⁻¹¹ of each (and by 2⁻²⁵ where they are below 2⁻¹⁴).
   */
  readonly half?: boolean;
}

/** The recipes by name, as recipes.ts has them. */
export type ModelRecipes = Readonly<Record<string, ModelRecipe>>;

/**
 * The file's bytes; the same model has the same bytes. Hidden convolutions without a bias get zeros, because the official nets have
 * one, which batch norm removes. The photo is stored with 8 bits where that loses nothing. Throws ModelFileError for a model that
 * could not be read back, or that has fewer than `leastScales` trained scales.
 */
export function writeModelFile(
  model: AnyModel,
  recipes: ModelRecipes,
  { leastScales = 1, half = false }: ModelFileOptions & { readonly leastScales?: number } = {},
): Uint8Array<ArrayBuffer> {
  const { recipe } = model.options;
  const own = recipes[recipe]!.toFile(model);
  const tensors = new Map(half ? [...own.tensors].map(halved) : own.tensors).set("photo", storedPhoto(model.photo));
  const metadata: Record<string, string> = {
    format: FORMAT,
    version: VERSION,
    options: JSON.stringify(model.options),
    sizes: JSON.stringify(model.sizes.map((size) => [size.width, size.height])),
    scales: JSON.stringify(
      model.scales.map(({ channels, noiseAmp, losses, seconds }) => ({ channels, noise_amp: noiseAmp, losses, seconds })),
    ),
    ...(recipe !== FIRST_RECIPE && { recipe }),
    ...own.metadata,
  };
  const bytes = asModelFile(() => writeSafetensors(tensors, { ...metadata, checksum: checksum(tensors, metadata) }));
  readModelFile(bytes, recipes, leastScales);
  return bytes;
}

/** Throws ModelFileError where a file that begins so is no model: before the rest of it is read. */
export function requireModelStart(start: Uint8Array): void {
  const format = formatOf(start);
  if (format?.isPicture) throw new ModelFileError(`${formatText(format)}, not a model`);
  asModelFile(() => headerLength(start));
}

/** The model in a file. Throws ModelFileError unless everything is there, fits together and is as it was written. */
export function readModelFile(bytes: Uint8Array, recipes: ModelRecipes, leastScales = 1): AnyModel {
  requireModelStart(bytes);
  const { tensors, metadata } = asModelFile(() => readSafetensors(bytes));
  if (metadata["format"] !== FORMAT) throw new ModelFileError("a safetensors file, but not a model of singan-webgpu");
  const version = metadata["version"] ?? "";
  if (version !== VERSION)
    throw new ModelFileError(`model format version ${JSON.stringify(version)}; this program reads version ${VERSION}`);
  const { checksum: stored, ...rest } = metadata;
  if (stored !== checksum(tensors, rest))
    throw new ModelFileError("the model file is damaged: its checksum does not fit its contents");

  const options = readOptions(field(metadata, "options"), recipes);
  const { recipe = FIRST_RECIPE } = metadata;
  if (recipe !== options.recipe) throw damaged(`its recipe is ${JSON.stringify(recipe)}, but its options name ${options.recipe}`);
  const sizes = readSizes(field(metadata, "sizes"));
  const records = field(metadata, "scales");
  if (!Array.isArray(records) || records.length < leastScales || records.length > sizes.length)
    throw damaged(`it should hold ${leastScales} to ${sizes.length} scales`);
  const unread = new Map(tensors);
  const take: Take = (name, shape) => {
    const tensor = unread.get(name);
    unread.delete(name);
    return f32(tensor, name, shape);
  };
  const photo = readPhoto(unread.get("photo"), sizes.at(-1)!, options);
  unread.delete("photo");
  const model = recipes[recipe]!.fromFile({ options, sizes, photo, records, metadata, take, untaken: () => unread.keys() });
  for (const name of unread.keys()) throw damaged(`unknown tensor ${JSON.stringify(name)}`);
  return model;
}

/** Statistics, biases and z* stay: they are small, and a variance can be too small for 16 bits. */
function halved([name, tensor]: readonly [string, StoredTensor]): readonly [string, StoredTensor] {
  const { dtype, shape, data } = tensor;
  return [name, dtype === "F32" && isWeight(name, shape) ? { dtype: "F16", shape, data: toHalf(data) } : tensor];
}

function asModelFile<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof SafetensorsError) throw new ModelFileError(error.message);
    throw error;
  }
}

const sameBytes = (a: Float32Array, b: Float32Array): boolean => a.length === b.length && a.every((v, i) => Object.is(v, b[i]));

function storedPhoto(photo: Planes): StoredTensor {
  const { width, height, data } = photo;
  const channels = channelsOf(photo);
  if (channels === 3) {
    const rgb = toRgb8(photo);
    if (sameBytes(toPlanes(rgb).data, data)) return { dtype: "U8", shape: [height, width, 3], data: rgb.data };
  }
  return { dtype: "F32", shape: [channels, height, width], data };
}

function readPhoto(tensor: StoredTensor | undefined, { width, height }: Size, { imageChannels }: ImageChannels): Planes {
  if (tensor?.dtype === "U8" && imageChannels === 3) {
    checkShape(tensor, "photo", [height, width, 3]);
    return toPlanes({ width, height, data: tensor.data });
  }
  const data = f32(tensor, "photo", [imageChannels, height, width]);
  if (!data.every((v) => v >= -1 && v <= 1)) throw damaged("photo holds values outside -1 to 1");
  return { width, height, data };
}

function readOptions(value: unknown, recipes: ModelRecipes): TrainOptions {
  if (!isObject(value)) throw damaged("its options are not an object");
  const options = { ...LATER_OPTIONS, ...value };
  const names = Object.keys(DEFAULTS);
  const wrong = [...names.filter((name) => !(name in options)), ...Object.keys(value).filter((name) => !names.includes(name))][0];
  if (wrong !== undefined) throw damaged(`option ${JSON.stringify(wrong)} is ${wrong in value ? "unknown" : "missing"}`);
  const odd = names.find((name) => !["string", "number", "boolean"].includes(typeof options[name as keyof TrainOptions]));
  if (odd !== undefined) throw damaged(`option ${odd} is neither a number nor a word`);
  const recipe = Object.hasOwn(recipes, String(options.recipe)) ? recipes[String(options.recipe)] : undefined;
  if (!recipe) throw damaged(`recipe must be ${Object.keys(recipes).join(" or ")}, not ${options.recipe}`);
  try {
    return optionsOf(recipe, options);
  } catch (error) {
    if (error instanceof OptionError) throw damaged(error.message);
    throw error;
  }
}

/** [[width, height], …], coarsest first, none smaller than the one before. */
function readSizes(value: unknown): Size[] {
  const isSide = (side: unknown): boolean => Number.isInteger(side) && (side as number) >= 1 && (side as number) <= MAX_SIDE;
  if (!Array.isArray(value) || value.length === 0 || !value.every((s) => Array.isArray(s) && s.length === 2 && s.every(isSide)))
    throw damaged("its sizes are not pairs of whole numbers");
  const sizes = (value as [number, number][]).map(([width, height]): Size => ({ width, height }));
  const shrinks = sizes.some(({ width, height }, k) => k > 0 && (width < sizes[k - 1]!.width || height < sizes[k - 1]!.height));
  if (shrinks) throw damaged("its sizes do not grow from scale to scale");
  return sizes;
}

/** CRC-32 (IEEE 802.3) of metadata and tensors, each in the order of the names: independent of how the container lays them out. */
export function checksum(tensors: ReadonlyMap<string, StoredTensor>, metadata: Readonly<Record<string, string>>): string {
  const text = new TextEncoder();
  let crc = 0xffffffff;
  const add = (bytes: Uint8Array): void => {
    for (let i = 0; i < bytes.length; i++) crc = CRC_TABLE[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  };
  for (const key of Object.keys(metadata).sort()) add(text.encode(`${JSON.stringify([key, metadata[key]])}\n`));
  for (const name of [...tensors.keys()].sort()) {
    const { dtype, shape, data } = tensors.get(name)!;
    add(text.encode(`${JSON.stringify([name, dtype, shape])}\n`));
    add(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return ((crc ^ 0xffffffff) >>> 0).toString(16).padStart(8, "0");
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1;
  return crc;
});
