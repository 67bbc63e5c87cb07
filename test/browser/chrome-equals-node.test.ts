// With the same seed and driver, a training and instant pictures have the same bits in headless Chrome and in Node.

import { expect, test } from "vitest";
import { runInPage } from "../../harness/page.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { type InstantBits, instantBits } from "../instant-picture.ts";
import { type Fingerprint, fingerprint, TINY, tinyPhoto, trainAll } from "../tiny-training.ts";

test("a training in a page has Node's losses and weights", async () => {
  const inPage = await runInPage<Fingerprint>("test/browser/tiny.page.ts", "trainInPage");
  const gpu = await openDevice(await openAdapter());
  try {
    const inNode = await fingerprint(gpu, await trainAll(gpu, tinyPhoto(), TINY));
    expect(inNode.losses.every((l) => Object.values(l).every(Number.isFinite))).toBe(true);
    expect(inPage).toEqual(inNode);
  } finally {
    gpu.dispose();
  }
});

test("instant pictures in a page have Node's bits, on the GPU and on the processor", async () => {
  const inPage = await runInPage<InstantBits>("test/browser/instant.page.ts", "instantInPage");
  const gpu = await openDevice(await openAdapter());
  try {
    const inNode = await instantBits(gpu);
    expect(new Set(inNode.onProcessor).size).toBeGreaterThan(100);
    expect(inPage).toEqual(inNode);
  } finally {
    gpu.dispose();
  }
});
