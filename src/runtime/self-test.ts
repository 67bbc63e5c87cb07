// Compares the kernels that graphs run with CPU values: some drivers compute wrong results without an error, which a training would hide
// for hours. Convolutions run in the chosen variants, with all their channels, on small pictures; every other op runs on its examples. The
// pipelines are those of the graphs, so that almost nothing is compiled in addition.

import { registry } from "../autodiff/ops/registry.ts";
import { apply, type Example, leaf, sizeOf, type Tensor } from "../autodiff/tensor.ts";
import { type Gpu, GpuError, type Slice } from "../gpu/device.ts";
import { evaluate } from "../reference/evaluate.ts";
import { averaged } from "./average.ts";
import { choose } from "./choice.ts";
import { isRight, smallCases } from "./conv/check.ts";
import { convolutionCandidates, faultName } from "./conv/families.ts";
import { contractionOf } from "./conv/problem.ts";
import { ParamSet } from "./param-set.ts";
import type { Graph } from "./plan.ts";
import { submit } from "./program.ts";
import { ProgramSet } from "./program-set.ts";
import { runningStats } from "./running-stats.ts";
import { type TuningCase, tuningOf } from "./tune.ts";
import { nodesOf } from "./tuner.ts";
import { caseOf, type Variant } from "./variant.ts";

/** What was found right on a Gpu: ops by name, convolutions by case and variant. */
const sound = new WeakMap<Gpu, Set<string>>();

/**
 * Returns the variants of convolutions that compute wrong results, as "conv2d by NAME"; they are not chosen any more, on this Gpu and its
 * dry runs. What was found right before is not tested again. Throws GpuError where another kernel computes wrong results, or where all
 * variants of a convolution do.
 */
export async function testKernels(gpu: Gpu, graphs: readonly Graph[]): Promise<string[]> {
  const known = sound.get(gpu) ?? new Set<string>();
  sound.set(gpu, known);
  const nodes = graphs.flatMap(nodesOf);
  const convolutions = distinct(
    nodes.filter(({ name }) => contractionOf(name)).map((node) => ({ opName: node.name, op: caseOf(node) })),
    JSON.stringify,
  );
  const others = distinct(nodes, ({ name }) => name).filter(({ name }) => !contractionOf(name) && !known.has(name));
  const [first] = await Promise.all([
    wrongVariants(gpu, convolutions, known),
    testOps(
      gpu,
      others.map(({ name }) => name),
    ),
    known.size === 0 && testUpdates(gpu),
  ]);
  for (const { name } of others) known.add(name);
  const dropped: string[] = [];
  for (let wrong = first; wrong.length > 0; wrong = await wrongVariants(gpu, convolutions, known)) {
    for (const name of wrong) gpu.profile.faults?.add(name);
    dropped.push(...wrong);
    for (const { opName, op } of convolutions)
      if (convolutionCandidates(opName, op, gpu.profile).length === 0) throw wrongResults(gpu, dropped.join(", "));
  }
  return dropped;
}

const distinct = <T>(values: readonly T[], key: (value: T) => string): T[] => [
  ...new Map(values.map((value) => [key(value), value])).values(),
];

const wrongResults = (gpu: Gpu, what: string): GpuError =>
  new GpuError(`this GPU computes wrong results: ${gpu.adapterName}: ${what}`);

/** The values of what `draft` returns, after one run of the programs that it drafts. */
async function computed(gpu: Gpu, draft: (set: ProgramSet<string>) => readonly Slice[]): Promise<Float32Array[]> {
  const set = new ProgramSet<string>(gpu, "self-test");
  try {
    const wanted = draft(set);
    submit(gpu, Object.values(await set.complete()));
    return await gpu.read(wanted);
  } finally {
    set.dispose();
  }
}

/** Pseudo-random values in [-1,1), always the same: a linear congruential generator (Numerical Recipes, section 7.1). */
function someValues(count: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  });
}

/** The inputs of all convolutions are ranges of the same values. The i-th input begins at i times this, a bindable offset. */
const INPUT_STEP = 65 * 64;

/** Compares the variants that are chosen for these cases with sums on the CPU. Returns the names of those that are wrong. */
async function wrongVariants(gpu: Gpu, cases: readonly TuningCase[], known: Set<string>): Promise<string[]> {
  const chosen = cases.flatMap(({ opName, op }) => {
    const variant: Variant = choose(opName, op, gpu.profile, tuningOf(gpu));
    return smallCases(opName, op, variant).map((small) => ({ opName, op: small, variant }));
  });
  const keyOf = ({ opName, op, variant }: (typeof chosen)[number]) => JSON.stringify([opName, op, variant.name]);
  const tests = distinct(chosen, keyOf).filter((one) => !known.has(keyOf(one)));
  if (tests.length === 0) return [];
  const values = someValues(Math.max(...tests.flatMap(({ op }) => op.inputs.map((s, i) => i * INPUT_STEP + sizeOf(s)))));
  const results = await computed(gpu, (set) => {
    const all = set.alloc(values.byteLength, "values");
    gpu.write(all, values);
    return tests.map(({ opName, op, variant }, k) => {
      const inputs = op.inputs.map((shape, i) => leaf(`x${i}`, shape));
      set.bind(inputs.map((t, i) => [t, { buffer: all.buffer, offset: 4 * i * INPUT_STEP, bytes: 4 * t.size }]));
      const result = apply(registry.get(opName)!, inputs, op.attrs);
      return set.draft(`${k}`, [result], { choose: () => variant }).slice(result);
    });
  });
  const wrong = new Set<string>();
  for (const [k, test] of tests.entries()) {
    const inputs = test.op.inputs.map((shape, i) => values.subarray(i * INPUT_STEP, i * INPUT_STEP + sizeOf(shape)));
    if (isRight(test, inputs, results[k]!)) known.add(keyOf(test));
    else wrong.add(faultName(test.opName, test.variant));
  }
  return [...wrong];
}

/**
 * Largest distance between a kernel's result and the f64 value, relative to the value's norm. Rounding makes less than 1e-5 on the examples
 * (the bounds of each op are in test/reference/rounding.ts); a wrong kernel makes about 1.
 */
const TOLERANCE = 1e-4;

const norm = (values: Float64Array): number => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
const isClose = (got: Float32Array, want: Float64Array): boolean =>
  norm(want.map((v, i) => got[i]! - v)) <= TOLERANCE * norm(want);

/** Compares ops with their f64 loops, on their examples. Throws GpuError for the first that is wrong. */
async function testOps(gpu: Gpu, names: readonly string[]): Promise<void> {
  const values = new Map<Tensor, Float32Array | Uint32Array>();
  const nodes = names.flatMap((name) => {
    const op = registry.get(name)!;
    return op.examples.map((example) => apply(op, inputsOf(example, values), example.attrs));
  });
  if (nodes.length === 0) return;
  const results = await computed(gpu, (set) => {
    for (const [t, data] of values) set.upload(t, data);
    const draft = set.draft("ops", nodes);
    return nodes.map((t) => draft.slice(t));
  });
  for (const [i, want] of evaluate(nodes, values).entries())
    if (!isClose(results[i]!, want)) throw wrongResults(gpu, nodes[i]!.name);
}

/** Leaves for an example, with their values in its domain. */
function inputsOf({ inputs, domain, derive }: Example, values: Map<Tensor, Float32Array | Uint32Array>): Tensor[] {
  const leaves = inputs.map((shape, i) => leaf(`x${i}`, shape));
  const drawn = someValues(leaves.reduce((sum, { size }) => sum + size, 0));
  let at = 0;
  for (const t of leaves) {
    const own = drawn.slice(at, at + t.size);
    at += t.size;
    if (domain === "bits") values.set(t, new Uint32Array(own.buffer));
    else values.set(t, domain === "positive" ? own.map((v) => Math.abs(v) + 0.1) : own);
  }
  if (derive) {
    const [made] = evaluate([derive.make(leaves)], values);
    values.set(leaves[derive.to]!, Float32Array.from(made!));
  }
  return leaves;
}

const HYPER = { beta1: 0.5, beta2: 0.75, eps: 0.01 };
const COUNT = 70;
const GROUPS = 2;

/** Compares the updates, which are no ops, with their formulas (shaders/adam.wgsl, running_stats.wgsl, average.wgsl). */
async function testUpdates(gpu: Gpu): Promise<void> {
  const params = new ParamSet(gpu, new Map([["w", [COUNT]]]), "self-test");
  try {
    const all = someValues(8 * COUNT);
    const part = (k: number, count = COUNT) => all.subarray(k * COUNT, k * COUNT + count);
    const [p, m, g, before, batch] = [part(0), part(1), part(2), part(3, 2 * COUNT), part(4, 2 * GROUPS * COUNT)];
    const v = part(3).map(Math.abs);
    for (const [storage, values] of [
      [params.values.storage, p],
      [params.m, m],
      [params.v, v],
    ] as const)
      storage.write(new Map([["w", values]]));
    gpu.write({ ...params.gradients, bytes: g.byteLength }, g);
    const [schedule, factors] = [leaf("schedule", [2]), Float32Array.of(0.5, 2)];
    const [moments, momentum, share] = [leaf("moments", [GROUPS, 2, COUNT]), leaf("momentum", [1]), 0.25];
    const results = await computed(gpu, (set) => {
      set.upload(schedule, factors);
      set.upload(momentum, Float32Array.of(share));
      set.upload(moments, batch);
      const running = set.alloc(2 * COUNT * 4, "running");
      gpu.write(running, before);
      const average = set.alloc(2 * COUNT * 4, "average");
      gpu.write(average, before);
      const m = params.m.slice("w");
      const updates = [params.adam(schedule, HYPER), runningStats(running, moments, momentum, 3), averaged(m, average, share)];
      set.draft("updates", [], { updates });
      return [params.values.storage, params.m, params.v].map((storage) => storage.slice("w")).concat(running, average);
    });
    const { beta1, beta2, eps } = HYPER;
    const mNew = Float64Array.from(g, (x, i) => beta1 * m[i]! + (1 - beta1) * x);
    const vNew = Float64Array.from(g, (x, i) => beta2 * v[i]! + (1 - beta2) * x * x);
    const pNew = mNew.map((x, i) => p[i]! - (0.5 * x) / (2 * Math.sqrt(vNew[i]!) + eps));
    const runningNew = Float64Array.from(before, (x, i) =>
      Array.from({ length: GROUPS }, (_, k) => batch[2 * COUNT * k + i]! * (i < COUNT ? 1 : 1.5)).reduce(
        (sum, y) => (1 - share) * sum + share * y,
        x,
      ),
    );
    const average = Float64Array.from(before, (x, i) => (i < COUNT ? x + share * (mNew[i]! - x) : x));
    const wanted = [pNew, mNew, vNew, runningNew, average];
    const wrong = wanted.findIndex((want, i) => !isClose(results[i]!, want));
    if (wrong >= 0) throw wrongResults(gpu, wrong < 3 ? "adam" : wrong === 3 ? "running_stats" : "average");
  } finally {
    params.dispose();
  }
}
