// Makes the instant pictures of chrome-equals-node.test.ts in a page.

import { openDevice } from "../../src/runtime/open.ts";
import { type InstantBits, instantBits } from "../instant-picture.ts";

export async function instantInPage(): Promise<InstantBits> {
  const gpu = await openDevice(await navigator.gpu.requestAdapter());
  try {
    return await instantBits(gpu);
  } finally {
    gpu.dispose();
  }
}
