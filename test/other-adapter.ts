// Node's adapter with another program's description, so that Node chooses the kernels that the other program chooses on the same driver.

import { openAdapter } from "../src/node/adapter.ts";

/** `info` is what the other program's adapter says of itself, and by default what Node's says. */
export async function adapterWithoutSubgroups(info?: GPUAdapterInfo): Promise<GPUAdapter> {
  const adapter = await openAdapter();
  return {
    limits: adapter.limits,
    info: info ?? adapter.info,
    features: new Set([...adapter.features].filter((feature) => feature !== "subgroups")),
    requestDevice: (wanted: GPUDeviceDescriptor) => adapter.requestDevice(wanted),
  } as unknown as GPUAdapter;
}
