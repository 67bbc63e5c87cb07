// A device gives back all that it took: every buffer is counted while it lives, and a disposed device leaves no memory behind.

import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { Readback } from "../../src/gpu/device.ts";
import { PassTimer } from "../../src/gpu/timing.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { TINY, tinyPhoto, trainAll } from "../tiny-training.ts";

const open = async () => openDevice(await openAdapter());

test("counts what it allocates, also to read and to time, and the most that was in use", async () => {
  const gpu = await open();
  const slice = gpu.alloc(1024, "values");
  expect(gpu.stats()).toMatchObject({ buffers: 1, bytes: 1024 });
  const readback = new Readback(gpu, [slice, slice], 3);
  expect(gpu.stats()).toMatchObject({ buffers: 4, bytes: 7 * 1024 });
  const timer = new PassTimer(gpu, 2);
  expect(gpu.stats()).toMatchObject({ buffers: 6, bytes: 7 * 1024 + 2 * 2 * 2 * 8 });
  await readback.read();
  for (const part of [timer, readback]) part.dispose();
  gpu.free(slice);
  gpu.free(slice); // freed already: counts once
  expect(gpu.stats()).toMatchObject({ buffers: 0, bytes: 0 });
  expect(gpu.peakBytes).toBe(7 * 1024 + 64);
  gpu.dispose();
});

test("counts the same in a dry run, which reads zeros", async () => {
  const gpu = await open();
  const dry = gpu.dryRun(false);
  const slice = dry.upload(Float32Array.of(1, 2, 3, 4), "values");
  expect(await dry.read([slice])).toEqual([new Float32Array(4)]);
  expect(dry.stats()).toMatchObject({ buffers: 1, bytes: 16 });
  expect(dry.peakBytes).toBe(32);
  expect(gpu.peakBytes).toBe(0);
  gpu.dispose();
});

const ONE_SCALE = { minSize: 24, maxSize: 31 };
/** Devices that are opened, used and disposed; the first few fill the driver's caches. */
const DEVICES = 12;
const WARM_UP = 4;
/** Growth allowed per device, MB. It was 40 to 70 while a listener kept each device alive; without it, 1 to 8 are measured. */
const GROWTH_MB = 15;

test("leaves no memory behind when it is disposed", async () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  const rss: number[] = [];
  for (let i = 0; i < DEVICES; i++) {
    const gpu = await open();
    await trainAll(gpu, tinyPhoto(), { ...TINY, ...ONE_SCALE, iterations: 1 });
    gpu.dispose();
    expect(gpu.stats()).toMatchObject({ buffers: 0, bytes: 0 });
    for (let k = 0; k < 2; k++) {
      await sleep(20); // Dawn frees on the event loop what is found to be garbage
      collectGarbage();
    }
    rss.push(process.memoryUsage().rss / 1e6);
  }
  const growth = (rss.at(-1)! - rss[WARM_UP]!) / (DEVICES - 1 - WARM_UP);
  expect(growth, `RSS in MB: ${rss.map(Math.round).join(" ")}`).toBeLessThan(GROWTH_MB);
});
