// Finished scales on the GPU, and the chain through them: y_k = G_k(amp_k·z_k + y_{k−1}↑, y_{k−1}↑). Official code: draw_concat.

import { zeros } from "../autodiff/ops/elementwise.ts";
import { clampedResize, noisyPad } from "../autodiff/ops/fused.ts";
import { axisBroadcast } from "../autodiff/ops/reduce.ts";
import { margins, pad2d } from "../autodiff/ops/spatial.ts";
import { leaf, type Shape, type Tensor } from "../autodiff/tensor.ts";
import type { Gpu, Slice } from "../gpu/device.ts";
import { bicubicTaps, bilinearTaps, float32Taps } from "../image/resample.ts";
import { FlatBuffer, Leaves } from "../runtime/params.ts";
import { imageShape, PADDING, type Size, type TrainOptions } from "./config.ts";
import type { ScaleModel } from "./model.ts";
import { foldedShapes, foldGenerator, frozenGenerator } from "./networks.ts";
import type { NoiseSource } from "./noise.ts";

/** A picture of one scale brought to the next. */
export type Upsample = (picture: Tensor, from: Size, to: Size) => Tensor;

/**
 * Upsampling by 1/scaleFactor on the grid of the official imresize, cropped to the next size, without its 8 bits (docs/adr/0002).
 * The picture is clamped to [-1,1] before and after, as there.
 */
export function upsampler(kind: TrainOptions["upsample"], scaleFactor: number): Upsample {
  const taps = (inSize: number, outSize: number) =>
    float32Taps(
      kind === "bicubic"
        ? bicubicTaps(inSize, 1 / scaleFactor, { border: "mirror", outSize })
        : bilinearTaps(inSize, outSize, { scale: 1 / scaleFactor }),
    );
  return (picture, from, to) => clampedResize(picture, taps(from.height, to.height), taps(from.width, to.width), -1, 1);
}

/** The noise of a scale for so many pictures: one channel for all colours at the coarsest, three elsewhere. */
export function drawNoise(noise: NoiseSource, name: string, scale: number, size: Size, samples = 1): Tensor {
  const draw = (shape: Shape) => noise.normal(name, [samples, ...shape.slice(1)]);
  return scale === 0 ? grey(draw(greyShape(size))) : draw(imageShape(size));
}
export const greyShape = ({ width, height }: Size): Shape => [1, 1, height, width];
export const grey = (z: Tensor): Tensor => axisBroadcast(z, 1, 3);

/** amp·z + previous, zero-padded for the generator; z = null is no noise. */
export function generatorInput(z: Tensor | null, amp: Tensor, previous: Tensor): Tensor {
  return z ? noisyPad(z, amp, previous, margins(PADDING)) : pad2d(previous, margins(PADDING));
}

/** Noise amplitudes are [1,3] tensors, so that a program does not depend on their value. */
export const AMP_SHAPE: Shape = [1, 3];
export const ampValues = (noiseAmp: number): Float32Array => new Float32Array(3).fill(noiseAmp);

/** A trained generator with its statistics folded in. */
export class FrozenScale {
  readonly amp = leaf("noiseAmp", AMP_SHAPE);
  readonly size: Size;
  readonly #weights: Leaves;
  readonly #amp: Slice;

  constructor(
    private readonly gpu: Gpu,
    { size, channels, noiseAmp, generator }: Pick<ScaleModel, "size" | "channels" | "noiseAmp" | "generator">,
  ) {
    this.size = size;
    this.#weights = new Leaves(new FlatBuffer(gpu, foldedShapes(channels), "frozen generator"));
    this.#weights.storage.write(foldGenerator(generator));
    this.#amp = gpu.upload(ampValues(noiseAmp), "noise amplitude");
  }

  get bindings(): (readonly [Tensor, Slice])[] {
    return [...this.#weights.bindings, [this.amp, this.#amp]];
  }

  /** G(amp·z + previous, previous). */
  apply(z: Tensor | null, previous: Tensor): Tensor {
    return frozenGenerator(generatorInput(z, this.amp, previous), previous, this.#weights.tensors);
  }

  dispose(): void {
    this.#weights.dispose();
    this.gpu.free(this.#amp);
  }
}

/** The picture (or `samples` of them) of the last of `scales`; `noise(k)` is z_k, null for none. Starts from mid-grey. */
export function chain(
  scales: readonly FrozenScale[],
  noise: (scale: number, size: Size) => Tensor | null,
  upsample: Upsample,
  samples = 1,
): Tensor {
  let picture = zeros([samples, ...imageShape(scales[0]!.size).slice(1)]);
  scales.forEach((scale, k) => {
    if (k > 0) picture = upsample(picture, scales[k - 1]!.size, scale.size);
    picture = scale.apply(noise(k, scale.size), picture);
  });
  return picture;
}
