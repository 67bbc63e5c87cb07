// Times how long a small value takes from the GPU to the page, for firefox.test.ts.

import { openDevice } from "../../src/runtime/open.ts";

/** The median of some reads, ms. */
export async function readingMs(): Promise<number> {
  const gpu = await openDevice(await navigator.gpu.requestAdapter());
  try {
    const slice = gpu.upload(Float32Array.of(1, 2, 3, 4), "a small value");
    const times: number[] = [];
    for (let i = 0; i < 11; i++) {
      const begun = performance.now();
      await gpu.read([slice]);
      times.push(performance.now() - begun);
    }
    return times.sort((a, b) => a - b)[5]!;
  } finally {
    gpu.dispose();
  }
}
