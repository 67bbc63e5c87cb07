// A scale's trainer on values made up in place of a photo and of what coarser scales have learnt: noise to time what a training costs,
// zeros to compile it or to count the memory it takes.

import { normals } from "../../autodiff/philox.ts";
import { type Shape, sizeOf } from "../../autodiff/tensor.ts";
import type { Gpu } from "../../gpu/device.ts";
import type { Planes } from "../../image/planes.ts";
import { initialWeights } from "../../nn/init.ts";
import { channelsAt, type Size, type TrainOptions } from "../model/config.ts";
import type { Pyramid } from "../model/pyramid.ts";
import { FrozenScale, greyShape, noiseSize, upsampler } from "../networks/frozen-scale.ts";
import { BLOCKS, parameterShapes } from "../networks/networks.ts";
import { PURPOSE, randomKey } from "../networks/noise.ts";
import { ScaleTrainer } from "./singan/scale-trainer.ts";

/** Of all scales but the coarsest, where it is 1: some value of the size that trainings have. */
const NOISE_AMP = 0.05;

/** Where a stand-in's values come from. */
export interface StandInValues {
  weights(shapes: ReadonlyMap<string, Shape>, key: ArrayLike<number>): Map<string, Float32Array>;
  /** Of a picture or z*. */
  draw(stream: number, count: number): Float32Array;
}
export const NOISE: StandInValues = {
  weights: initialWeights,
  draw: (stream, count) => Float32Array.from(normals([0, 0, 0, 0], stream, count)),
};
/** Costs next to nothing to draw, so that a training can go on meanwhile. */
export const ZEROS: StandInValues = {
  weights: (shapes) => new Map([...shapes].map(([name, shape]) => [name, new Float32Array(sizeOf(shape))])),
  draw: (_, count) => new Float32Array(count),
};

/** Compiles the trainer of one scale, hands it to `use` and frees all it takes. */
export async function withStandIn<T>(
  gpu: Gpu,
  { sizes, scaleFactor }: Pick<Pyramid, "sizes" | "scaleFactor">,
  options: TrainOptions,
  scale: number,
  use: (trainer: ScaleTrainer) => Promise<T>,
  values = NOISE,
): Promise<T> {
  const size = sizes[scale]!;
  const channels = channelsAt(scale, options);
  const { seed } = options;
  const frozen: FrozenScale[] = [];
  let trainer: ScaleTrainer | null = null;
  try {
    for (let k = 0; k < scale; k++) frozen.push(new FrozenScale(gpu, standInScale(k, sizes[k]!, options, values)));
    trainer = await ScaleTrainer.create(gpu, {
      ...{ scale, size, channels, options, frozen, upsample: upsampler(options.upsample, scaleFactor) },
      real: picture(size, 0, values),
      zPrev: scale === 0 ? null : picture(size, 1, values),
      zStar: scale === 0 ? values.draw(2, sizeOf(greyShape(noiseSize(size, options)))) : null,
      noiseAmp: scale === 0 ? 1 : NOISE_AMP,
      generator: values.weights(parameterShapes("generator", channels), randomKey(seed, PURPOSE.initialG, scale)),
      discriminator: values.weights(parameterShapes("discriminator", channels), randomKey(seed, PURPOSE.initialD, scale)),
    });
    return await use(trainer);
  } finally {
    trainer?.dispose();
    for (const one of frozen) one.dispose();
  }
}

/** Untrained, with the statistics that running ones start from. */
function standInScale(scale: number, size: Size, options: TrainOptions, values: StandInValues) {
  const channels = channelsAt(scale, options);
  const generator = values.weights(parameterShapes("generator", channels), randomKey(options.seed, PURPOSE.initialG, scale));
  for (const block of BLOCKS) {
    generator.set(`${block}.norm.running_mean`, new Float32Array(channels));
    generator.set(`${block}.norm.running_var`, new Float32Array(channels).fill(1));
  }
  return { size, channels, noiseAmp: scale === 0 ? 1 : NOISE_AMP, generator };
}

const picture = (size: Size, stream: number, values: StandInValues): Planes => ({
  ...size,
  data: values.draw(stream, 3 * size.width * size.height).map((v) => Math.max(-1, Math.min(1, v / 2))),
});
