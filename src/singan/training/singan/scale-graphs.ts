// The graphs of one scale's training: the discriminator's step, the generator's step and the pictures.
// Official code: train_single_scale. This is mathematics on tensors; scale-trainer.ts compiles and runs it.

import { grad, savedTensors } from "../../../autodiff/grad.ts";
import { concat, take } from "../../../autodiff/ops/batch.ts";
import { add, zeros } from "../../../autodiff/ops/elementwise.ts";
import { quantize } from "../../../autodiff/ops/quantize.ts";
import { margins, pad2d } from "../../../autodiff/ops/spatial.ts";
import { leaf, type Tensor } from "../../../autodiff/tensor.ts";
import type { Observe, Weights } from "../../../nn/layers.ts";
import { imageShape, PADDING, type Size, type TrainOptions } from "../../model/config.ts";
import { greyShape, noiseSize } from "../../model/shapes.ts";
import { chain, type FrozenScale, generatorInput, type Upsample } from "../../networks/frozen-scale.ts";
import { criticLoss, criticLosses, gradientPenalty, interpolate, reconstructionLoss } from "../../networks/losses.ts";
import { discriminator, generator } from "../../networks/networks.ts";
import { ampShape, drawNoise, grey, type NoiseSource } from "../../networks/noise.ts";

export interface ScaleContext {
  readonly scale: number;
  readonly size: Size;
  readonly options: TrainOptions;
  readonly frozen: readonly FrozenScale[];
  readonly upsample: Upsample;
  readonly g: Weights;
  readonly d: Weights;
  /** Colours [k,3] that the frozen chain's pictures are reduced to before G sees them; only where a scale is trained again for a painting (retrainBy). */
  readonly palette?: Tensor | undefined;
}

/** Leaves that every graph of the scale shares. */
export class ScaleLeaves {
  readonly real: Tensor;
  /** z* of the coarsest scale; at finer ones z* is 0. */
  readonly zStar: Tensor;
  /** The input of G in the reconstruction pass: the same in every step (of an iteration, where z* is redrawn). */
  readonly zInput: Tensor;
  /** The frozen chain's reconstruction, upsampled: the previous picture of the reconstruction pass. */
  readonly zPrev: Tensor;
  readonly amp: Tensor;
  /** This iteration's noise and, where z* is redrawn, its z*: made once per iteration. */
  readonly noise: Tensor;
  /** The fake of a D step, and of the G steps after the last. */
  readonly fake: Tensor;

  constructor(size: Size, options: Pick<TrainOptions, "noisePadding" | "imageChannels">) {
    const ofNoise = noiseSize(size, options);
    const picture = imageShape(size, options);
    this.amp = leaf("noiseAmp", ampShape(options));
    this.real = leaf("real", picture);
    this.zStar = leaf("zStar", greyShape(ofNoise));
    this.zPrev = leaf("zPrev", picture);
    this.zInput = leaf("zInput", imageShape({ width: size.width + 2 * PADDING, height: size.height + 2 * PADDING }, options));
    this.noise = leaf("noise", imageShape(ofNoise, options));
    this.fake = leaf("fake", picture);
  }
}

/** A pass through the generator in train mode. */
export function generatorPass(c: ScaleContext, leaves: ScaleLeaves, z: Tensor, previous: Tensor, observe?: Observe) {
  const input = generatorInput(z, leaves.amp, previous);
  return { previous, input, fake: generator(input, previous, c.g, observe) };
}

export type GeneratorPass = ReturnType<typeof generatorPass>;

/** A batch of random passes: previous pictures from the frozen chain, then G. They share the noise z, as in the official D loop. */
export function randomPasses(
  c: ScaleContext,
  leaves: ScaleLeaves,
  z: Tensor,
  source: NoiseSource,
  { samples = 1, observe }: { readonly samples?: number; readonly observe?: Observe | undefined } = {},
): GeneratorPass {
  const noise = (k: number, size: Size) =>
    drawNoise(source, `chain.${k}`, { scale: k, size: noiseSize(size, c.options), image: c.options, samples });
  const chained =
    c.scale === 0
      ? zeros(imageShape(c.size, c.options))
      : c.upsample(chain(c.frozen, noise, c.upsample, samples), c.frozen.at(-1)!.size, c.size);
  return generatorPass(c, leaves, z, c.palette ? quantize(chained, c.palette) : chained, observe);
}

/** The input of the reconstruction pass, for `leaves.zInput`: at the coarsest scale z*, which has the padded size with noise padding. */
export function reconstructionInput(c: ScaleContext, leaves: ScaleLeaves, zStar: Tensor): Tensor {
  if (c.scale > 0) return generatorInput(null, leaves.amp, leaves.zPrev);
  const z = grey(zStar, c.options);
  return c.options.noisePadding ? z : pad2d(z, margins(PADDING));
}

/** The reconstruction pass: z* and the chain's reconstruction through G in train mode. */
export function reconstructionPass(c: ScaleContext, leaves: ScaleLeaves, observe?: Observe): Tensor {
  return generator(leaves.zInput, rebuiltFrom(c, leaves), c.g, observe);
}

const rebuiltFrom = (c: ScaleContext, leaves: ScaleLeaves): Tensor =>
  c.scale > 0 ? leaves.zPrev : zeros(imageShape(c.size, c.options));

/**
 * −D(real) + D(fake) + GP and its gradient in the order of the weights, sums of at most four terms. It is computed one term after the other, so that few activations live at once; or batched, with real and fake
 * in one pass, which takes fewer dispatches. alpha [1] is the weight of the real picture at the point where the penalty is taken.
 */
export function criticStep(
  d: Weights,
  { real, fake, alpha }: { readonly real: Tensor; readonly fake: Tensor; readonly alpha: Tensor },
  { lambda, batched, observe }: { readonly lambda: number; readonly batched: boolean; readonly observe?: Observe | undefined },
) {
  const weights = [...d.values()];
  const critic = (x: Tensor) => discriminator(x, d, observe);
  const plus = (a: readonly Tensor[], b: readonly Tensor[]) => a.map((g, i) => add(g, b[i]!));
  let losses: Tensor;
  let byPictures: readonly Tensor[];
  if (batched) {
    losses = criticLosses(critic(concat(real, fake)));
    byPictures = grad(losses, weights);
  } else {
    const onReal = criticLoss(critic(real), -1);
    const byReal = grad(onReal, weights);
    const onFake = criticLoss(critic(fake), 1);
    losses = concat(onReal, onFake);
    byPictures = plus(byReal, grad(onFake, weights));
  }
  const { loss: penalty } = gradientPenalty(critic, interpolate(real, fake, alpha), lambda);
  return { losses: { critic: losses, gradientPenalty: penalty }, gradients: plus(byPictures, grad(penalty, weights)) };
}

/** −mean D(fake) and its gradient ∂loss/∂fake. D does not change in the G loop, so one pass per iteration serves all its steps. */
export function adversarialGraph(c: ScaleContext, fake: Tensor, observe?: Observe) {
  const loss = adversarialLoss(c, fake, observe);
  return { loss, byFake: grad(loss, [fake])[0]! };
}

function adversarialLoss(c: ScaleContext, fake: Tensor, observe?: Observe): Tensor {
  return criticLoss(discriminator(fake, c.d, observe), -1);
}

/** α of a scale. Where z* is redrawn, the coarsest scale has only a share of it. */
const reconstructionWeight = ({ scale, options: { alphaRec, alphaShare, zStar } }: ScaleContext): number =>
  scale === 0 && zStar === "redrawn" ? alphaShare * alphaRec : alphaRec;

export interface GeneratorGraph {
  readonly losses: { readonly reconstruction: Tensor; readonly gAdversarial?: Tensor };
  readonly gradients: readonly Tensor[];
  /** Values of the D step's generator pass that this graph backpropagates through. */
  readonly saved: readonly Tensor[];
}

/** The G step that replays the D loop's last pass: old activations and statistics, live weights, as in the official code's kept graph. */
export function replayedGeneratorGraph(
  c: ScaleContext,
  leaves: ScaleLeaves,
  fake: Tensor,
  byFake: Tensor,
  observe?: Observe,
): GeneratorGraph {
  const weights = [...c.g.values()];
  const adversarial = grad(fake, weights, byFake);
  const saved = savedTensors(adversarial, fake);
  const loss = reconstructionLoss(reconstructionPass(c, leaves, observe), leaves.real, reconstructionWeight(c));
  const byReconstruction = grad(loss, weights);
  return { losses: { reconstruction: loss }, gradients: adversarial.map((g, i) => add(g, byReconstruction[i]!)), saved };
}

/** The values of a pass that the G step needs, in the order of `saved`. */
export function replayedTensors(c: ScaleContext, pass: GeneratorPass, gStep: TrainOptions["gStep"]): readonly Tensor[] {
  if (gStep === "regenerate") return [pass.previous, pass.input];
  return savedTensors(grad(pass.fake, [...c.g.values()], leaf("byFake", pass.fake.shape)), pass.fake);
}

/**
 * The G step with a new fake from the same noise and previous picture. Batched, fake and reconstruction are one batch with statistics per
 * picture: one backward pass through G in place of two, in fewer dispatches.
 */
export function regeneratedGeneratorGraph(
  c: ScaleContext,
  leaves: ScaleLeaves,
  { previous, input }: GeneratorPass,
  { batched, observe }: { readonly batched: boolean; readonly observe: { readonly g?: Observe; readonly d?: Observe } },
): GeneratorGraph {
  const weights = [...c.g.values()];
  const saved = [previous, input];
  const adversarialOf = (fake: Tensor) => adversarialLoss(c, fake, observe.d);
  const reconstructionOf = (rebuilt: Tensor) => reconstructionLoss(rebuilt, leaves.real, reconstructionWeight(c));
  if (batched) {
    const pictures = generator(concat(input, leaves.zInput), concat(previous, rebuiltFrom(c, leaves)), c.g, observe.g);
    const [fake, rebuilt] = [take(pictures, 0), take(pictures, 1)];
    const losses = { gAdversarial: adversarialOf(fake), reconstruction: reconstructionOf(rebuilt) };
    const byPictures = concat(grad(losses.gAdversarial, [fake])[0]!, grad(losses.reconstruction, [rebuilt])[0]!);
    return { losses, gradients: grad(pictures, weights, byPictures), saved };
  }
  // One term after the other: the activations of the first are gone before the second's are made.
  const gAdversarial = adversarialOf(generator(input, previous, c.g, observe.g));
  const adversarial = grad(gAdversarial, weights);
  const reconstruction = reconstructionOf(reconstructionPass(c, leaves, observe.g));
  const byReconstruction = grad(reconstruction, weights);
  const losses = { gAdversarial, reconstruction };
  return { losses, gradients: adversarial.map((g, i) => add(g, byReconstruction[i]!)), saved };
}
