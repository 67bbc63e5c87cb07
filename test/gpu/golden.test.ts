// Runs every PyTorch vector of test/golden on the GPU, and checks that the runner reports wrong cases.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Gpu } from "../../src/gpu/device.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { readSafetensors, writeSafetensors } from "../../src/singan/model/safetensors.ts";
import { goldenFolder } from "../vectors/folder.ts";
import { caseNames, describeResult, runCase } from "../vectors/run.ts";

const FOLDER = "test/golden";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openDevice(await openAdapter());
});
afterAll(() => gpu.dispose());

describe("golden vectors", () => {
  const read = goldenFolder(FOLDER);
  test.each(caseNames(read))("%s", async (name) => {
    const result = await runCase(gpu, read, name);
    expect(result.passed, describeResult(result)).toBe(true);
  });
});

describe("the runner fails on", () => {
  const convolution = "a_conv_02_n1_ci3_11x14_co5";
  const changed = async (change: (file: ReturnType<typeof readSafetensors>) => void, name = convolution) => {
    const folder = mkdtempSync(join(tmpdir(), "golden-"));
    try {
      cpSync(FOLDER, folder, { recursive: true });
      const path = join(folder, `${name}.safetensors`);
      const file = readSafetensors(readFileSync(path));
      change(file);
      writeFileSync(path, writeSafetensors(file.tensors, file.metadata));
      return await runCase(gpu, goldenFolder(folder), name);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };

  test("a wrong value", async () => {
    const result = await changed(({ tensors }) => {
      tensors.get("dd_w")!.data[7]! += 1e-3;
    });
    expect(result).toMatchObject({ passed: false, worst: { tensor: "dd_w" } });
  });
  test("a value that is not a number", async () => {
    const result = await changed(({ tensors }) => {
      tensors.get("y")!.data[0] = Number.NaN;
    });
    expect(result).toMatchObject({ passed: false, worst: { tensor: "y" } });
  });
  test("a kind of case it does not know", async () => {
    const result = await changed(({ metadata }) => {
      metadata["op"] = "conv3d";
    });
    expect(result).toMatchObject({ passed: false, problem: "unknown kind of case: conv3d" });
  });
  test("a noise amplitude that is 1 % off", async () => {
    const result = await changed(({ metadata }) => {
      const params = JSON.parse(metadata["params"]!);
      params.noise_amps[1] *= 1.01;
      metadata["params"] = JSON.stringify(params);
    }, "i_sampling_tulips_29x29");
    expect(result).toMatchObject({ passed: false, worst: { tensor: expect.stringMatching(/^sample\.\d\.picture\.1$/) } });
  });
  test("a result it does not compute", async () => {
    const result = await changed(({ metadata }) => {
      metadata["outputs"] = JSON.stringify({ ...JSON.parse(metadata["outputs"]!), extra: [1, 1, 1] });
    });
    expect(result).toMatchObject({ passed: false, problem: "not compared: extra" });
  });
  test("a folder without an index", () => {
    expect(() => goldenFolder(tmpdir())).toThrow("not a folder of golden vectors");
  });
});
