// The graphs of one ConSinGAN stage: generator passes, the critic's step and the generator's gradient.
// Official code: train_single_scale of training_generation.py. This is mathematics on tensors; stage-trainer.ts compiles and runs it.

import { grad, savedTensors } from "../../../autodiff/grad.ts";
import { concat, take } from "../../../autodiff/ops/batch.ts";
import { add } from "../../../autodiff/ops/elementwise.ts";
import { leaf, type Tensor } from "../../../autodiff/tensor.ts";
import type { Weights } from "../../../nn/layers.ts";
import type { Size, TrainOptions } from "../../model/config.ts";
import { stageNoiseShape } from "../../model/consingan-models.ts";
import { discriminator, generator } from "../../networks/consingan-network.ts";
import { criticLoss, criticLosses, gradientPenalty, interpolate, reconstructionLoss } from "../../networks/losses.ts";

export interface StageContext {
  /** Of all stages up to the one in training. */
  readonly sizes: readonly Size[];
  readonly options: TrainOptions;
  readonly g: Weights;
  readonly d: Weights;
  /** The generator's weights that learn. */
  readonly trained: readonly Tensor[];
  /** The photo at the stage's size. */
  readonly real: Tensor;
}

/** The inputs of the generator that do not change from pass to pass. */
export class StageLeaves {
  /** Amplitudes of the stages' noises, [1,c]. */
  readonly amps: readonly Tensor[];
  /** What the reconstruction is made from: the coarsest real picture, then noise drawn once. */
  readonly fixed: readonly Tensor[];

  constructor(sizes: readonly Size[], channels: number) {
    this.amps = sizes.map((_, k) => leaf(`amp.${k}`, [1, channels]));
    this.fixed = sizes.map((size, k) => leaf(k === 0 ? "coarsest" : `fixed.${k}`, stageNoiseShape(k, size, channels)));
  }
}

/** A random picture and the reconstruction as one batch [2,3,h,w]: both learn from the same weights, so one pass makes them. */
export function picturePair({ sizes, g }: StageContext, { amps, fixed }: StageLeaves, noise: readonly Tensor[]): Tensor {
  const inputs = noise.map((z, k) => concat(z, fixed[k]!));
  return generator(inputs, amps, sizes, g);
}
const fakeOf = (pair: Tensor): Tensor => take(pair, 0);
const reconstructionOf = (pair: Tensor): Tensor => take(pair, 1);

/** −mean D(real) + mean D(fake) + penalty, and its gradient in the order of D's weights. alpha [1] is the weight of the real picture at the penalty's point. */
export function criticStep({ d, options, real }: StageContext, pair: Tensor, alpha: Tensor) {
  const weights = [...d.values()];
  const critic = (x: Tensor): Tensor => discriminator(x, d);
  const fake = fakeOf(pair);
  const losses = criticLosses(critic(concat(real, fake)));
  const { loss: penalty } = gradientPenalty(critic, interpolate(real, fake, alpha), options.lambdaGp);
  const byPenalty = grad(penalty, weights);
  const gradients = grad(losses, weights).map((g, i) => add(g, byPenalty[i]!));
  return { losses: { critic: losses, gradientPenalty: penalty }, gradients };
}

/** −mean D(fake) + α·mean (reconstruction − real)², and its gradient in the order of `trained`. */
export function generatorStep({ d, options, trained, real }: StageContext, pair: Tensor) {
  const [fake, reconstruction] = [fakeOf(pair), reconstructionOf(pair)];
  const gAdversarial = criticLoss(discriminator(fake, d), -1);
  const loss = reconstructionLoss(reconstruction, real, options.alphaRec);
  const byPair = concat(grad(gAdversarial, [fake])[0]!, grad(loss, [reconstruction])[0]!);
  const gradients = grad(pair, trained, byPair);
  return { losses: { gAdversarial, reconstruction: loss }, gradients, saved: savedTensors(gradients, pair) };
}
