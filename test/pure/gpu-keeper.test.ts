// A keeper of invented GPUs: what becomes of work on a GPU that is lost.

import { expect, test } from "vitest";
import { DeviceLostError, type Gpu } from "../../src/gpu/device.ts";
import { GpuKeeper, NoDeviceError } from "../../src/gpu/gpu-keeper.ts";

/** A GPU that can be lost; its calls then fail with another error, as WebGPU's do. */
class InventedGpu {
  #loss: DeviceLostError | null = null;
  isDisposed = false;

  lose(): void {
    this.#loss = new DeviceLostError("the GPU device was lost (unknown)");
  }
  isLost = async (): Promise<boolean> => this.#loss !== null;
  check(): void {
    if (this.#loss) throw this.#loss;
  }
  work(): string {
    if (this.#loss) throw new DOMException("aborted", "AbortError");
    if (this.isDisposed) throw new Error("the GPU was closed while it was in use");
    return "done";
  }
  dispose(): void {
    this.isDisposed = true;
  }
}

/** A keeper that can open so many GPUs. */
function keeperOf(count: number) {
  const opened: InventedGpu[] = [];
  const news: string[] = [];
  const open = async (): Promise<Gpu> => {
    if (opened.length === count) throw new Error("no adapter");
    opened.push(new InventedGpu());
    return opened.at(-1) as unknown as Gpu;
  };
  const keeper = new GpuKeeper(open, { onLost: () => news.push("lost"), onReopened: () => news.push("reopened") });
  const work = async (gpu: Gpu): Promise<string> => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    return (gpu as unknown as InventedGpu).work();
  };
  return { keeper, opened, news, work };
}

test("a lost GPU is replaced once for all whose work was on it, and all of it is done", async () => {
  const { keeper, opened, news, work } = keeperOf(5);
  await keeper.get();
  const works = [keeper.run(work), keeper.run(work), keeper.run(work)];
  opened[0]!.lose();
  expect(await Promise.all(works)).toEqual(["done", "done", "done"]);
  expect(opened.map(({ isDisposed }) => isDisposed)).toEqual([true, false]);
  expect(news).toEqual(["lost", "reopened"]);
});

test("work that notices the loss after the GPU was replaced goes on, on the new one", async () => {
  const { keeper, opened, news, work } = keeperOf(5);
  const first = await keeper.get();
  let isFirst = true;
  const late = keeper.run(async (gpu) => {
    if (isFirst) await new Promise((resolve) => setTimeout(resolve, 400));
    isFirst = false;
    return work(gpu);
  });
  opened[0]!.lose();
  expect(await keeper.run(work)).toBe("done");
  expect(await keeper.lossBehind(new Error("aborted"), first)).toBeInstanceOf(DeviceLostError);
  expect(await late).toBe("done");
  expect(opened.map(({ isDisposed }) => isDisposed)).toEqual([true, false]);
  expect(news).toEqual(["lost", "reopened"]);
});

test("an error on a GPU that works is thrown", async () => {
  const { keeper, news } = keeperOf(1);
  await expect(keeper.run(() => Promise.reject(new RangeError("no such seed")))).rejects.toThrow("no such seed");
  expect(news).toEqual([]);
});

test("where no GPU answers any more it says so to all, after some seconds", async () => {
  const { keeper, opened, news, work } = keeperOf(1);
  await keeper.get();
  opened[0]!.lose();
  const works = await Promise.allSettled([keeper.run(work), keeper.run(work)]);
  for (const result of works) expect(result).toMatchObject({ status: "rejected", reason: expect.any(NoDeviceError) });
  expect(news).toEqual(["lost"]);
});
