// SinGAN's two networks: five 3x3 convolutions each, receptive field 11x11. Official code: models.py.

import { NORM_EPS } from "../../autodiff/ops/channel.ts";
import { conv2d } from "../../autodiff/ops/conv.ts";
import { tanhAdd } from "../../autodiff/ops/fused.ts";
import type { Tensor } from "../../autodiff/tensor.ts";
import { convBlock, foldedBlock, type Observe, type Weights, weight } from "../../nn/layers.ts";
import type { ImageChannels, Size } from "../model/config.ts";
import type { StateDict } from "../model/model.ts";
import { BLOCKS, type Net, TAIL } from "../model/shapes.ts";

/** D(x): x [n,c,h,w] → scores [n,1,h−10,w−10], one per 11x11 patch, unbounded. */
export function discriminator(x: Tensor, weights: Weights, observe?: Observe): Tensor {
  const features = BLOCKS.reduce((t, block) => convBlock(t, weights, block, observe), x);
  return conv2d(features, weight(weights, `${TAIL.discriminator}.weight`), weight(weights, `${TAIL.discriminator}.bias`));
}

/** G(z, y) = tanh(ψ(z)) + y: z [n,c,h+10,w+10] is the padded sum of noise and previous picture, y [n,c,h,w] that picture itself. */
export function generator(z: Tensor, previous: Tensor, weights: Weights, observe?: Observe): Tensor {
  const features = BLOCKS.reduce((t, block) => convBlock(t, weights, block, observe), z);
  return residual(features, previous, weights);
}

/** The generator with frozen statistics, folded into its convolutions by `foldGenerator`. */
export function frozenGenerator(z: Tensor, previous: Tensor, folded: Weights): Tensor {
  const features = BLOCKS.reduce((t, block) => foldedBlock(t, folded, block), z);
  return residual(features, previous, folded);
}

function residual(features: Tensor, previous: Tensor, weights: Weights): Tensor {
  const { generator: tail } = TAIL;
  return tanhAdd(conv2d(features, weight(weights, `${tail}.weight`), weight(weights, `${tail}.bias`)), previous);
}

/**
 * Folds eval-mode batch norm into the convolution before it: w' = w·γ/√(var+ε), b' = (b − mean)·γ/√(var+ε) + β. In f64.
 * Throws where a tensor is missing.
 */
export function foldGenerator(state: StateDict): Map<string, Float32Array> {
  const get = (name: string): Float32Array => {
    const values = state.get(name);
    if (!values) throw new Error(`generator has no ${name}`);
    return values;
  };
  const folded = new Map<string, Float32Array>();
  for (const block of BLOCKS) {
    const [gamma, beta, mean, variance] = ["weight", "bias", "running_mean", "running_var"].map((k) =>
      get(`${block}.norm.${k}`),
    ) as Float32Array[];
    const weights = get(`${block}.conv.weight`);
    const bias = state.get(`${block}.conv.bias`);
    const factor = Float64Array.from(gamma!, (g, c) => g / Math.sqrt(variance![c]! + NORM_EPS));
    const perChannel = weights.length / factor.length;
    folded.set(
      `${block}.conv.weight`,
      weights.map((w, i) => w * factor[Math.floor(i / perChannel)]!),
    );
    folded.set(
      `${block}.conv.bias`,
      beta!.map((b, c) => ((bias?.[c] ?? 0) - mean![c]!) * factor[c]! + b),
    );
  }
  for (const name of [`${TAIL.generator}.weight`, `${TAIL.generator}.bias`]) folded.set(name, get(name));
  return folded;
}

/** Multiply-adds of one pass of a net whose output is w x h: what the forecast of a training goes by. */
export function macsPerPass(net: Net, channels: number, { width, height }: Size, { imageChannels }: ImageChannels): number {
  const shrink = net === "generator" ? [8, 6, 4, 2, 0] : [-2, -4, -6, -8, -10];
  const pairs = [imageChannels * channels, ...Array(3).fill(channels ** 2), channels * (net === "generator" ? imageChannels : 1)];
  return pairs.reduce((sum, pair, i) => sum + 9 * pair * (width + shrink[i]!) * (height + shrink[i]!), 0);
}
