// Opens the GPU with the kernels that its kind of adapter runs.

import { Gpu } from "../gpu/device.ts";
import { loadKernels } from "./conv/families.ts";

/** A device on `adapter`, ready for programs. Throws GpuError where there is no adapter, or it refuses. */
export async function openDevice(adapter: GPUAdapter | null): Promise<Gpu> {
  const gpu = await Gpu.open(adapter);
  await loadKernels(gpu.profile);
  return gpu;
}
