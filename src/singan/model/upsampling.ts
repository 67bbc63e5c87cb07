// A picture brought from one scale to the next finer one: the resize tables of both kinds, and the enlargement on the CPU.
// Official code: imresize (functions.py); docs/adr/0002 says where its grid is kept.

import type { Planes } from "../../image/planes.ts";
import { bicubicTaps, bilinearTaps, resample, type Taps } from "../../image/resample.ts";
import type { Size, TrainOptions } from "./config.ts";

/** Tables of the enlargement between stages: on the grid of the official imresize, cropped or extended to outSize (docs/adr/0002). */
export function enlargement(kind: TrainOptions["upsample"], factor: number, inSize: number, outSize: number): Taps {
  return kind === "bicubic" ? bicubicTaps(inSize, 1 / factor, outSize) : bilinearTaps(inSize, outSize, 1 / factor);
}

/** The same on the CPU, clamped to [-1,1]. */
export function enlarge(picture: Planes, factor: number, { width, height }: Size, kind: TrainOptions["upsample"]): Planes {
  const taps = (inSize: number, outSize: number) => enlargement(kind, factor, inSize, outSize);
  const { data } = resample(picture, taps(picture.height, height), taps(picture.width, width));
  return { width, height, data: data.map((x) => Math.min(Math.max(x, -1), 1)) };
}
