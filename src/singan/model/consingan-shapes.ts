// The names and shapes of ConSinGAN's tensors: a generator of several stages, its discriminator, and the stages' noise.
// Names are those of the official code's state_dict (models.py of tohinz/ConSinGAN).

import type { Shape } from "../../autodiff/tensor.ts";
import { imageShape, type Size } from "./config.ts";
import { COLOURS } from "./shapes.ts";

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
  return [samples, ...(stage === 0 ? imageShape(size).slice(1) : [channels, size.height + halo, size.width + halo])];
}
