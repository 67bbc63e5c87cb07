// A scale's training set up on a stand-in for the GPU: what it compiles, and what memory it would take.

import type { Gpu } from "../../gpu/device.ts";
import type { Size, TrainOptions } from "../model/config.ts";
import { type Pyramid, pyramidOf } from "../model/pyramid.ts";
import { forecastConsinganBytes } from "./consingan/train.ts";
import { withStandIn, ZEROS } from "./dry-run.ts";

/** Sets up the training of a scale with the frozen ones before it on `stand` (Gpu.rehearsal). Gives the bytes it takes. */
export const rehearse = (
  stand: Gpu,
  scale: number,
  pyramid: Pick<Pyramid, "sizes" | "scaleFactor">,
  options: TrainOptions,
): Promise<number> => withStandIn(stand, pyramid, options, scale, async () => stand.stats().bytes, ZEROS);

/** GPU memory that a training takes at most, in bytes. Throws PyramidError for a photo that can't be trained, GpuError beyond a limit. */
export async function forecastBytes(gpu: Gpu, photo: Size, options: TrainOptions): Promise<number> {
  if (options.recipe === "consingan") return forecastConsinganBytes(gpu, photo, options);
  const pyramid = pyramidOf(photo, options);
  const bytes = await Promise.all(pyramid.sizes.map((_, scale) => rehearse(gpu.dryRun(false), scale, pyramid, options)));
  return Math.max(...bytes);
}
