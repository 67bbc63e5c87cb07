// Runs the tiny training in a page for chrome-equals-node.test.ts.

import { openDevice } from "../../src/runtime/open.ts";
import { type Fingerprint, fingerprint, TINY, tinyPhoto, trainAll } from "../tiny-training.ts";

export async function trainInPage(): Promise<Fingerprint> {
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new Error("the page has no WebGPU adapter");
  const gpu = await openDevice(adapter);
  try {
    return await fingerprint(gpu, await trainAll(gpu, tinyPhoto(), TINY));
  } finally {
    gpu.dispose();
  }
}
