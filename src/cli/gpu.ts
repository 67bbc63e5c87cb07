// Opens the GPU for one run of the command line, and disposes it before the process ends.

import type { Gpu } from "../gpu/device.ts";
import { openAdapter } from "../node/adapter.ts";
import { openDevice } from "../runtime/open.ts";
import type { Session } from "./session.ts";

/** Opens the GPU, and disposes it with the session: Dawn crashes if a process ends while work is pending. Throws NoAdapterError. */
export async function openGpu(session: Session, adapter?: GPUAdapter): Promise<Gpu> {
  const gpu = await openDevice(adapter ?? (await openAdapter()));
  session.onExit(() => gpu.dispose());
  return gpu;
}
