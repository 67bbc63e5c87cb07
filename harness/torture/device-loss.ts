// Loses the GPU at every point of a training where it waits for it.

import type { Gpu } from "../../src/gpu/device.ts";
import { GpuKeeper } from "../../src/gpu/gpu-keeper.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { trainToEnd } from "../../src/singan/recipes.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { attempt, type Row, require } from "./row.ts";
import { TINY, tinyPhoto } from "./tiny.ts";

/** The calls whose promises a training awaits. */
const AWAITED = {
  GPUQueue: ["onSubmittedWorkDone"],
  GPUBuffer: ["mapAsync"],
  GPUDevice: ["createComputePipelineAsync", "popErrorScope"],
};

type Method = (...args: unknown[]) => Promise<unknown>;

/** Calls `onCall` before each of these calls, until the returned function is called. */
function watchAwaits(onCall: () => void): () => void {
  const restored = Object.entries(AWAITED).flatMap(([name, methods]) => {
    const { prototype } = (globalThis as unknown as Record<string, { prototype: Record<string, Method> }>)[name]!;
    return methods.map((method) => {
      const original = prototype[method]!;
      prototype[method] = function (...args) {
        onCall();
        return original.apply(this, args);
      };
      return () => {
        prototype[method] = original;
      };
    });
  });
  return () => {
    for (const restore of restored) restore();
  };
}

/** Trains; the device is destroyed right before the await of each of these numbers. Returns fingerprint, awaits and losses. */
async function trainLosing(at: ReadonlySet<number>): Promise<{ fingerprint: string; awaits: number; losses: number }> {
  let gpu: Gpu | null = null;
  let [awaits, losses] = [0, 0];
  const keeper = new GpuKeeper(
    async () => {
      gpu = await openDevice(await openAdapter());
      return gpu;
    },
    { onLost: () => losses++ },
  );
  await keeper.get();
  const stop = watchAwaits(() => {
    if (at.has(awaits++)) gpu?.device.destroy();
  });
  try {
    const training = trainToEnd(keeper, tinyPhoto(), TINY, { keepMs: 0, maxBatch: 2 });
    for (;;) {
      const { done, value } = await training.next();
      if (done) return { fingerprint: fingerprintOf(value), awaits, losses };
      if (value.kind === "progress") await value.preview();
    }
  } finally {
    stop();
    keeper.dispose();
  }
}

export const deviceLoss: Row = {
  name: "the GPU is lost at an await of the training",
  count: 100,
  async run(count) {
    const { fingerprint: wanted, awaits } = await trainLosing(new Set());
    const unhandled: string[] = [];
    const note = (error: unknown) => unhandled.push(`unhandled rejection: ${error}`);
    process.on("unhandledRejection", note);
    try {
      const failures: string[] = [];
      for (let i = 0; i < count; i++) {
        const at = Math.floor((i * awaits) / count);
        const one = await attempt(`await ${at} of ${awaits}`, async () => {
          const { fingerprint, losses } = await trainLosing(new Set([at]));
          require(losses === 1, `the GPU was lost ${losses} times`);
          require(fingerprint === wanted, "the model differs");
        });
        failures.push(...one);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
      return [...failures, ...unhandled];
    } finally {
      process.off("unhandledRejection", note);
    }
  },
};
