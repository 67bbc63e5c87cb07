// Opens the GPU for one run of the command line, and makes sure that it is given back before the process ends.

import type { Gpu } from "../gpu/device.ts";
import { openAdapter } from "../node/adapter.ts";
import { openDevice } from "../runtime/open.ts";
import type { Session } from "./session.ts";

/** The GPU, disposed with the session: Dawn crashes where a process ends with work pending. Throws NoAdapterError. */
export async function openGpu(session: Session, adapter?: GPUAdapter): Promise<Gpu> {
  const gpu = await openDevice(adapter ?? (await openAdapter()));
  session.onExit(() => gpu.dispose());
  return gpu;
}
