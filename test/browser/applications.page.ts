// Runs in a page for applications.test.ts: tiny models enlarge their photo, animate it, and inject pictures.

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
