// A small instant picture, on the GPU and on the processor, for comparing environments.

import type { Gpu } from "../src/gpu/device.ts";
import type { Planes } from "../src/image/planes.ts";
import { GpuDenoiser } from "../src/instant/gpu-denoiser.ts";
import { instantPicture, type OpenDenoiser } from "../src/instant/instant.ts";
import { instantOptions } from "../src/instant/options.ts";
import { ProcessorDenoiser } from "../src/instant/processor-denoiser.ts";
import { LocalShares } from "../src/instant/shares.ts";
import { tinyPhoto } from "./tiny-training.ts";

/** The values' bits, which JSON can carry. */
export interface InstantBits {
  readonly onGpu: readonly number[];
  readonly onProcessor: readonly number[];
}

export async function instantBits(gpu: Gpu): Promise<InstantBits> {
  const photo = tinyPhoto(30, 26);
  const size = { width: 34, height: 27 };
  const request = { ...instantOptions(photo), size, seed: 7, start: { kind: "noise" } as const };
  const shares = new LocalShares();
  const bitsBy = async (open: OpenDenoiser): Promise<number[]> => {
    const { data }: Planes = await instantPicture([photo], request, open);
    return [...new Uint32Array(data.buffer)];
  };
  return {
    onGpu: await bitsBy((source) => GpuDenoiser.open(gpu, source)),
    onProcessor: await bitsBy((source) => ProcessorDenoiser.open(source, [shares])),
  };
}
