// A scale's training set up on a stand-in for the GPU: what it compiles, and what memory it would take.

import { sizeOf } from "../autodiff/tensor.ts";
import type { Gpu } from "../gpu/device.ts";
import { channelsAt, imageShape, type Size, type TrainOptions } from "./config.ts";
import { forecastConsinganBytes } from "./consingan/train.ts";
import { FrozenScale, greyShape, noiseSize, type Upsample, upsampler } from "./frozen.ts";
import { parameterShapes, statisticsNames } from "./networks.ts";
import { pyramidOf } from "./pyramid.ts";
import { ScaleTrainer } from "./scale-trainer.ts";

/** Sets up the training of a scale with the frozen ones before it, all zeros, on `stand` (Gpu.rehearsal). Gives the bytes it takes. */
export async function rehearse(
  stand: Gpu,
  scale: number,
  sizes: readonly Size[],
  options: TrainOptions,
  upsample: Upsample,
): Promise<number> {
  const size = sizes[scale]!;
  const channels = channelsAt(scale, options);
  const weights = (net: "generator" | "discriminator", width: number) =>
    new Map([...parameterShapes(net, width)].map(([name, shape]) => [name, new Float32Array(sizeOf(shape))]));
  const frozen = sizes.slice(0, scale).map((at, k) => {
    const width = channelsAt(k, options);
    const statistics = statisticsNames().map((name) => [name, new Float32Array(width)] as const);
    const generator = new Map([...weights("generator", width), ...statistics]);
    return new FrozenScale(stand, { size: at, channels: width, noiseAmp: 0, generator });
  });
  const picture = { ...size, data: new Float32Array(sizeOf(imageShape(size))) };
  await ScaleTrainer.create(stand, {
    ...{ scale, size, channels, options, frozen, upsample, noiseAmp: 0 },
    real: picture,
    zPrev: scale > 0 ? picture : null,
    zStar: scale === 0 ? new Float32Array(sizeOf(greyShape(noiseSize(size, options)))) : null,
    generator: weights("generator", channels),
    discriminator: weights("discriminator", channels),
  });
  return stand.stats().bytes;
}

/** GPU memory that a training takes at most, in bytes. Throws PyramidError for a photo that can't be trained, GpuError beyond a limit. */
export async function forecastBytes(gpu: Gpu, photo: Size, options: TrainOptions): Promise<number> {
  if (options.recipe === "consingan") return forecastConsinganBytes(gpu, photo, options);
  const { sizes, scaleFactor } = pyramidOf(photo, options);
  const upsample = upsampler(options.upsample, scaleFactor);
  const bytes = await Promise.all(sizes.map((_, scale) => rehearse(gpu.rehearsal(false), scale, sizes, options, upsample)));
  return Math.max(...bytes);
}
