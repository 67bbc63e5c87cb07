// The event loop sleeps while a promise of the GPU is pending, and only then.
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { throttleEventLoop } from "../../src/node/event-loop-throttle.ts";

/** Stand for Dawn's classes; every call takes `ms`. */
function classes(ms: number) {
  class Slow {
    async mapAsync() {
      await sleep(ms);
      return "mapped";
    }
    async onSubmittedWorkDone() {
      await sleep(ms);
    }
    async createComputePipelineAsync() {
      await sleep(ms);
      throw new Error("does not compile");
    }
  }
  return { GPUQueue: class extends Slow {}, GPUBuffer: class extends Slow {}, GPUDevice: class extends Slow {} };
}

/** Counts the turns of the event loop, each of which starts the next at once, until `promise` settles. */
async function turnsDuring(promise: Promise<unknown>): Promise<number> {
  let turns = 0;
  let isDone = false;
  const turn = () => {
    turns++;
    if (!isDone) setImmediate(turn);
  };
  turn();
  await promise.finally(() => {
    isDone = true;
  });
  return turns;
}

test("the event loop turns some hundred times a second while the GPU works, not as often as it can", async () => {
  const dawn = classes(300);
  throttleEventLoop(dawn);
  const asleep = await turnsDuring(new dawn.GPUQueue().onSubmittedWorkDone());
  const awake = await turnsDuring(sleep(300));
  expect(asleep).toBeGreaterThan(100);
  expect(asleep).toBeLessThan(awake / 5);
});

test("results and errors come through, and a second call changes nothing", async () => {
  const dawn = classes(5);
  throttleEventLoop(dawn);
  const { mapAsync } = dawn.GPUBuffer.prototype;
  throttleEventLoop(dawn);
  expect(dawn.GPUBuffer.prototype.mapAsync).toBe(mapAsync);
  expect(await new dawn.GPUBuffer().mapAsync()).toBe("mapped");
  await expect(new dawn.GPUDevice().createComputePipelineAsync()).rejects.toThrow("does not compile");
});
