// What the recipe consingan says about its models: options, pyramid, names and shapes of the tensors, and those in a model file.
// Names are those of the official code's state_dict (models.py of tohinz/ConSinGAN).
// Hinz, Fisher, Wang, Wermter 2021, Improved Techniques for Training Single-Image GANs.

import { type Shape, sizeOf } from "../../autodiff/tensor.ts";
import { CONSINGAN, imageShape, type Size, type TrainOptions } from "./config.ts";
import { damaged, readRecord } from "./file-fields.ts";
import type { ConsinganModel, StateDict } from "./model.ts";
import { concurrentPyramidSizes, PyramidError } from "./pyramid.ts";
import type { ModelRecipe } from "./recipe.ts";
import type { StoredTensor } from "./safetensors.ts";

/** Its pictures are coloured. */
export const COLOURS = CONSINGAN.imageChannels;

/** Up to this size, px, six stages would hardly differ from each other. */
const FEW_STAGES = { maxSize: 100, stages: 3 };

export const consinganModels: ModelRecipe<ConsinganModel> = {
  name: "consingan",
  isForEnlargement: false,
  defaults: CONSINGAN,
  unused: [
    "scaleFactor",
    "maxChannels",
    "zStar",
    "gStep",
    "upsample",
    "statistics",
    "noisePadding",
    "averageOver",
    "alphaShare",
    "imageChannels",
  ],
  adapt({ maxSize, minSize, iterations, maxChannels, seed }) {
    const stages = maxSize <= FEW_STAGES.maxSize ? FEW_STAGES.stages : CONSINGAN.stages;
    return { ...CONSINGAN, maxSize, minSize, iterations, seed, stages, channels: Math.min(CONSINGAN.channels, maxChannels) };
  },
  pyramid: ({ width, height }, { minSize, maxSize, stages }) =>
    concurrentPyramidSizes({ width, height, minSize, maxSize, stages }),
  channelsAt: (_, { channels }) => channels,
  toFile: (model) => ({ tensors: tensorsOf(model), metadata: {} }),
  fromFile({ options, sizes, photo, records, take }) {
    checkSizes(sizes, options);
    const scales = records.map((record, k) => readRecord(record, k, sizes[k]!, options.channels));
    const shapes = shapesOf({ scales, options });
    const state = (net: keyof typeof NETS): StateDict =>
      new Map([...shapes[net]].map(([name, shape]) => [name, take(`${NETS[net]}.${name}`, fileShape(shape))]));
    const [generator, discriminator] = [state("generator"), state("discriminator")];
    const coarsest = { ...sizes[0]!, data: take("coarsest", imageShape(sizes[0]!, options)) };
    return { options, sizes, photo, scales, generator, discriminator, coarsest };
  },
};

const NETS = { generator: "G", discriminator: "D" } as const;

/** Biases are [c] in PyTorch. */
const fileShape = (shape: Shape): Shape => (shape.length === 2 ? shape.slice(1) : shape);

const shapesOf = ({ scales, options }: Pick<ConsinganModel, "scales" | "options">) => ({
  generator: generatorShapes(Math.max(1, scales.length), options.channels),
  discriminator: discriminatorShapes(options.channels),
});

/** The tensors that only this recipe has. What is missing or too long shows when the file is read back. */
function tensorsOf(model: ConsinganModel): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  for (const [net, letter] of Object.entries(NETS) as ["generator" | "discriminator", string][]) {
    const shapes = shapesOf(model)[net];
    for (const [name, data] of model[net]) {
      const shape = shapes.get(name);
      const fits = shape && sizeOf(shape) === data.length;
      tensors.set(`${letter}.${name}`, { dtype: "F32", shape: fits ? fileShape(shape) : [data.length], data });
    }
  }
  const { data, ...size } = model.coarsest;
  return tensors.set("coarsest", { dtype: "F32", shape: imageShape(size, model.options), data });
}

/** Throws ModelFileError unless the sizes follow from the finest one and the options. */
function checkSizes(sizes: readonly Size[], options: TrainOptions): void {
  let wanted: readonly Size[] = [];
  try {
    wanted = consinganModels.pyramid(sizes.at(-1)!, options).sizes;
  } catch (error) {
    if (!(error instanceof PyramidError)) throw error;
  }
  const text = (all: readonly Size[]) => all.map(({ width, height }) => `${width}x${height}`).join(" ");
  if (text(wanted) !== text(sizes)) throw damaged(`its sizes ${text(sizes)} do not follow from the options`);
}

/** Convolutions of a stage; each takes a pixel from every side. */
export const STAGE_BLOCKS = 3;

/** The generator's parts, which learn at rates of their own. */
export type Part = "head" | `body.${number}` | "tail";
export const stagePart = (stage: number): Part => `body.${stage}`;

/** Parameters of a part by official name, and their shapes; biases are [1,c] here. */
export function partShapes(part: Part, channels: number): Map<string, Shape> {
  if (part === "head") return convShapes("head.conv", COLOURS, channels);
  if (part === "tail") return convShapes("tail.0", channels, COLOURS);
  const blocks = Array.from({ length: STAGE_BLOCKS }, (_, i) => convShapes(`${part}.block${i}.conv`, channels, channels));
  return new Map(blocks.flatMap((shapes) => [...shapes]));
}

/** The parts of a generator with so many stages, from input to output. */
export const partsOf = (stages: number): Part[] => [
  "head",
  ...Array.from({ length: stages }, (_, stage) => stagePart(stage)),
  "tail",
];

export const generatorShapes = (stages: number, channels: number): Map<string, Shape> =>
  new Map(partsOf(stages).flatMap((part) => [...partShapes(part, channels)]));

export function discriminatorShapes(channels: number): Map<string, Shape> {
  const body = Array.from({ length: STAGE_BLOCKS }, (_, i) => convShapes(`body.block${i}.conv`, channels, channels));
  const ends = [convShapes("head.conv", COLOURS, channels), ...body, convShapes("tail", channels, 1)];
  return new Map(ends.flatMap((shapes) => [...shapes]));
}

function convShapes(name: string, input: number, output: number): Map<string, Shape> {
  return new Map<string, Shape>([
    [`${name}.weight`, [output, input, 3, 3]],
    [`${name}.bias`, [1, output]],
  ]);
}

/** A stage's noise for `samples` pictures: colours at the coarsest; elsewhere features, 3 px wider on every side than the stage's picture. */
export function stageNoiseShape(stage: number, size: Size, channels: number, samples = 1): Shape {
  const halo = 2 * STAGE_BLOCKS;
  return [samples, ...(stage === 0 ? imageShape(size, CONSINGAN).slice(1) : [channels, size.height + halo, size.width + halo])];
}
