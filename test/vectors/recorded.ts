// Draws from buffers in place of the generator, for replaying recorded trainings.

import type { Shape, Tensor } from "../../src/autodiff/tensor.ts";
import type { Slice } from "../../src/gpu/device.ts";
import type { NoiseSource } from "../../src/singan/networks/noise.ts";

/** Recorded draws by name. */
export type RecordedDraws = ReadonlyMap<string, readonly [Tensor, Slice]>;

/** Throws for a draw that was not recorded, or has another shape. */
export function recordedNoise(draws: RecordedDraws): NoiseSource {
  const find = (name: string, shape: Shape): Tensor => {
    const draw = draws.get(name)?.[0];
    if (!draw || String(draw.shape) !== String(shape)) throw new Error(`no recorded draw named ${name} of [${shape}]`);
    return draw;
  };
  return { normal: find, uniform: find };
}
