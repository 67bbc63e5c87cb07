// Which z* a model keeps where it was drawn anew in every iteration: any draw would do for the coarsest scale, but not for the next.

import { channelSum } from "../autodiff/ops/channel.ts";
import { zeros } from "../autodiff/ops/elementwise.ts";
import { normal } from "../autodiff/ops/random.ts";
import { leaf } from "../autodiff/tensor.ts";
import type { Gpu } from "../gpu/device.ts";
import { compile, submit } from "../runtime/program.ts";
import { imageShape, type TrainOptions } from "./config.ts";
import { type FrozenScale, grey, greyShape, noiseSize } from "./frozen.ts";
import { PURPOSE, randomKey } from "./noise.ts";

/** How many z* are drawn to choose from. Each takes one pass of the smallest generator: all together a few iterations of its training. */
const DRAWS = 100;
const COLOURS = 3;

/**
 * Of many draws the one that the frozen coarsest scale makes the most typical picture of: its mean colour is nearest to that of all of
 * them. [1,1,h,w] of noiseSize. What z*'s picture lacks in brightness the reconstruction loss of the next scale makes up for, in every
 * random picture as well: batch norm gives all passes of a generator nearly the same mean (docs/adr/0010).
 */
export async function typicalZStar(gpu: Gpu, coarsest: FrozenScale, options: TrainOptions): Promise<Float32Array> {
  const key = leaf("key", [4]);
  const z = normal(key, greyShape(noiseSize(coarsest.size, options)), 0);
  const colour = channelSum(coarsest.apply(grey(z), zeros(imageShape(coarsest.size))), 1);
  const bytes = COLOURS * 4;
  const keys = gpu.alloc(16, "z* key");
  const table = gpu.alloc(DRAWS * bytes, "colours of z*");
  try {
    const bindings = new Map([[key, keys] as const, ...coarsest.bindings]);
    const program = await compile(gpu, { name: "z*", outputs: [z, colour], bindings });
    try {
      const keyOf = (i: number) => randomKey(options.seed, PURPOSE.zStar, 0, 1 + i); // step 0 is the fixed z*
      for (let i = 0; i < DRAWS; i++) {
        gpu.write(keys, keyOf(i));
        submit(gpu, [program, { from: program.slice(colour), to: { ...table, offset: table.offset + i * bytes, bytes } }]);
      }
      const [colours] = await gpu.read([table]);
      gpu.write(keys, keyOf(mostTypical(colours!.subarray(0, DRAWS * COLOURS))));
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

/** The row of [n,3] that is nearest to the mean of all. */
function mostTypical(colours: Float32Array): number {
  const count = colours.length / COLOURS;
  const mean = new Float64Array(COLOURS);
  colours.forEach((v, i) => {
    mean[i % COLOURS]! += v / count;
  });
  const distances = Array.from({ length: count }, (_, i) =>
    mean.reduce((sum, m, c) => sum + (colours[i * COLOURS + c]! - m) ** 2, 0),
  );
  return distances.indexOf(Math.min(...distances));
}
