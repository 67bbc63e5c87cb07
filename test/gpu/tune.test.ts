// The tuner on the GPU at hand, on tiny shapes; and convolutions of more channels than the random shapes have.

import { afterAll, expect, test } from "vitest";
import { conv2d, conv2dInput, conv2dWeight } from "../../src/autodiff/ops/conv.ts";
import { leaf, type Tensor } from "../../src/autodiff/tensor.ts";
import { addKernels } from "../../src/gpu/pipelines.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { chooseConvolution, convolutionVariants, loadKernels } from "../../src/runtime/conv/families.ts";
import { winograd4Image, winograd4Weights } from "../../src/runtime/conv/software/winograd4.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { compile, submit } from "../../src/runtime/program.ts";
import { type TuningCase, type TuningTable, tuningOf } from "../../src/runtime/tune.ts";
import { casesOf, Tuner } from "../../src/runtime/tuner.ts";
import { runsOn, type Variant } from "../../src/runtime/variant.ts";
import { PADDING } from "../../src/singan/model/config.ts";
import { pyramidOf, resolveOptions, tuneTraining } from "../../src/singan/recipes.ts";
import { evaluateBounded } from "../reference/evaluate.ts";
import { Random } from "../reference/random.ts";
import { norm } from "../reference/rounding.ts";
import { TINY, tinyPhoto } from "../tiny-training.ts";

const gpu = await openDevice(await openAdapter());
afterAll(async () => {
  await gpu.finished(); // Dawn crashes where a process ends with work pending
  gpu.dispose();
});

test("times each case once, gives its memory back, and planning uses the table, in dry runs too", async () => {
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
    for (const one of [gpu, gpu.dryRun(false), gpu.dryRun(true).dryRun(false)]) {
      const chosen = chooseConvolution(opName, op, one.profile, tuningOf(one));
      expect(chosen.name).toBe(kept[keys[i]!]!.variant);
    }
  });
  await tuner.tune(cases, { onTimed: (key) => keys.push(key) });
  expect(keys).toHaveLength(3);
  expect(tuningOf(gpu.dryRun(false, { ...gpu.profile })).size).toBe(0); // of another device nothing is known
  tuningOf(gpu).clear();
});

test("a table's name follows from the variants of the adapter's kind, and from the text of the kernels that are loaded", async () => {
  await loadKernels({ isSoftware: true });
  const nameOn = async (subgroupSize: number): Promise<string> => {
    let name = "";
    const read = async (adapter: string) => {
      name = adapter;
      return {};
    };
    const dry = gpu.dryRun(false, { isSoftware: true, subgroupSize, hasSubgroups: true });
    await Tuner.open(dry, { read, write: async () => {}, clear: async () => {} });
    return name;
  };
  const [narrow, wide] = [await nameOn(4), await nameOn(8)];
  expect(narrow.replace(/ \w+$/, "")).toBe(wide.replace(/ \w+$/, "")); // but for the hash
  expect(narrow).not.toBe(wide);
  addKernels({ kernels: {}, sources: { another: "// a kernel" } });
  expect(await nameOn(4)).not.toBe(narrow);
});

test("before a training all its levels are tuned, or those that are asked for, each for the batches that it runs", async () => {
  const options = resolveOptions({ ...TINY, recipe: "singan" });
  const plan = { options, pyramid: pyramidOf(tinyPhoto(), options) };
  const levels = async (includes?: (level: number) => boolean) => {
    const widths: number[] = [];
    const tune = async (cases: readonly TuningCase[]) => {
      const images = cases.filter(({ opName }) => opName !== "conv2dWeight").map(({ op }) => op.inputs[0]!);
      widths.push(Math.max(...images.map((shape) => shape[3]!)));
      expect(new Set(images.map(([n]) => n))).toEqual(new Set([1, 2]));
    };
    await tuneTraining(gpu, { tune } as unknown as Tuner, plan, includes && { includes });
    return widths;
  };
  const widths = plan.pyramid.sizes.map(({ width }) => width + 2 * PADDING);
  expect(await levels()).toEqual(widths);
  expect(await levels((level) => level === 1)).toEqual([widths[1]]);
});

/** More channels than fit into workgroup memory at once, and more than two blocks of them on both sides; tiles for two blocks. */
const [MANY, SOME] = [130, 70];
const SHAPES = {
  conv2d: [
    [2, MANY, 22, 24],
    [SOME, MANY, 3, 3],
  ],
  conv2dInput: [
    [2, MANY, 18, 20],
    [MANY, SOME, 3, 3],
  ],
  conv2dWeight: [
    [2, MANY, 20, 22],
    [2, SOME, 18, 20],
  ],
} as const;
const OPS = { conv2d, conv2dInput, conv2dWeight };
type Wide = keyof typeof OPS;

/** Inputs, result and reference of an op; made once for its variants. */
const wideCases = new Map<Wide, ReturnType<typeof makeWide>>();
function makeWide(opName: Wide) {
  const random = new Random("many channels");
  const [a, b] = SHAPES[opName].map((shape, i) => leaf(`input ${i}`, shape)) as [Tensor, Tensor];
  const y = OPS[opName](a, b);
  const values = new Map([a, b].map((t) => [t, random.values(t.size).map(Math.fround)]));
  return { y, values, want: evaluateBounded([y], values).get(y)! };
}
/** Any GPU: its variants run on software adapters too. */
const HARDWARE = { isSoftware: false, subgroupSize: 32, hasSubgroups: true };
const wide = (Object.keys(OPS) as Wide[]).flatMap((opName) =>
  [...new Set([HARDWARE, gpu.profile].flatMap((profile) => convolutionVariants(opName, profile)))]
    .filter((variant) => !/^(direct|padded)/.test(variant.name) && runsOn(variant, gpu.profile))
    .map((variant) => [opName, variant.name, variant] as const),
);
/** Small enough for several chunks of tiles; the last of weight gradients has depths that are left after whole turns. */
const CHUNK_BYTES = 2 ** 19;
const QUAD_BLOCKS = [
  { lanes: 4, R: 8, channels: 32 },
  { lanes: 4, R: 4, channels: 16 },
  { lanes: 8, R: 4, channels: 64 },
] as const;
const chunked: [Wide, string, Variant][] = QUAD_BLOCKS.flatMap(
  (block) =>
    [
      ["conv2d", winograd4Image(block, "conv2d", CHUNK_BYTES)],
      ["conv2dInput", winograd4Image(block, "conv2dInput", CHUNK_BYTES)],
      ["conv2dWeight", winograd4Weights(block, CHUNK_BYTES)],
    ] as const,
)
  .filter(([, variant]) => runsOn(variant, gpu.profile))
  .map(([opName, variant]) => [opName, `${variant.name}, in chunks`, variant]);
test.each([...wide, ...chunked])("many channels: %s, %s", async (opName, _, variant) => {
  const { y, values, want } = wideCases.get(opName) ?? makeWide(opName);
  wideCases.set(opName, { y, values, want });
  const bindings = new Map([...values].map(([t, v]) => [t, gpu.upload(Float32Array.from(v), `${t}`)] as const));
  const program = await compile(gpu, { name: "wide", outputs: [y], bindings, choose: () => variant });
  submit(gpu, [program]);
  const [got] = await gpu.read([program.slice(y)]);
  expect(norm(want.value.map((v, i) => got![i]! - v))).toBeLessThanOrEqual(want.bound);
  program.dispose();
  for (const slice of bindings.values()) gpu.free(slice);
});
