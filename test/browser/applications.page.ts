// Runs in a page: tiny models enlarge their photo, move, and take in pictures. See applications.test.ts.

import type { Gpu } from "../../src/gpu/device.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { type ApplicationPrints, applicationPrints } from "../applications.ts";
import { type Injected, injectTiny } from "../injection.ts";

export const applyInPage = (): Promise<ApplicationPrints> => onPagesGpu(applicationPrints);
export const injectInPage = (): Promise<Injected> => onPagesGpu(injectTiny);

async function onPagesGpu<T>(use: (gpu: Gpu) => Promise<T>): Promise<T> {
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new Error("the page has no WebGPU adapter");
  const gpu = await openDevice(adapter);
  try {
    return await use(gpu);
  } finally {
    gpu.dispose();
  }
}
