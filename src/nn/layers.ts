// Layers as functions from tensors to tensors. Weights have the names of the official code's state_dict.

import { moments } from "../autodiff/ops/channel.ts";
import { conv2d } from "../autodiff/ops/conv.ts";
import { conv2dLeaky, normLeaky } from "../autodiff/ops/fused.ts";
import type { Tensor } from "../autodiff/tensor.ts";

/** Tensors of a network by state_dict name. */
export type Weights = ReadonlyMap<string, Tensor>;

/** Called for every normalisation with batch statistics: the layer's prefix, its moments [g,2,c], and how many values each moment averages. */
export type Observe = (layer: string, batch: Tensor, count: number) => void;

const LEAKY_SLOPE = 0.2;

/** Throws if there is no weight of this name. */
export function weight(weights: Weights, name: string): Tensor {
  const found = weights.get(name);
  if (!found) throw new Error(`no weight named ${name}`);
  return found;
}

/**
 * conv 3x3 (valid) → batch norm → LeakyReLU 0.2.  x [n,c,h,w] → [n,o,h−2,w−2]. Every sample is normalised by its own statistics, so a batch
 * equals n passes of one picture each, as in SinGAN (Ioffe & Szegedy 2015 with a batch of one; ε = 1e-5 as in PyTorch).
 * A bias is added if `weights` has one. This program's networks have none, since batch norm subtracts it again.
 */
export function convBlock(x: Tensor, weights: Weights, prefix: string, observe?: Observe): Tensor {
  const u = conv2d(x, weight(weights, `${prefix}.conv.weight`), weights.get(`${prefix}.conv.bias`));
  const [samples, channels] = u.shape as [number, number];
  const m = moments(u, samples);
  observe?.(prefix, m, u.size / (samples * channels));
  return normLeaky(u, m, weight(weights, `${prefix}.norm.weight`), weight(weights, `${prefix}.norm.bias`), LEAKY_SLOPE);
}

/** The same block after training: batch norm with frozen statistics is folded into the convolution's weights and bias. */
export function foldedBlock(x: Tensor, weights: Weights, prefix: string): Tensor {
  return conv2dLeaky(x, weight(weights, `${prefix}.conv.weight`), weight(weights, `${prefix}.conv.bias`), LEAKY_SLOPE);
}
