// The tuner on the GPU at hand, on tiny shapes; and convolutions of more channels than the random shapes have.

import { afterAll, beforeAll, expect, test } from "vitest";
import { conv2d, conv2dInput, conv2dWeight } from "../../src/autodiff/ops/conv.ts";
import { leaf } from "../../src/autodiff/tensor.ts";
import { Gpu } from "../../src/gpu/device.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { chooseConvolution, convolutions } from "../../src/runtime/convolutions.ts";
import { compile, submit } from "../../src/runtime/program.ts";
import type { TuningTable } from "../../src/runtime/tune.ts";
import { casesOf, Tuner } from "../../src/runtime/tuner.ts";
import { evaluateBounded } from "../reference/evaluate.ts";
import { Random } from "../reference/random.ts";
import { norm } from "../reference/rounding.ts";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await Gpu.open(await openAdapter());
});
afterAll(async () => {
  await gpu.finished(); // Dawn crashes where a process ends with work pending
  gpu.dispose();
});

test("times each case once, gives its memory back, and planning uses the winners", async () => {
  const [x, w, g] = [leaf("x", [1, 8, 8, 9]), leaf("w", [8, 8, 3, 3]), leaf("g", [1, 8, 6, 7])];
  const outputs = [conv2d(x, w), conv2dInput(g, w), conv2dWeight(x, g)];
  const cases = casesOf([{ name: "tiny", outputs, bindings: new Map() }]);
  let kept: TuningTable = {};
  const store = {
    read: async () => kept,
    write: async (_: string, table: TuningTable) => {
      kept = table;
    },
    clear: async () => {},
  };
  const tuner = await Tuner.open(gpu, store);
  const keys: string[] = [];
  await tuner.tune(cases, { budgetMs: 60_000, onTimed: (key) => keys.push(key) });
  expect(keys).toHaveLength(3);
  expect(gpu.stats()).toMatchObject({ buffers: 0, bytes: 0 });
  expect(Object.keys(kept).sort()).toEqual([...keys].sort());
  cases.forEach(({ opName, op }, i) => {
    const chosen = chooseConvolution(opName as "conv2d", op, gpu);
    expect(chosen.name).toBe(kept[keys[i]!]!.variant);
  });
  await tuner.tune(cases, { onTimed: (key) => keys.push(key) });
  expect(keys).toHaveLength(3);
  gpu.winners.clear();
});

/** More channels than fit into workgroup memory at once. */
const CHANNELS = 130;
const wide = (["conv2d", "conv2dInput"] as const).flatMap((opName) =>
  convolutions[opName]
    .filter(({ name }) => /staged|winograd/.test(name))
    .map((variant) => [opName, variant.name, variant] as const),
);
test.each(wide)(`${CHANNELS} channels: %s, %s`, async (opName, _, variant) => {
  const random = new Random("many channels");
  const [x, w] = [leaf("x", [1, CHANNELS, 5, 6]), leaf("w", opName === "conv2d" ? [9, CHANNELS, 3, 3] : [CHANNELS, 9, 3, 3])];
  const values = new Map([x, w].map((t) => [t, random.values(t.size).map(Math.fround)]));
  const y = opName === "conv2d" ? conv2d(x, w) : conv2dInput(x, w);
  const bindings = new Map([...values].map(([t, v]) => [t, gpu.upload(Float32Array.from(v), `${t}`)] as const));
  const program = await compile(gpu, { name: "wide", outputs: [y], bindings, choose: () => variant });
  submit(gpu, [program]);
  const [got] = await gpu.read([program.slice(y)]);
  const want = evaluateBounded([y], values).get(y)!;
  expect(norm(want.value.map((v, i) => got![i]! - v))).toBeLessThanOrEqual(want.bound);
  program.dispose();
  for (const slice of bindings.values()) gpu.free(slice);
});
