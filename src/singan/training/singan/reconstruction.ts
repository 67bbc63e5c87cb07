// The reconstruction while a model is trained: which z* it begins with, its statistics, and what it hands on to the next scale.

import { concat } from "../../../autodiff/ops/batch.ts";
import { channelSum } from "../../../autodiff/ops/channel.ts";
import { scale, zeros } from "../../../autodiff/ops/elementwise.ts";
import { normal } from "../../../autodiff/ops/random.ts";
import { crop2d, margins } from "../../../autodiff/ops/spatial.ts";
import { leaf, type Tensor } from "../../../autodiff/tensor.ts";
import type { Gpu } from "../../../gpu/device.ts";
import type { Planes } from "../../../image/planes.ts";
import { compile, submit } from "../../../runtime/program.ts";
import { imageShape, PADDING, type TrainOptions } from "../../model/config.ts";
import type { Model, ScaleModel, StateDict } from "../../model/model.ts";
import { parameterShapes, zStarShape } from "../../model/shapes.ts";
import { compute } from "../../networks/compute.ts";
import { FrozenScale, generatorInput, type Upsample, upsampler } from "../../networks/frozen-scale.ts";
import { generator } from "../../networks/networks.ts";
import { ampShape, ampValues, grey, PURPOSE, randomKey } from "../../networks/noise.ts";

/** What of a model the reconstruction's noise depends on. */
type Noise = Pick<Model, "sizes" | "zStar" | "options">;

/** The reconstruction of the first `count` scales of a model, brought to the next scale: as their training passed it on. */
export async function reconstructionOf(gpu: Gpu, model: Model, count: number): Promise<Planes> {
  const upsample = upsampler(model.options.upsample, model.scaleFactor);
  let reconstruction: Planes | null = null;
  for (const [k, scale] of model.scales.slice(0, count).entries()) {
    reconstruction = (await passOn(gpu, scale, reconstruction, model, k, upsample)).next;
  }
  return reconstruction!;
}

/** The reconstruction of a frozen scale, and the same brought to the next scale: the only place where a picture is passed on. */
export async function passOn(
  gpu: Gpu,
  trained: ScaleModel,
  zPrev: Planes | null,
  { sizes, zStar, options }: Noise,
  scale: number,
  upsample: Upsample,
): Promise<{ picture: Planes; next: Planes | null }> {
  const { size } = trained;
  const nextSize = sizes[scale + 1];
  const previous = leaf("zPrev", imageShape(size, options));
  const z = leaf("zStar", zStarShape(sizes[0]!, options));
  const frozen = new FrozenScale(gpu, trained, options, "reconstruction");
  try {
    const picture = frozen.apply(zPrev ? null : grey(z, options), previous);
    const next = nextSize ? upsample(picture, size, nextSize) : null;
    const outputs = next ? [picture, next] : [picture];
    const inputs = [[previous, zPrev?.data ?? new Float32Array(previous.size)] as const, [z, zStar] as const];
    const [data, nextData] = await compute(gpu, "reconstruction", outputs, inputs, frozen.bindings);
    return { picture: { ...size, data: data! }, next: nextSize ? { ...nextSize, data: nextData! } : null };
  } finally {
    frozen.dispose();
  }
}

/**
 * The generator's batch statistics in the reconstruction, by their names in its state: with them frozen it makes the picture that it made in
 * training. Those of random pictures differ, and so would its picture (docs/adr/0014).
 */
export async function reconstructionStatistics(
  gpu: Gpu,
  { size, channels, generator: state }: ScaleModel,
  zPrev: Planes | null,
  { sizes, zStar, options }: Noise,
): Promise<StateDict> {
  const previous = leaf("zPrev", imageShape(size, options));
  const z = leaf("zStar", zStarShape(sizes[0]!, options));
  const amp = leaf("noiseAmp", ampShape(options));
  const weights = new Map([...parameterShapes("generator", channels, options)].map(([name, shape]) => [name, leaf(name, shape)]));
  const statistics = new Map<string, Tensor>();
  generator(generatorInput(zPrev ? null : grey(z, options), amp, previous), previous, weights, (block, batch) => {
    statistics.set(block, batch);
  });
  const inputs = [
    [previous, zPrev?.data ?? new Float32Array(previous.size)],
    [z, zStar],
    [amp, ampValues(1, options)],
    ...[...weights].map(([name, t]) => [t, state.get(name)!] as const),
  ] as const;
  const values = await compute(gpu, "statistics of the reconstruction", [...statistics.values()], inputs);
  return new Map(
    [...statistics.keys()].flatMap((block, i) => [
      [`${block}.norm.running_mean`, values[i]!.slice(0, channels)],
      [`${block}.norm.running_var`, values[i]!.slice(channels, 2 * channels)],
    ]),
  );
}

/** How many z* are drawn to choose from. Each takes one pass of the smallest generator: all together a few iterations of its training. */
const DRAWS = 200;

/**
 * Of many draws the one that the frozen coarsest scale makes the most typical picture of: the mean colours of its whole and of its inside,
 * which the next generator's padding of zeros does not reach, are nearest to those of all draws. [1,1,h,w] of noiseSize. What z*'s picture
 * lacks in brightness the reconstruction loss of the next scale makes up for, in every random picture as well: batch norm gives all passes
 * of a generator nearly the same mean (docs/adr/0010).
 */
export async function typicalZStar(gpu: Gpu, coarsest: FrozenScale, options: TrainOptions): Promise<Float32Array> {
  const { size } = coarsest;
  const key = leaf("key", [4]);
  const z = normal(key, zStarShape(size, options), 0);
  const picture = coarsest.apply(grey(z, options), zeros(imageShape(size, options)));
  const colours = concat(meanColour(picture), meanColour(crop2d(picture, margins(PADDING))));
  const bytes = colours.size * 4;
  const keys = gpu.alloc(16, "z* key");
  const table = gpu.alloc(DRAWS * bytes, "colours of z*");
  try {
    const bindings = new Map([[key, keys] as const, ...coarsest.bindings]);
    const program = await compile(gpu, { name: "z*", outputs: [z, colours], bindings });
    try {
      const keyOf = (i: number) => randomKey(options.seed, PURPOSE.zStar, 0, 1 + i); // step 0 is the fixed z*
      for (let i = 0; i < DRAWS; i++) {
        gpu.write(keys, keyOf(i));
        submit(gpu, [program, { from: program.slice(colours), to: { ...table, offset: table.offset + i * bytes, bytes } }]);
      }
      const [rows] = await gpu.read([table]);
      gpu.write(keys, keyOf(mostTypical(rows!.subarray(0, DRAWS * colours.size), colours.size)));
      submit(gpu, [program]);
      const [values] = await gpu.read([program.slice(z)]);
      return values!;
    } finally {
      program.dispose();
    }
  } finally {
    for (const slice of [keys, table]) gpu.free(slice);
  }
}

const meanColour = (picture: Tensor): Tensor => scale(channelSum(picture, 1), picture.shape[1]! / picture.size);

/** The row of `width` values that is nearest to the mean of all. */
function mostTypical(rows: Float32Array, width: number): number {
  const count = rows.length / width;
  const mean = new Float64Array(width);
  rows.forEach((v, i) => {
    mean[i % width]! += v / count;
  });
  const distances = Array.from({ length: count }, (_, i) => mean.reduce((sum, m, c) => sum + (rows[i * width + c]! - m) ** 2, 0));
  return distances.indexOf(Math.min(...distances));
}
