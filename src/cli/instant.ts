// What makes instant pictures on this computer, and those that singan train shows first.

import type { Gpu } from "../gpu/device.ts";
import type { Planes } from "../image/planes.ts";
import { FIRST_COUNT, firstInstant } from "../instant/first.ts";
import { GpuDenoiser } from "../instant/gpu-denoiser.ts";
import { instantPicture, type OpenDenoiser } from "../instant/instant.ts";
import { InstantError } from "../instant/options.ts";
import { ProcessorDenoiser } from "../instant/processor-denoiser.ts";
import { NoAdapterError } from "../node/adapter.ts";
import { openShareThreads } from "../node/share-threads.ts";
import { openGpu } from "./gpu.ts";
import { OutputFolder } from "./output-folder.ts";
import { counted, sampleName } from "./report.ts";
import type { Session } from "./session.ts";

/** Longest side of the photo in the work, px, by what computes it. */
export const MAX_SIZE = { gpu: 250, processor: 128 };

export interface Denoisers {
  readonly open: OpenDenoiser;
  readonly name: string;
  readonly isGpu: boolean;
}

/** Opens the GPU, or where there is none (or only a software adapter) threads on the processor, which are faster. */
export async function openDenoisers(wanted: "gpu" | "processor" | null, session: Session): Promise<Denoisers> {
  if (wanted !== "processor") {
    try {
      const gpu = await openGpu(session);
      if (wanted === "gpu" || !gpu.isSoftware)
        return { open: (source) => GpuDenoiser.open(gpu, source), name: gpu.adapterName, isGpu: true };
    } catch (error) {
      if (wanted === "gpu" || !(error instanceof NoAdapterError)) throw error;
    }
  }
  const threads = openShareThreads();
  session.onExit(() => threads.close());
  const name = `the processor (${counted(threads.runners.length, "thread")})`;
  return { open: (source) => ProcessorDenoiser.open(source, threads.runners), name, isGpu: false };
}

/** Long side of the pictures that a training shows before it begins, px. */
const FIRST_SIZE = 64;

/**
 * Writes instant pictures of a photo into a folder, at once. `gpu` computes them, or the processor where that is a software adapter. Photos that
 * are too small or too long have none, and the user is told so.
 */
export async function showInstant(photo: Planes, path: string, seed: number, session: Session, gpu: Gpu): Promise<void> {
  let first: ReturnType<typeof firstInstant>;
  try {
    first = firstInstant(photo, FIRST_SIZE);
  } catch (error) {
    if (!(error instanceof InstantError)) throw error;
    return session.note(`no instant pictures: ${error.message}`);
  }
  const { photo: small, options } = first;
  const threads = gpu.isSoftware ? openShareThreads() : null;
  const open: OpenDenoiser = (source) =>
    threads ? ProcessorDenoiser.open(source, threads.runners) : GpuDenoiser.open(gpu, source);
  try {
    const names = Array.from({ length: FIRST_COUNT }, (_, index) => sampleName(index));
    const folder = OutputFolder.open(session, path, names);
    for (const [index, name] of names.entries()) {
      const request = { ...options, size: { width: small.width, height: small.height }, start: { kind: "noise" } as const };
      folder.writePicture(name, await instantPicture([small], { ...request, seed: (seed + index) % 2 ** 32 }, open));
    }
    folder.commit();
    session.note(`${counted(FIRST_COUNT, "instant picture")}, made without training: ${path}`);
  } finally {
    threads?.close();
  }
}
