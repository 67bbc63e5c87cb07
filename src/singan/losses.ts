// SinGAN's losses as graphs: WGAN-GP with a per-pixel norm (Gulrajani et al. 2017, as the official code has it) and reconstruction.

import { grad } from "../autodiff/grad.ts";
import { add, addScalar, affine, mul, scale, sqrt, sub } from "../autodiff/ops/elementwise.ts";
import { axisSum, broadcast, mean } from "../autodiff/ops/reduce.ts";
import type { Tensor } from "../autodiff/tensor.ts";

type Critic = (x: Tensor) => Tensor;

/** a·real + (1−a)·fake for one a [1] in [0,1). */
export function interpolate(real: Tensor, fake: Tensor, a: Tensor): Tensor {
  return add(mul(broadcast(a, real.shape), real), mul(broadcast(affine(a, -1, 1), fake.shape), fake));
}

/**
 * λ · mean over pixels of (ν − 1)², ν = √(Σ over channels of g²), g = ∂ΣD(x)/∂x.  x [1,3,h,w] → [1].
 * The norm is per pixel and the score map is summed, not averaged: patches are the data set. Official code:
 * calc_gradient_penalty, whose author confirms this in its issue 59.
 */
export function gradientPenalty(critic: Critic, x: Tensor, lambda: number): { loss: Tensor; gradient: Tensor } {
  const [gradient] = grad(critic(x), [x]) as [Tensor];
  const excess = addScalar(sqrt(axisSum(mul(gradient, gradient), 1)), -1);
  return { loss: scale(mean(mul(excess, excess)), lambda), gradient };
}

/** α · mean (x − target)², over all values. */
export function reconstructionLoss(x: Tensor, target: Tensor, alpha: number): Tensor {
  const difference = sub(x, target);
  return scale(mean(mul(difference, difference)), alpha);
}
