// What an iteration is made of: how many dispatches, how much work, and the times that a profile gives them.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Gpu, GpuError } from "../../src/gpu/device.ts";
import type { DeviceProfile } from "../../src/gpu/profile.ts";
import { PassTimer } from "../../src/gpu/timing.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { loadKernels } from "../../src/runtime/conv/families.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { pyramidSizes } from "../../src/singan/model/pyramid.ts";
import { profileScale, recipeOf, resolveOptions } from "../../src/singan/recipes.ts";
import { withTrainer } from "../../src/singan/training/dry-run.ts";

/** Of an iteration at the paper's scale 4: each costs a GPU some microseconds, however little it does. */
const MOST_DISPATCHES = 450;
/** Where convolutions go by Winograd's tiles, four dispatches each for a quarter of the multiply-adds (docs/adr/0005). */
const MOST_BY_TILES = 900;
/** Of the cost model, which takes all borders of a pass and its gradients for the same: 0.5 % here. */
const MODEL_ERROR = 0.02;

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openDevice(await openAdapter());
  await loadKernels({ isSoftware: true });
});
afterAll(() => gpu.dispose());

const TINY = resolveOptions({ maxSize: 24, minSize: 16, scaleFactor: 0.6, channels: 4, maxChannels: 4 });
const tiny = pyramidSizes({ width: 31, height: 24, ...TINY });

describe("an iteration", () => {
  const paper = resolveOptions({});
  const pyramid = pyramidSizes({ width: 250, height: 188, ...paper });

  const devices: [name: string, isByTiles: boolean, profile: DeviceProfile][] = [
    ["hardware", false, { isSoftware: false, subgroupSize: 32, hasSubgroups: true }],
    ["SwiftShader", true, { isSoftware: true, subgroupSize: 4, hasSubgroups: true }],
    ["llvmpipe", true, { isSoftware: true, subgroupSize: 8, hasSubgroups: true }],
    ["software without subgroups", false, { isSoftware: true, subgroupSize: 4, hasSubgroups: false }],
  ];
  test.each(devices)(
    `of 82x62, 64 channels: at most ${MOST_DISPATCHES} dispatches (${MOST_BY_TILES} by tiles), the cost model's work; %s`,
    async (_, isByTiles, profile) => {
      expect(pyramid.sizes[4]).toEqual({ width: 82, height: 62 });
      const planned = gpu.dryRun(false, profile);
      const dispatches = await withTrainer(planned, { recipe: recipeOf(paper), options: paper, pyramid }, 4, async (trainer) =>
        trainer.iteration(0).flatMap(({ program }) => program.dispatches),
      );
      expect(dispatches.some(({ kernel }) => kernel === "quad_product")).toBe(isByTiles);
      expect(dispatches.length).toBeLessThanOrEqual(isByTiles ? MOST_BY_TILES : MOST_DISPATCHES);
      const macs = dispatches.reduce((sum, { work }) => sum + work.flops / 2, 0);
      expect(Math.abs(macs / recipeOf(paper).macsPerIteration(4, pyramid.sizes, paper) - 1)).toBeLessThan(MODEL_ERROR);
      for (const { label, kernel, work } of dispatches) expect(work.bytes, `${label}: ${kernel}`).toBeGreaterThan(0);
    },
  );
});

describe("a profile", () => {
  test("has a row per op and kernel, whose calls, times and shares add up, and leaves no memory behind", async () => {
    const before = gpu.stats();
    const { scale, size, channels, dispatches, wallMs, kernelMs, idleShare, kernels } = await profileScale(gpu, tiny, TINY, 1);
    expect({ scale, size, channels }).toEqual({ scale: 1, size: tiny.sizes[1], channels: 4 });
    const total = (field: "calls" | "ms" | "share") => kernels.reduce((sum, row) => sum + row[field], 0);
    expect(total("calls")).toBe(dispatches);
    expect(total("ms")).toBeCloseTo(kernelMs, 6);
    expect(total("share")).toBeCloseTo(1, 9);
    expect(kernelMs).toBeGreaterThan(0);
    expect(idleShare).toBe(Math.max(0, 1 - kernelMs / wallMs));
    expect(new Set(kernels.map(({ op, kernel }) => `${op} ${kernel}`)).size).toBe(kernels.length);
    expect(kernels).toContainEqual(
      expect.objectContaining({ op: "conv2dWeight", kernel: "conv2d_weight", gflops: expect.any(Number) }),
    );
    expect(kernels).toContainEqual(expect.objectContaining({ op: "adam", calls: TINY.dSteps + TINY.gSteps, gflops: null }));
    const { buffers, bytes } = gpu.stats();
    expect({ buffers, bytes }).toEqual({ buffers: before.buffers, bytes: before.bytes });
  });

  test("times more passes than a query set holds", async () => {
    const passes = 2050;
    const timer = new PassTimer(gpu, passes);
    const encoder = gpu.device.createCommandEncoder();
    for (let at = 0; at < passes; at++) encoder.beginComputePass(timer.next()).end();
    gpu.device.queue.submit([encoder.finish()]);
    const times = await timer.read();
    timer.dispose();
    expect(times).toHaveLength(passes);
    expect(times.every((ms) => ms >= 0 && ms < 60_000)).toBe(true);
  });

  test("is refused where the adapter has no clock for it", () => {
    const device = { features: new Set<string>() } as unknown as GPUDevice;
    const message = "toy can't time its kernels: it lacks the WebGPU feature timestamp-query";
    expect(() => new PassTimer({ device, adapterName: "toy" } as Gpu, 1)).toThrow(new GpuError(message));
  });
});
