// SinGAN's losses as graphs: WGAN-GP with a per-pixel norm (Gulrajani et al. 2017, as the official code has it) and reconstruction.

import { grad } from "../../autodiff/grad.ts";
import { concat } from "../../autodiff/ops/batch.ts";
import { channelSum } from "../../autodiff/ops/channel.ts";
import { fill, mul } from "../../autodiff/ops/elementwise.ts";
import { lerp, penaltyIntegrand, squaredError } from "../../autodiff/ops/fused.ts";
import { sum } from "../../autodiff/ops/reduce.ts";
import type { Tensor } from "../../autodiff/tensor.ts";

type Critic = (x: Tensor) => Tensor;

/** a·real + (1−a)·fake for one a [1] in [0,1). */
export function interpolate(real: Tensor, fake: Tensor, a: Tensor): Tensor {
  return lerp(real, fake, a);
}

/** ± mean of the scores D(x). */
export const criticLoss = (scores: Tensor, sign: 1 | -1): Tensor => sum(scores, sign / scores.size);

/** (−mean D(real), mean D(fake)) as [2,1], from the scores of both [2,1,h,w]: WGAN's two terms. */
export function criticLosses(scores: Tensor): Tensor {
  const weight = 2 / scores.size;
  return mul(channelSum(scores, 2), concat(fill([1, 1], -weight), fill([1, 1], weight)));
}

/**
 * λ · mean over pixels of (ν − 1)², ν = √(Σ over channels of g²), g = ∂ΣD(x)/∂x.  x [1,3,h,w] → [1].
 * The norm is per pixel and the score map is summed, not averaged: patches are the data set. Official code:
 * calc_gradient_penalty, whose author confirms this in its issue 59.
 */
export function gradientPenalty(critic: Critic, x: Tensor, lambda: number): { loss: Tensor; gradient: Tensor } {
  const [gradient] = grad(critic(x), [x]) as [Tensor];
  const excess = penaltyIntegrand(gradient);
  return { loss: sum(excess, lambda / excess.size), gradient };
}

/** α · mean (x − target)², over all values. */
export function reconstructionLoss(x: Tensor, target: Tensor, alpha: number): Tensor {
  return squaredError(x, target, alpha / x.size);
}
