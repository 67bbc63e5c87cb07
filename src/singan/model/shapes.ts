// The names and shapes of SinGAN's tensors: both networks, their batch statistics, and the noise.
// Names are those of the official code's state_dict (models.py of tamarott/SinGAN).

import type { Shape } from "../../autodiff/tensor.ts";
import { type ImageChannels, imageShape, PADDING, type Size, type TrainOptions } from "./config.ts";

/** The four ConvBlocks, by their official names. */
export const BLOCKS = ["head", "body.block1", "body.block2", "body.block3"] as const;
/** The last convolution's name in each net. */
export const TAIL = { generator: "tail.0", discriminator: "tail" } as const;
export type Net = keyof typeof TAIL;

/** Trainable parameters and their shapes; per-channel ones are [1,c] here. */
export function parameterShapes(net: Net, channels: number, { imageChannels }: ImageChannels): Map<string, Shape> {
  const shapes = new Map<string, Shape>();
  BLOCKS.forEach((block, i) => {
    shapes.set(`${block}.conv.weight`, [channels, i === 0 ? imageChannels : channels, 3, 3]);
    shapes.set(`${block}.norm.weight`, [1, channels]);
    shapes.set(`${block}.norm.bias`, [1, channels]);
  });
  const out = net === "generator" ? imageChannels : 1;
  shapes.set(`${TAIL[net]}.weight`, [out, channels, 3, 3]);
  shapes.set(`${TAIL[net]}.bias`, [1, out]);
  return shapes;
}

/** Running statistics [mean; variance] per ConvBlock. */
export function statisticsShapes(channels: number): Map<string, Shape> {
  return new Map(BLOCKS.map((block) => [block, [1, 2, channels]]));
}

/** The parameters of a generator whose batch norm is folded into its convolutions. */
export function foldedShapes(channels: number, image: ImageChannels): Map<string, Shape> {
  const shapes = new Map<string, Shape>();
  for (const [name, shape] of parameterShapes("generator", channels, image)) {
    if (name.includes(".norm.")) continue;
    shapes.set(name, shape);
    if (name.endsWith(".conv.weight")) shapes.set(name.replace("weight", "bias"), [1, channels]);
  }
  return shapes;
}

/** One channel of a picture of this size. */
export const greyShape = ({ width, height }: Size): Shape => [1, 1, height, width];

/** The size of a scale's noise: that of its picture, or with noise padding that of the generator's input. */
export function noiseSize({ width, height }: Size, { noisePadding }: Pick<TrainOptions, "noisePadding">): Size {
  const more = noisePadding ? 2 * PADDING : 0;
  return { width: width + more, height: height + more };
}

/** z* has one channel for all of the picture's. */
export const zStarShape = (coarsest: Size, options: Pick<TrainOptions, "noisePadding">): Shape =>
  greyShape(noiseSize(coarsest, options));

/** The shape of a scale's noise for all channels of the picture. */
export const noiseShape = (size: Size, options: Pick<TrainOptions, "noisePadding"> & ImageChannels): Shape =>
  imageShape(noiseSize(size, options), options);
