// ConSinGAN's two networks: one generator that grows by a stage per scale and hands on features, and SinGAN's critic without norm.
// Hinz, Fisher, Wang, Wermter 2021; official code: models.py of tohinz/ConSinGAN, as it trains for unconditional generation.

import { conv2d } from "../../autodiff/ops/conv.ts";
import { add, tanh } from "../../autodiff/ops/elementwise.ts";
import { conv2dLeaky, noisyPad } from "../../autodiff/ops/fused.ts";
import { margins, pad2d, resize } from "../../autodiff/ops/spatial.ts";
import type { Tensor } from "../../autodiff/tensor.ts";
import { cornerBicubicTaps, float32Taps } from "../../image/resample.ts";
import { type Weights, weight } from "../../nn/layers.ts";
import type { Size } from "../model/config.ts";
import { COLOURS, type Part, STAGE_BLOCKS, stagePart } from "../model/consingan-models.ts";

const LEAKY_SLOPE = 0.05;

const grown = ({ width, height }: Size, by: number): Size => ({ width: width + by, height: height + by });

const layer = (x: Tensor, weights: Weights, name: string): Tensor =>
  conv2dLeaky(x, weight(weights, `${name}.conv.weight`), weight(weights, `${name}.conv.bias`), LEAKY_SLOPE);

/** D(x): x [n,3,h,w] → scores [n,1,h−10,w−10], one per 11x11 patch, unbounded. */
export function discriminator(x: Tensor, weights: Weights): Tensor {
  let features = layer(x, weights, "head");
  for (let i = 0; i < STAGE_BLOCKS; i++) features = layer(features, weights, `body.block${i}`);
  return conv2d(features, weight(weights, "tail.weight"), weight(weights, "tail.bias"));
}

/** Bicubic to a size, corners onto corners. */
function upsample(features: Tensor, to: Size): Tensor {
  const [rows, columns] = [cornerBicubicTaps(features.shape[2]!, to.height), cornerBicubicTaps(features.shape[3]!, to.width)];
  return resize(features, float32Taps(rows), float32Taps(columns));
}

/**
 * G: noise z and its amplitudes amp [1,c] (the first unused), stage by stage → picture [n,3,h,w] of the last size, in (−1,1). F↑ is F at the stage's size, F⇑ 3 px wider on every side:
 *   F = stage₀(pad2(head(pad1 z₀) 2 px larger)),  F ← stage_k(F⇑ + amp_k·z_k) + F↑,  picture = tanh(tail(pad1 F)).
 */
export function generator(z: readonly Tensor[], amps: readonly Tensor[], sizes: readonly Size[], weights: Weights): Tensor {
  const stage = (x: Tensor, k: number): Tensor => {
    let features = x;
    for (let i = 0; i < STAGE_BLOCKS; i++) features = layer(features, weights, `${stagePart(k)}.block${i}`);
    return features;
  };
  const head = layer(pad2d(z[0]!, margins(1)), weights, "head");
  let features = stage(pad2d(upsample(head, grown(sizes[0]!, 2)), margins(STAGE_BLOCKS - 1)), 0);
  for (const [k, size] of sizes.entries()) {
    if (k === 0) continue;
    const wide = noisyPad(z[k]!, amps[k]!, upsample(features, grown(size, 2 * STAGE_BLOCKS)), margins(0));
    features = add(stage(wide, k), upsample(features, size));
  }
  return tanh(conv2d(pad2d(features, margins(1)), weight(weights, "tail.0.weight"), weight(weights, "tail.0.bias")));
}

/** Multiply-adds of one pass of a part whose result is of this size, without those of upsampling. */
export function partMacs(part: Part, { width, height }: Size, channels: number): number {
  if (part === "head" || part === "tail") return 9 * COLOURS * channels * width * height;
  return 9 * channels ** 2 * [0, 2, 4].reduce((sum, more) => sum + (width + more) * (height + more), 0);
}

/** Multiply-adds of one pass of the discriminator over a picture. */
export function discriminatorMacs({ width, height }: Size, channels: number): number {
  const pairs = [COLOURS * channels, ...Array<number>(STAGE_BLOCKS).fill(channels ** 2), channels];
  return pairs.reduce((sum, pair, i) => sum + 9 * pair * (width - 2 * i - 2) * (height - 2 * i - 2), 0);
}
