// Layers as functions from tensors to tensors. Weights are found by their official state_dict names.

import { moments } from "../autodiff/ops/channel.ts";
import { conv2d } from "../autodiff/ops/conv.ts";
import { conv2dLeaky, normLeaky } from "../autodiff/ops/fused.ts";
import type { Tensor } from "../autodiff/tensor.ts";

/** Leaves of a net by state_dict name. */
export type Weights = ReadonlyMap<string, Tensor>;

/** Told of every train-mode normalisation: the layer's prefix, its [g,2,c] moments and how many values each averages. */
export type Observe = (layer: string, batch: Tensor, count: number) => void;

const LEAKY_SLOPE = 0.2;

export function weight(weights: Weights, name: string): Tensor {
  const found = weights.get(name);
  if (!found) throw new Error(`no weight named ${name}`);
  return found;
}

/**
 * conv 3x3 (valid) → batch norm → LeakyReLU 0.2.  x [n,c,h,w] → [n,o,h−2,w−2]. Every sample is normalised by its own statistics: a batch
 * is n passes of one picture each, as SinGAN trains (Ioffe & Szegedy 2015 with a batch of one; ε = 1e-5 as PyTorch).
 * A conv bias is used only where `weights` has one: batch norm takes it out again, so our own nets have none.
 */
export function convBlock(x: Tensor, weights: Weights, prefix: string, observe?: Observe): Tensor {
  const u = conv2d(x, weight(weights, `${prefix}.conv.weight`), weights.get(`${prefix}.conv.bias`));
  const [samples, channels] = u.shape as [number, number];
  const m = moments(u, samples);
  observe?.(prefix, m, u.size / (samples * channels));
  return normLeaky(u, m, weight(weights, `${prefix}.norm.weight`), weight(weights, `${prefix}.norm.bias`), LEAKY_SLOPE);
}

/** The same block with frozen statistics folded into the convolution's weights and bias. */
export function foldedBlock(x: Tensor, weights: Weights, prefix: string): Tensor {
  return conv2dLeaky(x, weight(weights, `${prefix}.conv.weight`), weight(weights, `${prefix}.conv.bias`), LEAKY_SLOPE);
}
