// The tuner's decisions with a simulated clock, and its file.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cacheFolder, tuningFile } from "../../src/node/tuning-file.ts";
import { chooseConvolution, convolutionCandidates, convolutionVariants, loadKernels } from "../../src/runtime/conv/families.ts";
import { type Timing, type TuningCase, type TuningTools, tune, tuningKey } from "../../src/runtime/tune.ts";
import type { OpCase, Variant } from "../../src/runtime/variant.ts";

const convolution = (c_in: number, c_out: number, h: number, w: number, n = 1): TuningCase => ({
  opName: "conv2d",
  op: {
    inputs: [
      [n, c_in, h + 2, w + 2],
      [c_out, c_in, 3, 3],
    ],
    shape: [n, c_out, h, w],
    attrs: {},
  },
});

/** Variants a, b, … that take the given ms per run on a simulated clock. Compiling takes 10 ms. */
function invented(ms: Readonly<Record<string, number>>) {
  let clock = 0;
  let live = 0;
  const runs: Record<string, number> = {};
  const variants: Variant[] = Object.keys(ms).map((name) => ({ name, calls: () => [] }));
  const tools: TuningTools = {
    candidates: () => variants,
    now: () => clock,
    async start(_, { name }) {
      clock += 10;
      live++;
      return {
        async time(repetitions) {
          clock += ms[name]! * repetitions;
          runs[name] = (runs[name] ?? 0) + repetitions;
          return ms[name]!;
        },
        dispose: () => void live--,
      };
    },
  };
  return { tools, runs, clock: () => clock, live: () => live };
}
const LONG = { budgetMs: 1e9 };
const one = convolution(32, 32, 24, 32);
const key = tuningKey("conv2d", one.op)!;

describe("tune", () => {
  test("remembers the fastest, and gives every trial back", async () => {
    const { tools, live } = invented({ a: 3, b: 1, c: 2 });
    expect(await tune([one], {}, tools, LONG)).toEqual({ [key]: { variant: "b", ms: 1 } });
    expect(live()).toBe(0);
  });

  test("keeps the static choice where another is hardly faster", async () => {
    expect(await tune([one], {}, invented({ a: 1, b: 0.97 }).tools, LONG)).toMatchObject({ [key]: { variant: "a" } });
  });

  test("runs a hopeless variant once", async () => {
    const { tools, runs } = invented({ a: 1, b: 100 });
    await tune([one], {}, tools, LONG);
    expect(runs["b"]).toBe(1);
  });

  test("times neither what is known nor a case twice, and no other ops", async () => {
    const { tools, clock } = invented({ a: 1, b: 2 });
    expect(await tune([one], {}, invented({ a: 1 }).tools, LONG)).toEqual({}); // nothing to choose from
    expect(await tune([one], { [key]: { variant: "b", ms: 1 } }, tools, LONG)).toEqual({});
    expect(await tune([{ opName: "add", op: one.op }], {}, tools, LONG)).toEqual({});
    expect(clock()).toBe(0);
    const keys: string[] = [];
    await tune([one, one], {}, tools, { ...LONG, onTimed: (k) => keys.push(k) });
    expect(keys).toEqual([key]);
  });

  test("stops at the budget: a case that is begun is decided, the rest has no entry", async () => {
    const { tools, clock } = invented({ a: 5, b: 1, c: 1 });
    const cases = [one, convolution(32, 32, 200, 250)];
    const found: Record<string, Timing> = { ...(await tune(cases, {}, tools, { budgetMs: 20 })) };
    expect(Object.keys(found)).toEqual([key]);
    expect(clock()).toBeLessThan(60);
    expect(await tune(cases, {}, tools, { budgetMs: 0 })).toEqual({});
  });

  test("gives the trials back where one fails", async () => {
    const { tools, live } = invented({ a: 1, b: 1 });
    const failing = {
      ...tools,
      start: (c: TuningCase, v: Variant) => (v.name === "b" ? Promise.reject(new Error("no")) : tools.start(c, v)),
    };
    await expect(tune([one], {}, failing, LONG)).rejects.toThrow("no");
    expect(live()).toBe(0);
  });
});

test("cases of about the same size share a key, with and without activation; others don't", () => {
  const keyOf = (c: TuningCase) => tuningKey(c.opName, c.op);
  expect(keyOf(convolution(32, 32, 26, 34))).toBe(keyOf(convolution(32, 32, 24, 36)));
  expect(keyOf({ ...one, opName: "conv2dLeaky" })).toBe(key);
  expect(keyOf({ ...one, opName: "conv2dInput" })).not.toBe(key);
  expect(keyOf(convolution(32, 32, 48, 64))).not.toBe(key);
  expect(keyOf(convolution(3, 32, 24, 32))).not.toBe(key);
});

describe("the choice of a convolution", () => {
  const software = { isSoftware: true, subgroupSize: 4, hasSubgroups: false };
  beforeAll(() => loadKernels(software));
  const devices = [true, false].flatMap((hasSubgroups) => [
    { ...software, hasSubgroups },
    { isSoftware: true, subgroupSize: 8, hasSubgroups },
    { isSoftware: false, subgroupSize: 32, hasSubgroups },
  ]);
  test("is what the table says, where there is such a variant", () => {
    const winner = convolutionVariants("conv2d", software).findLast(({ subgroupSize }) => !subgroupSize)!.name;
    const choose = (variant: string) => chooseConvolution("conv2d", one.op, software, new Map([[key, { variant }]]));
    const untuned = chooseConvolution("conv2d", one.op, software, new Map());
    expect(untuned.name).not.toBe(winner);
    expect(choose(winner).name).toBe(winner);
    expect(choose("gone")).toBe(untuned);
  });

  test.each([1, 2, 3, 4, 5, 8, 32, 128])("comes first among the candidates, %i channels", (channels) => {
    for (const device of devices) {
      for (const [c_in, c_out] of [
        [channels, 32],
        [32, channels],
      ] as const) {
        const { op } = convolution(c_in, c_out, 30, 40);
        const weight: OpCase = { inputs: [op.inputs[0]!, op.shape], shape: op.inputs[1]!, attrs: {} };
        const input: OpCase = { inputs: [op.shape, op.inputs[1]!], shape: op.inputs[0]!, attrs: {} };
        for (const [name, of] of [
          ["conv2d", op],
          ["conv2dInput", input],
          ["conv2dWeight", weight],
        ] as const) {
          const candidates = convolutionCandidates(name, of, device);
          expect(candidates[0]).toBe(chooseConvolution(name, of, device, new Map()));
          expect(new Set(candidates).size).toBe(candidates.length);
        }
      }
    }
  });
});

describe("the tuning file", () => {
  const folder = mkdtempSync(join(tmpdir(), "tuning-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const table = { [key]: { variant: "a", ms: 1.5 } };

  test("keeps a table per adapter, and forgets", async () => {
    const store = tuningFile(join(folder, "new", "tuning.json"));
    expect(await store.read("one")).toEqual({});
    await store.write("one", table);
    await store.write("two", {});
    expect(await tuningFile(join(folder, "new", "tuning.json")).read("one")).toEqual(table);
    await store.clear();
    expect(await store.read("one")).toEqual({});
  });

  test.each([
    ["no JSON", "{"],
    ["a list", "[]"],
    ["other values", '{"one": {"k": 3}, "two": null}'],
  ])("is as good as empty where it holds %s, and is written anew", async (_, text) => {
    const path = join(folder, "damaged.json");
    writeFileSync(path, text);
    const store = tuningFile(path);
    expect(await store.read("one")).toEqual({});
    await store.write("one", table);
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({ one: table });
  });

  test("is done without where it can't be written", async () => {
    writeFileSync(join(folder, "file"), "");
    const store = tuningFile(join(folder, "file", "tuning.json"));
    await store.write("one", table);
    expect(await store.read("one")).toEqual({});
    await store.clear();
  });

  test("lies where the system keeps caches", () => {
    expect(cacheFolder("linux", {}, "/home/me")).toBe("/home/me/.cache/singan-webgpu");
    expect(cacheFolder("linux", { XDG_CACHE_HOME: "/cache" }, "/home/me")).toBe("/cache/singan-webgpu");
    expect(cacheFolder("darwin", {}, "/Users/me")).toBe("/Users/me/Library/Caches/singan-webgpu");
    expect(cacheFolder("win32", { LOCALAPPDATA: "/local" }, "/me")).toBe(join("/local", "singan-webgpu"));
  });
});
