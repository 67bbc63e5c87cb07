// Which z* a model keeps where it was drawn anew in every iteration: any draw would do for the coarsest scale, but not for the next.

import { concat } from "../../../autodiff/ops/batch.ts";
import { channelSum } from "../../../autodiff/ops/channel.ts";
import { scale, zeros } from "../../../autodiff/ops/elementwise.ts";
import { normal } from "../../../autodiff/ops/random.ts";
import { crop2d, margins } from "../../../autodiff/ops/spatial.ts";
import { leaf, type Tensor } from "../../../autodiff/tensor.ts";
import type { Gpu } from "../../../gpu/device.ts";
import { compile, submit } from "../../../runtime/program.ts";
import { imageShape, PADDING, type TrainOptions } from "../../model/config.ts";
import { zStarShape } from "../../model/shapes.ts";
import type { FrozenScale } from "../../networks/frozen-scale.ts";
import { grey, PURPOSE, randomKey } from "../../networks/noise.ts";

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
  const picture = coarsest.apply(grey(z), zeros(imageShape(size)));
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
