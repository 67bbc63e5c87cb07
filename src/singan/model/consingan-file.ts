// ConSinGAN's tensors in a model file: both nets by official names, and the coarsest picture. What all recipes share is in ../model-file.ts.

import { type Shape, sizeOf } from "../../autodiff/tensor.ts";
import { discriminatorShapes, generatorShapes } from "../networks/consingan-network.ts";
import { imageShape } from "./config.ts";
import type { ConsinganModel, StateDict } from "./model.ts";
import type { Take } from "./model-file.ts";
import type { StoredTensor } from "./safetensors.ts";

const NETS = { generator: "G", discriminator: "D" } as const;

/** Biases are [c] in PyTorch. */
const fileShape = (shape: Shape): Shape => (shape.length === 2 ? shape.slice(1) : shape);

const shapesOf = ({ scales, options }: Pick<ConsinganModel, "scales" | "options">) => ({
  generator: generatorShapes(scales.length, options.channels),
  discriminator: discriminatorShapes(options.channels),
});

/** The tensors that only this recipe has. What is missing or too long shows when the file is read back. */
export function consinganTensors(model: ConsinganModel): Map<string, StoredTensor> {
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
  return tensors.set("coarsest", { dtype: "F32", shape: imageShape(size), data });
}

/** The model, its tensors taken out of the file. Throws what `take` throws. */
export function readConsingan(known: Pick<ConsinganModel, "options" | "sizes" | "scales" | "photo">, take: Take): ConsinganModel {
  const state = (net: keyof typeof NETS): StateDict =>
    new Map([...shapesOf(known)[net]].map(([name, shape]) => [name, take(`${NETS[net]}.${name}`, fileShape(shape))]));
  const size = known.sizes[0]!;
  const coarsest = { ...size, data: take("coarsest", imageShape(size)) };
  return { ...known, generator: state("generator"), discriminator: state("discriminator"), coarsest };
}
