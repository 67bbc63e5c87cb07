// Runs in a page: a tiny model enlarges its photo and moves. See applications.test.ts.

import { Gpu } from "../../src/gpu/device.ts";
import { type ApplicationPrints, applicationPrints } from "../applications.ts";

export async function applyInPage(): Promise<ApplicationPrints> {
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new Error("the page has no WebGPU adapter");
  const gpu = await Gpu.open(adapter);
  try {
    return await applicationPrints(gpu);
  } finally {
    gpu.dispose();
  }
}
