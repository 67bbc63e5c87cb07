// What the recipes singan and sr say about their models: options, pyramid, and the tensors in a model file.
// sr is singan on the pyramid of the official super-resolution (adjust_scales2image_SR).

import { type Shape, sizeOf } from "../../autodiff/tensor.ts";
import { channelsAt, DEFAULTS, type ImageChannels, type Size } from "./config.ts";
import { damaged, type FileParts, field, readRecord } from "./file-fields.ts";
import type { Model, ScaleModel, StateDict } from "./model.ts";
import { pyramidSizes } from "./pyramid.ts";
import type { ModelRecipe } from "./recipe.ts";
import type { StoredTensor } from "./safetensors.ts";
import { type Net, noiseShape, parameterShapes, zStarShape } from "./shapes.ts";

const NETS = [
  ["G", "generator"],
  ["D", "discriminator"],
] as const;

export const singanModels: ModelRecipe<Model> = {
  name: "singan",
  isForEnlargement: false,
  defaults: DEFAULTS,
  unused: ["stages", "trainedStages", "lrScale"],
  adapt({ maxSize, minSize, iterations, maxChannels, seed }) {
    return { ...DEFAULTS, maxSize, minSize, iterations, seed, channels: Math.min(DEFAULTS.channels, maxChannels) };
  },
  pyramid: ({ width, height }, { minSize, maxSize, scaleFactor }) =>
    pyramidSizes({ width, height, minSize, maxSize, scaleFactor }),
  channelsAt,
  toFile: (model) => ({
    tensors: tensorsOf(model),
    metadata: {
      scale_factor: JSON.stringify(model.scaleFactor),
      // The reconstruction's noise is zero from the second scale on: only its shape is kept.
      zero_z_shapes: JSON.stringify(zeroShapes(model)),
    },
  }),
  fromFile(parts) {
    const { options, sizes, photo, metadata, take } = parts;
    const scaleFactor = field(metadata, "scale_factor");
    checkFactor(scaleFactor, sizes);
    if (JSON.stringify(field(metadata, "zero_z_shapes")) !== JSON.stringify(zeroShapes({ options, sizes })))
      throw damaged("zero_z_shapes do not fit the sizes");
    const scales = parts.records.map((record, k) => readScale(record, k, parts));
    return { options, sizes, photo, scaleFactor, scales, zStar: take("z_star", zStarShape(sizes[0]!, options)) };
  },
};

export const srModels: ModelRecipe<Model> = {
  ...singanModels,
  name: "sr",
  isForEnlargement: true,
  defaults: { ...DEFAULTS, recipe: "sr" },
  adapt: (options) => ({ ...options, recipe: "sr" }),
  pyramid: ({ width, height }, { minSize, maxSize, scaleFactor }) =>
    pyramidSizes({ width, height, minSize, maxSize, scaleFactor, counts: "down" }),
};

function tensorsOf(model: Model): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  model.scales.forEach((scale, k) => {
    for (const [name, data] of scale.reconstruction ?? [])
      tensors.set(`R.${k}.${name}`, { dtype: "F32", shape: [scale.channels], data });
    for (const [letter, net] of NETS) {
      const shapes = fileShapes(net, scale.channels, model.options);
      for (const [key, data] of complete(scale[net], shapes)) {
        tensors.set(`${letter}.${k}.${key}`, {
          dtype: "F32",
          shape: shapes.get(key) ?? [data.length],
          data,
        });
      }
    }
  });
  return tensors.set("z_star", { dtype: "F32", shape: zStarShape(model.sizes[0]!, model.options), data: model.zStar });
}

/** All tensors of a net by official name, in PyTorch's shapes and a fixed order. */
function fileShapes(net: Net, channels: number, image: ImageChannels): Map<string, Shape> {
  const shapes = new Map<string, Shape>();
  for (const [name, shape] of parameterShapes(net, channels, image)) {
    shapes.set(name, shape.length === 2 ? [shape[1]!] : shape);
    if (name.endsWith(".conv.weight")) shapes.set(name.replace(/weight$/, "bias"), [channels]);
    if (!name.endsWith(".norm.bias")) continue;
    for (const statistic of ["running_mean", "running_var"]) shapes.set(name.replace(/bias$/, statistic), [channels]);
  }
  return shapes;
}

export const isStatistic = (name: string): boolean => name.includes(".running_");

/** The net's tensors in the file's order, with zeros for missing hidden biases. Reading finds other tensors that are missing or unknown. */
function complete(state: StateDict, shapes: ReadonlyMap<string, Shape>): Map<string, Float32Array> {
  const all = new Map<string, Float32Array>();
  for (const [name, shape] of shapes) {
    const data = state.get(name) ?? (name.endsWith(".conv.bias") ? new Float32Array(sizeOf(shape)) : undefined);
    if (data) all.set(name, data);
  }
  for (const [name, data] of state) all.set(name, data);
  return all;
}

const zeroShapes = ({ sizes, options }: Pick<Model, "sizes" | "options">): Shape[] =>
  sizes.slice(1).map((size) => noiseShape(size, options));

/** Checks that each size is the finest one times a power of the factor, rounded up or down. */
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

function readScale(record: unknown, k: number, { options, sizes, take, untaken }: FileParts): ScaleModel {
  const known = readRecord(record, k, sizes[k]!, channelsAt(k, options));
  const { channels } = known;
  const hasStatistics = (letter: string): boolean =>
    [...untaken()].some((name) => name.startsWith(`${letter}.${k}.`) && isStatistic(name));
  const state = (letter: string, net: Net, isStored: (name: string) => boolean): StateDict => {
    const stored = [...fileShapes(net, channels, options)].filter(([name]) => isStored(name));
    return new Map(
      stored.map(([name, shape]) => {
        const data = take(`${letter}.${k}.${name}`, shape);
        if (name.endsWith(".running_var") && data.some((v) => v < 0))
          throw damaged(`tensor ${letter}.${k}.${name} holds negative values`);
        return [name, data];
      }),
    );
  };
  const withStatistics = hasStatistics("D");
  return {
    ...known,
    generator: state("G", "generator", () => true),
    discriminator: state("D", "discriminator", (name) => withStatistics || !isStatistic(name)),
    ...(hasStatistics("R") && { reconstruction: state("R", "generator", isStatistic) }),
  };
}
