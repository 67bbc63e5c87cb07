// Layers as functions from tensors to tensors. Weights are found by their official state_dict names.

import { channelAffine, moments, NORM_EPS, normalize } from "../autodiff/ops/channel.ts";
import { conv2d } from "../autodiff/ops/conv.ts";
import { addScalar, leakyRelu, mul, ones, reciprocal, scale, sqrt } from "../autodiff/ops/elementwise.ts";
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
 * Batch normalisation with batch statistics: y = γ[c]·(x−μ[c])/√(σ²[c]+ε) + β[c], σ² biased.  x [n,c,h,w], γ and β [1,c].
 * `groups` = n gives each sample its own statistics.  Ioffe & Szegedy 2015; ε = 1e-5 as PyTorch.
 */
export function batchNorm(x: Tensor, gamma: Tensor, beta: Tensor, groups = 1): { y: Tensor; moments: Tensor } {
  const m = moments(x, groups);
  return { y: channelAffine(normalize(x, m), gamma, beta), moments: m };
}

/** Batch normalisation with given statistics, mean and variance [1,c]: y = γ·(x−mean)/√(variance+ε) + β. */
export function batchNormEval(x: Tensor, gamma: Tensor, beta: Tensor, mean: Tensor, variance: Tensor): Tensor {
  const centred = channelAffine(x, ones(mean.shape), scale(mean, -1)); // first, lest a large mean cancels digits
  return channelAffine(centred, mul(gamma, reciprocal(sqrt(addScalar(variance, NORM_EPS)))), beta);
}

/**
 * conv 3x3 (valid) → batch norm (train mode) → LeakyReLU 0.2.  x [n,c,h,w] → [n,o,h−2,w−2].
 * A conv bias is used only where `weights` has one: batch norm takes it out again, so our own nets have none.
 */
export function convBlock(x: Tensor, weights: Weights, prefix: string, observe?: Observe): Tensor {
  const u = conv2d(x, weight(weights, `${prefix}.conv.weight`), weights.get(`${prefix}.conv.bias`));
  const { y, moments: m } = batchNorm(u, weight(weights, `${prefix}.norm.weight`), weight(weights, `${prefix}.norm.bias`));
  observe?.(prefix, m, u.size / u.shape[1]!);
  return leakyRelu(y, LEAKY_SLOPE);
}

/** The same block with frozen statistics folded into the convolution's weights and bias. */
export function foldedBlock(x: Tensor, weights: Weights, prefix: string): Tensor {
  return leakyRelu(conv2d(x, weight(weights, `${prefix}.conv.weight`), weight(weights, `${prefix}.conv.bias`)), LEAKY_SLOPE);
}
