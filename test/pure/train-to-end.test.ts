// toEnd() goes on after setbacks, and knows when to stop; GpuKeeper waits for another device.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { DeviceLostError, type Gpu } from "../../src/gpu/device.ts";
import { GpuKeeper, NoDeviceError } from "../../src/gpu/gpu-keeper.ts";
import type { AnyModel } from "../../src/singan/model/model.ts";
import { DivergedError } from "../../src/singan/training/level-trainer.ts";
import type { TrainingState } from "../../src/singan/training/recipe.ts";
import type { TrainControl, TrainEvent } from "../../src/singan/training/train.ts";
import { toEnd } from "../../src/singan/training/train-to-end.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const loss = () => new DeviceLostError("the GPU device was lost (unknown)");
const stateAt = (level: number, noiseStream = 0) =>
  ({ level, noiseStream, trainer: null, model: {}, losses: null, seconds: 0, reconstruction: null }) as unknown as TrainingState;
const eventAt = (state: TrainingState) => ({ kind: "scale", scale: state.level, state }) as unknown as TrainEvent;

/** A device that is never found lost by itself: the errors of the attempts tell it. */
const device = () => ({ dispose: vi.fn(), isLost: async () => false, check() {} }) as unknown as Gpu;
const keeperOf = (open: () => Promise<Gpu> = async () => device()) => new GpuKeeper(open);

/** Runs attempts, each of which reports states and then ends or throws; returns what they were given, the setbacks, and the end. */
async function run(keeper: GpuKeeper, attempts: readonly (readonly [states: readonly TrainingState[], end: Error | string])[]) {
  const controls: TrainControl[] = [];
  const setbacks: string[] = [];
  const left = [...attempts];
  async function* attempt(_: Gpu, control: TrainControl): AsyncGenerator<TrainEvent<AnyModel>, string> {
    controls.push(control);
    const [states, end] = left.shift()!;
    for (const state of states) yield eventAt(state);
    if (typeof end !== "string") throw end;
    return end;
  }
  const all = (async () => {
    const events = toEnd(keeper, attempt);
    for (;;) {
      const { done, value } = await events.next();
      if (done) return value;
      if (value.kind === "setback") setbacks.push(`${value.reason} ${value.scale}`);
    }
  })().catch((error: Error) => error);
  await vi.runAllTimersAsync();
  return { end: await all, controls, setbacks };
}

test("a lost device: from the last state, in submits half as long each time", async () => {
  const [a, b] = [stateAt(0), stateAt(1)];
  const { end, controls, setbacks } = await run(keeperOf(), [
    [[], loss()],
    [[a], loss()],
    [[b], loss()],
    [[], "done"],
  ]);
  expect(end).toBe("done");
  expect(controls.map(({ from, share }) => [from, share])).toEqual([
    [undefined, 1],
    [undefined, 0.5],
    [a, 0.25],
    [b, 0.125],
  ]);
  expect(setbacks).toEqual(["lost 0", "lost 0", "lost 1"]);
});

test("three losses without a newer state end it, with advice; the state was handed out", async () => {
  const a = stateAt(2);
  const { end, setbacks } = await run(keeperOf(), [
    [[a], loss()],
    [[a], loss()],
    [[], loss()],
  ]);
  expect((end as unknown as Error).message).toBe(
    "the GPU device was lost (unknown), 3 times at scale 2, iteration 0: try a smaller maxSize, or update the graphics driver",
  );
  expect(setbacks).toEqual(["lost 2", "lost 2"]);
});

test("a divergence: from the last state with other noise, three times; the fourth ends it with advice", async () => {
  const diverged = () => new DivergedError("scale 1, iteration 7: a weight is not a number");
  const a = stateAt(1);
  const { end, controls } = await run(keeperOf(), [[[a], diverged()], ...Array(3).fill([[], diverged()])]);
  expect(controls.map(({ from }) => from?.noiseStream)).toEqual([undefined, 1, 2, 3]);
  expect((end as unknown as Error).message).toBe(
    "scale 1, iteration 7: a weight is not a number, and it went wrong 4 times: try a lower lr, or another seed",
  );
});

test("another error is thrown as it is", async () => {
  const { end, controls } = await run(keeperOf(), [[[stateAt(0)], new RangeError("a bug")]]);
  expect([end, controls.length]).toEqual([new RangeError("a bug"), 1]);
});

test("the keeper asks after 0.1, 0.5, 2 and 5 s, and then gives up", async () => {
  const times: number[] = [];
  let isThere = true;
  const keeper = keeperOf(async () => {
    times.push(Date.now());
    if (!isThere) throw new Error("no adapter");
    return device();
  });
  const first = await keeper.get();
  isThere = false;
  const lost = Date.now();
  const reopened = keeper.reopen(loss()).catch((error) => error);
  await vi.runAllTimersAsync();
  expect(times.slice(1).map((time) => time - lost)).toEqual([100, 600, 2600, 7600]);
  expect(await reopened).toEqual(new NoDeviceError("the GPU device was lost (unknown); no GPU answers any more"));
  expect(first.dispose).toHaveBeenCalledTimes(1);
  isThere = true;
  expect(await keeper.get()).not.toBe(first);
});

test("work on the device is done again on another one, at most three times", async () => {
  const keeper = keeperOf();
  let tries = 0;
  const work = async (): Promise<number> => {
    if (++tries < 3) throw loss();
    return tries;
  };
  const done = keeper.run(work);
  await vi.runAllTimersAsync();
  expect(await done).toBe(3);
  const failing = keeper
    .run(async () => {
      throw loss();
    })
    .catch((error) => error);
  await vi.runAllTimersAsync();
  expect(await failing).toBeInstanceOf(DeviceLostError);
});

test("a closed keeper disposes a device that is still being opened", async () => {
  const late = device();
  let open: (gpu: Gpu) => void = () => {};
  const keeper = keeperOf(() => new Promise((resolve) => (open = resolve)));
  const opening = keeper.get().catch((error: Error) => error.message);
  keeper.dispose();
  open(late);
  expect(await opening).toBe("the GPU was closed while it was opened");
  expect(late.dispose).toHaveBeenCalled();
});
