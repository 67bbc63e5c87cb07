// A scale's trainer on noise in place of a photo and of what coarser scales have learnt: for timing what a training costs.

import { normals } from "../autodiff/ops/random.ts";
import { sizeOf } from "../autodiff/tensor.ts";
import type { Gpu } from "../gpu/device.ts";
import type { Planes } from "../image/planes.ts";
import { initialWeights } from "../nn/init.ts";
import { channelsAt, type Size, type TrainOptions } from "./config.ts";
import { FrozenScale, greyShape, noiseSize, upsampler } from "./frozen.ts";
import { BLOCKS, parameterShapes } from "./networks.ts";
import { PURPOSE, randomKey } from "./noise.ts";
import type { Pyramid } from "./pyramid.ts";
import { ScaleTrainer } from "./scale-trainer.ts";

/** Of all scales but the coarsest, where it is 1: some value of the size that trainings have. */
const NOISE_AMP = 0.05;

/** Compiles the trainer of one scale, hands it to `use` and frees all it takes. */
export async function withStandIn<T>(
  gpu: Gpu,
  { sizes, scaleFactor }: Pick<Pyramid, "sizes" | "scaleFactor">,
  options: TrainOptions,
  scale: number,
  use: (trainer: ScaleTrainer) => Promise<T>,
): Promise<T> {
  const size = sizes[scale]!;
  const channels = channelsAt(scale, options);
  const { seed } = options;
  const frozen: FrozenScale[] = [];
  let trainer: ScaleTrainer | null = null;
  try {
    for (let k = 0; k < scale; k++) frozen.push(new FrozenScale(gpu, standInScale(k, sizes[k]!, options)));
    trainer = await ScaleTrainer.create(gpu, {
      ...{ scale, size, channels, options, frozen, upsample: upsampler(options.upsample, scaleFactor) },
      real: noisePicture(size, 0),
      zPrev: scale === 0 ? null : noisePicture(size, 1),
      zStar: scale === 0 ? noise(2, sizeOf(greyShape(noiseSize(size, options)))) : null,
      noiseAmp: scale === 0 ? 1 : NOISE_AMP,
      generator: initialWeights(parameterShapes("generator", channels), randomKey(seed, PURPOSE.initialG, scale)),
      discriminator: initialWeights(parameterShapes("discriminator", channels), randomKey(seed, PURPOSE.initialD, scale)),
    });
    return await use(trainer);
  } finally {
    trainer?.dispose();
    for (const one of frozen) one.dispose();
  }
}

/** Untrained, with the statistics that running ones start from. */
function standInScale(scale: number, size: Size, options: TrainOptions) {
  const channels = channelsAt(scale, options);
  const generator = initialWeights(parameterShapes("generator", channels), randomKey(options.seed, PURPOSE.initialG, scale));
  for (const block of BLOCKS) {
    generator.set(`${block}.norm.running_mean`, new Float32Array(channels));
    generator.set(`${block}.norm.running_var`, new Float32Array(channels).fill(1));
  }
  return { size, channels, noiseAmp: scale === 0 ? 1 : NOISE_AMP, generator };
}

const noise = (stream: number, count: number) => Float32Array.from(normals([0, 0, 0, 0], stream, count));
const noisePicture = (size: Size, stream: number): Planes => ({
  ...size,
  data: noise(stream, 3 * size.width * size.height).map((v) => Math.max(-1, Math.min(1, v / 2))),
});
