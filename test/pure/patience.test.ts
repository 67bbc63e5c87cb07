// The event loop sleeps while a promise of the GPU's is awaited, and only then.
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { waitPatiently } from "../../src/node/patience.ts";

/** Classes whose calls take `ms`. */
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

/** Turns of the event loop, all of it kept busy, until `promise` settles. */
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

test("the event loop turns some hundred times a second while the GPU is awaited, not as often as it can", async () => {
  const patient = classes(300);
  waitPatiently(patient);
  const asleep = await turnsDuring(new patient.GPUQueue().onSubmittedWorkDone());
  const awake = await turnsDuring(sleep(300));
  expect(asleep).toBeGreaterThan(100);
  expect(asleep).toBeLessThan(awake / 5);
});

test("results and errors come through, and a second call changes nothing", async () => {
  const patient = classes(5);
  waitPatiently(patient);
  const { mapAsync } = patient.GPUBuffer.prototype;
  waitPatiently(patient);
  expect(patient.GPUBuffer.prototype.mapAsync).toBe(mapAsync);
  expect(await new patient.GPUBuffer().mapAsync()).toBe("mapped");
  await expect(new patient.GPUDevice().createComputePipelineAsync()).rejects.toThrow("does not compile");
});
