// Whether a training fits into this computer's memory: asked before it starts, for it would fail at its finest scale, hours later.

import { availableMemory } from "node:process";
import { BindingLimitError, type Gpu } from "../gpu/device.ts";
import type { Size, TrainOptions } from "../singan/model/config.ts";
import { forecastBytes } from "../singan/training/rehearsal.ts";

/** Left to the rest of the computer where the GPU is software, which computes in main memory. */
const SPARE_BYTES = 256e6;

/**
 * GPU memory that a training takes, bytes. Throws where that can't be had, with how much is there and what would fit; memory grows with
 * the pixels.
 */
export async function requireMemory(gpu: Gpu, photo: Size, options: TrainOptions, free = availableMemory()): Promise<number> {
  const advice = (share: number) =>
    `take --max-size ${Math.floor(options.maxSize * Math.sqrt(share))}, or a smaller --max-channels`;
  let bytes: number;
  try {
    bytes = await forecastBytes(gpu, photo, options);
  } catch (error) {
    if (!(error instanceof BindingLimitError)) throw error;
    const [needed, most] = [megabytes(error.bytes), megabytes(error.limit)];
    throw new Error(
      `a layer's values take ${needed} at the finest scale, and this adapter allows ${most} in one piece: ${advice(error.limit / error.bytes)}`,
    );
  }
  if (gpu.isSoftware) {
    const most = Math.max(0, free - SPARE_BYTES);
    if (bytes > most)
      throw new Error(
        `this training takes ${megabytes(bytes)} of memory, and ${megabytes(most)} are free: ${advice(most / bytes)}`,
      );
  } else if (!(await gpu.canHold(bytes)))
    throw new Error(`this training takes ${megabytes(bytes)} of GPU memory, which the GPU has not free: ${advice(0.5)}`);
  return bytes;
}

export const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6).toLocaleString("en")} MB`;
