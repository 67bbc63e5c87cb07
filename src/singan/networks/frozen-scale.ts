// Finished scales on the GPU, and the chain through them: y_k = G_k(amp_k·z_k + y_{k−1}↑, y_{k−1}↑). Official code: draw_concat.

import { channelScale } from "../../autodiff/ops/channel.ts";
import { add, zeros } from "../../autodiff/ops/elementwise.ts";
import { clampedResize, noisyPad } from "../../autodiff/ops/fused.ts";
import { axisBroadcast } from "../../autodiff/ops/reduce.ts";
import { crop2d, type Margins, margins, pad2d } from "../../autodiff/ops/spatial.ts";
import { leaf, type Tensor } from "../../autodiff/tensor.ts";
import type { Gpu, Slice } from "../../gpu/device.ts";
import { float32Taps } from "../../image/resample.ts";
import { FlatBuffer, Leaves } from "../../runtime/flat-buffer.ts";
import { type ImageChannels, imageShape, PADDING, type Size, type TrainOptions } from "../model/config.ts";
import type { ScaleModel } from "../model/model.ts";
import { enlargement } from "../model/pyramid.ts";
import { foldedShapes } from "../model/shapes.ts";
import { foldGenerator, frozenGenerator } from "./networks.ts";
import { ampShape, ampValues } from "./noise.ts";

/** A picture of one scale brought to the next. */
export type Upsample = (picture: Tensor, from: Size, to: Size) => Tensor;

/** Upsampling by 1/scaleFactor to the next size, clamped to [-1,1] before and after as in the official code (see `enlargement`). */
export function upsampler(kind: TrainOptions["upsample"], scaleFactor: number): Upsample {
  const taps = (inSize: number, outSize: number) => float32Taps(enlargement(kind, scaleFactor, inSize, outSize));
  return (picture, from, to) => clampedResize(picture, taps(from.height, to.height), taps(from.width, to.width), -1, 1);
}

/** The generator's input: amp·z + previous, zero-padded; noise of the padded size is added without padding. z = null means no noise. */
export function generatorInput(z: Tensor | null, amp: Tensor, previous: Tensor, m: Margins = margins(PADDING)): Tensor {
  if (!z) return pad2d(previous, m);
  if (z.shape.at(-1) === previous.shape.at(-1) && z.shape.at(-2) === previous.shape.at(-2)) return noisyPad(z, amp, previous, m);
  const samples = previous.shape[0]!;
  const spread = z.shape[0] === samples ? z : axisBroadcast(z, 0, samples);
  return add(channelScale(spread, amp), pad2d(previous, m));
}

/** Whose batch statistics normalise a picture. */
export type Statistics = "random" | "reconstruction";

/** A trained generator with its statistics folded in. */
export class FrozenScale {
  readonly amp: Tensor;
  readonly size: Size;
  readonly #weights: Leaves;
  readonly #amp: Slice;

  constructor(
    private readonly gpu: Gpu,
    scale: Pick<ScaleModel, "size" | "channels" | "noiseAmp" | "generator" | "reconstruction">,
    readonly image: ImageChannels,
    statistics: Statistics = "random",
  ) {
    const { size, channels, noiseAmp } = scale;
    this.size = size;
    this.amp = leaf("noiseAmp", ampShape(image));
    this.#weights = new Leaves(new FlatBuffer(gpu, foldedShapes(channels, image), "frozen generator"));
    const own = statistics === "reconstruction" ? (scale.reconstruction ?? []) : [];
    this.#weights.storage.write(foldGenerator(new Map([...scale.generator, ...own])));
    this.#amp = gpu.upload(ampValues(noiseAmp, image), "noise amplitude");
  }

  get bindings(): (readonly [Tensor, Slice])[] {
    return [...this.#weights.bindings, [this.amp, this.#amp]];
  }

  /**
   * G(amp·z + previous, previous). For a tile of a picture: `outside` are its margins outside the picture. `halo` are the margins that
   * `previous` has in addition to the tile, for the convolutions.
   */
  apply(z: Tensor | null, previous: Tensor, outside: Margins = margins(PADDING), halo: Margins = margins(0)): Tensor {
    const inner = Object.values(halo).some((m) => m > 0) ? crop2d(previous, halo) : previous;
    return frozenGenerator(generatorInput(z, this.amp, previous, outside), inner, this.#weights.tensors);
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
  let picture = zeros([samples, ...imageShape(scales[0]!.size, scales[0]!.image).slice(1)]);
  scales.forEach((scale, k) => {
    if (k > 0) picture = upsample(picture, scales[k - 1]!.size, scale.size);
    picture = scale.apply(noise(k, scale.size), picture);
  });
  return picture;
}
