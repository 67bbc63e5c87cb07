// Every op's kernels, in every variant, against the f64 reference: examples and random shapes; then the identities between ops.
// Bounds: test/reference/rounding.ts. Buffers start out full of garbage and go on behind their data, as recycled ones do.

import { afterAll, describe, expect, test } from "vitest";
import { moments, momentsOp } from "../../src/autodiff/ops/channel.ts";
import { add, affine, fill } from "../../src/autodiff/ops/elementwise.ts";
import { normal, uniform } from "../../src/autodiff/ops/random.ts";
import { axisSum, broadcast } from "../../src/autodiff/ops/reduce.ts";
import { registry } from "../../src/autodiff/ops/registry.ts";
import { pad2d, resize, type Taps } from "../../src/autodiff/ops/spatial.ts";
import { randomBlock } from "../../src/autodiff/philox.ts";
import { apply, type Example, leaf, type Op, type Shape, type Tensor } from "../../src/autodiff/tensor.ts";
import { kernels } from "../../src/generated/kernels.ts";
import { softwareKernels } from "../../src/generated/software-kernels.ts";
import { padTo, type Slice } from "../../src/gpu/device.ts";
import type { KernelCall } from "../../src/gpu/pipelines.ts";
import type { DeviceProfile } from "../../src/gpu/profile.ts";
import { GpuDenoiser } from "../../src/instant/gpu-denoiser.ts";
import { ADAM } from "../../src/nn/adam.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { normalRadii } from "../../src/reference/philox.ts";
import { averaged } from "../../src/runtime/average.ts";
import { choose, variantsOf } from "../../src/runtime/choice.ts";
import { loadKernels } from "../../src/runtime/conv/families.ts";
import { plainVariants } from "../../src/runtime/kernels.ts";
import { multiOutputKernels, normalizations } from "../../src/runtime/multi-output.ts";
import { nonFinite } from "../../src/runtime/non-finite.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { ParamSet } from "../../src/runtime/param-set.ts";
import { compile, submit } from "../../src/runtime/program.ts";
import { runningStats } from "../../src/runtime/running-stats.ts";
import { runsOn, type Variant } from "../../src/runtime/variant.ts";
import { type Applied, applied, describeCase, edgeCases, randomExamples } from "../reference/cases.ts";
import { type Bounded, evaluate, evaluateBounded } from "../reference/evaluate.ts";
import { identity, identityBound, identityNames, spread } from "../reference/identities.ts";
import { Random } from "../reference/random.ts";
import { norm, UNIT_ROUNDOFF } from "../reference/rounding.ts";

const gpu = await openDevice(await openAdapter());
await loadKernels({ isSoftware: true }); // those of software adapters too, whatever this one is
afterAll(async () => {
  await gpu.finished(); // Dawn crashes where a process ends with work pending
  gpu.dispose();
});

/** What lies behind the data in every buffer, so that reading or writing beyond it shows. */
const BEHIND_BYTES = 1024;

/** Behind inputs: spoils every value it touches. */
const GARBAGE = Number.NaN;

/** A buffer full of `garbage`. */
function filled(t: Tensor, garbage: number): Slice {
  const slice = gpu.alloc(t.size * 4 + BEHIND_BYTES, `${t}`);
  gpu.write(slice, new Float32Array(slice.bytes / 4).fill(garbage));
  return slice;
}
function stored(t: Tensor, values: Float64Array, bits: boolean): Slice {
  const slice = filled(t, GARBAGE);
  gpu.write(slice, bits ? Uint32Array.from(values) : Float32Array.from(values));
  return slice;
}

/** Values of `outputs` by a program over `leaves`; run twice, so that scratch buffers are used ones. Throws on a stray write. */
async function compute(
  outputs: readonly Tensor[],
  leaves: ReadonlyMap<Tensor, Float64Array>,
  options: { variant?: Variant; bits?: boolean; oneDispatch?: boolean } = {},
): Promise<Float32Array[]> {
  const bindings = new Map([...leaves].map(([t, values]) => [t, stored(t, values, options.bits ?? false)] as const));
  const places = outputs.map((t) => filled(t, Number.NaN));
  const into = outputs.map((t, i) => [t, places[i]!] as const);
  try {
    const program = await compile(gpu, {
      ...{ name: "test", outputs: [], bindings, into },
      ...(options.variant && { choose: () => options.variant }),
    });
    try {
      if (options.oneDispatch) expect(program.dispatches.filter((d) => d.label !== "copy")).toHaveLength(1);
      submit(gpu, [program, program]);
      const read = await gpu.read(places);
      return read.map((values, i) => {
        const t = outputs[i]!;
        // Kernels work on whole vec4s: up to three values behind the last one are theirs.
        const behind = values.subarray(padTo(t.size, 4));
        if (!behind.every(Number.isNaN)) throw new Error(`a value was written behind the end of ${t}`);
        return values.subarray(0, t.size);
      });
    } finally {
      program.dispose();
    }
  } finally {
    for (const slice of [...bindings.values(), ...places]) gpu.free(slice);
  }
}

const distance = (got: Float32Array, want: Float64Array): number => norm(want.map((v, i) => got[i]! - v));

const RANDOM_SHAPES = 20;

interface Case extends Applied {
  readonly label: string;
  readonly want: Bounded;
}
const made = new Map<string, readonly Case[]>();

/** The op on its examples, random shapes and edge values, with what the reference says; made once for all variants. */
function casesOf(op: Op): readonly Case[] {
  const known = made.get(op.name);
  if (known) return known;
  const random = new Random(`kernels of ${op.name}`);
  const drawn = [...op.examples, ...randomExamples(op, random, RANDOM_SHAPES)].map((example: Example) => ({
    label: describeCase(example),
    ...applied(op, example, random, { derive: "leaf", float32: true }),
  }));
  const cases = [...drawn, ...edgeCases(op)].map((c) => ({ ...c, want: evaluateBounded([c.node], c.values).get(c.node)! }));
  made.set(op.name, cases);
  return cases;
}

const ops = [...registry.values()];
/** The kinds of device that have kernels of their own: hardware, and software with vectors of 128 and 256 bits. */
const PROFILES: readonly DeviceProfile[] = [
  { isSoftware: false, subgroupSize: 32, hasSubgroups: true },
  { isSoftware: true, subgroupSize: 4, hasSubgroups: true },
  { isSoftware: true, subgroupSize: 8, hasSubgroups: true },
];
const everyVariantOf = (opName: string) => [...new Set(PROFILES.flatMap((profile) => variantsOf(opName, profile)))];
const all = ops.flatMap((op) => everyVariantOf(op.name).map((variant) => [op.name, variant.name, op, variant] as const));
/** An adapter runs the variants without subgroups, and those for subgroups of its own size. */
const computed = all.filter(([, , , variant]) => runsOn(variant, gpu.profile));
const others = all.filter((one) => !computed.includes(one));

/** A weight gradient by tiles adds up whole tiles, those of a smaller image filled up with zeros: by how much its sums are longer. */
function termsPerTerm({ name, inputs }: Tensor, { tile = 1 }: Variant): number {
  if (name !== "conv2dWeight") return 1;
  const sides = inputs[1]!.shape.slice(2);
  return sides.reduce((longer, side) => (longer * Math.ceil(side / tile) * tile) / side, 1);
}

describe("kernels equal the f64 reference", () => {
  test.each(computed)("%s, %s", async (_, __, op, variant) => {
    const cases = casesOf(op);
    const leaves = new Map(cases.flatMap((c) => [...c.values]));
    const got = await compute(
      cases.map((c) => c.node),
      leaves,
      { variant, bits: op.examples[0]!.domain === "bits" },
    );
    const errors = cases.map(({ label, want, node }, i) => ({
      label,
      error: distance(got[i]!, want.value),
      bound: want.bound * Math.sqrt(termsPerTerm(node, variant)),
    }));
    expect(errors.filter(({ error, bound }) => !(error <= bound))).toEqual([]);
  });
});

describe("multi-output kernels equal the f64 reference", () => {
  test.each(multiOutputKernels.map((kernel) => [kernel.members.join(", "), kernel] as const))("%s", async (_, { members }) => {
    const [last] = members.slice(-1) as [string];
    const op = registry.get(last)!;
    for (const c of casesOf(op)) {
      // All members on the inputs of the one that has most; the moments themselves, where they are a member.
      const makesMoments = members.includes(momentsOp.name);
      const [x, m] = c.node.inputs.slice(-4) as [Tensor, Tensor];
      const own = moments(x, m.shape[0]!);
      const nodes = members.map((name) => {
        if (name === momentsOp.name) return own;
        const member = registry.get(name)!;
        const given = makesMoments ? c.node.inputs.map((t) => (t === m ? own : t)) : c.node.inputs;
        const wanted = member.examples[0]!.inputs.length;
        return apply(member, [given[0]!, ...given.slice(given.length - wanted + 1)], c.node.attrs);
      });
      const want = evaluateBounded(nodes, c.values);
      const got = await compute(nodes, c.values, { oneDispatch: true });
      nodes.forEach((node, i) => {
        const { value, bound } = want.get(node)!;
        expect(distance(got[i]!, value), `${c.label}, ${node}`).toBeLessThanOrEqual(bound);
      });
    }
  });
});

describe("the registry is covered", () => {
  const callsOf = (op: Op, variant: Variant) =>
    casesOf(op).flatMap(({ node }) =>
      variant.calls({ inputs: node.inputs.map((t) => t.shape), shape: node.shape, attrs: node.attrs }),
    );

  test("every op has a kernel, every entry of the table an op", () => {
    for (const op of ops) expect(everyVariantOf(op.name), op.name).not.toEqual([]);
    expect(Object.keys(plainVariants).filter((name) => !registry.has(name))).toEqual([]);
  });

  test("every kernel has a user: an op, an update of parameters or statistics, or the denoiser of instant pictures", async () => {
    const net = new ParamSet(gpu, new Map([["w", [3]]]), "net");
    try {
      const slice = net.gradients;
      const [schedule, batch, momentum] = [leaf("schedule", [2]), leaf("batch", [1, 2, 3]), leaf("momentum", [1])];
      const updates = [
        net.adam(schedule, ADAM),
        runningStats(slice, batch, momentum, 10),
        nonFinite(slice, slice),
        averaged(slice, slice, 0.5),
      ];
      const users = [
        ...all.flatMap(([, , op, variant]) => callsOf(op, variant)),
        ...updates.flatMap((update) => update.calls([slice, slice])),
      ];
      const compiled: KernelCall[] = [];
      const get = gpu.pipelines.get.bind(gpu.pipelines);
      gpu.pipelines.get = (call) => {
        compiled.push(call);
        return get(call);
      };
      const photo = { width: 5, height: 4, data: new Float32Array(60) };
      const source = { photos: [photo], patch: 3, wraps: { x: false, y: false }, size: photo };
      (await GpuDenoiser.open(gpu, source)).dispose();
      gpu.pipelines.get = get;
      const names = [...users, ...compiled].map((call) => call.kernel);
      expect([...new Set(names)].sort()).toEqual(Object.keys({ ...kernels, ...softwareKernels }).sort());
    } finally {
      net.dispose();
    }
  });

  const { hasSubgroups, subgroupSize } = gpu.profile;
  const here = hasSubgroups ? `here they have ${subgroupSize}` : "here there are none of one size";
  const skipped = others.map(([name, variant, , { subgroupSize: size }]) => [name, variant, size] as const);
  test.each(skipped)(`skipped on this adapter: %s, %s, for it needs subgroups of %s threads, and ${here}`, (_, __, size) => {
    expect(size).toBeGreaterThan(0);
    expect(hasSubgroups && size === subgroupSize).toBe(false);
  });

  test("each kind of convolution has variants for subgroups of 4 and of 8 threads", () => {
    for (const size of [4, 8]) {
      const made = new Set(all.flatMap(([name, , , variant]) => (variant.subgroupSize === size ? [name] : [])));
      expect([...made].sort()).toEqual(["conv2d", "conv2dInput", "conv2dLeaky", "conv2dWeight"]);
    }
  });

  test("the choice for any device and shape is one of the op's variants", () => {
    for (const op of ops) {
      for (const { node } of casesOf(op)) {
        const of = { inputs: node.inputs.map((t) => t.shape), shape: node.shape, attrs: node.attrs };
        for (const isSoftware of [true, false])
          for (const subgroupSize of [4, 8, 32])
            for (const hasSubgroups of [true, false]) {
              const profile = { isSoftware, subgroupSize, hasSubgroups };
              const chosen = choose(op.name, of, profile, new Map());
              expect(variantsOf(op.name, profile)).toContain(chosen);
              expect(runsOn(chosen, profile)).toBe(true);
            }
      }
    }
  });
});

describe("kernels of a family agree", () => {
  const DRAWS = 6;
  test.each(identityNames)("%s", async (name) => {
    const all = Array.from({ length: DRAWS }, (_, k) => identity(name, new Random(`${name} on the GPU ${k}`)));
    const leaves = new Map(all.flatMap(({ values }) => [...values]));
    const nodes = [...new Set(all.flatMap(({ products }) => products.flat()))].filter((t) => !leaves.has(t));
    const got = await compute(nodes, leaves);
    const values = new Map<Tensor, ArrayLike<number>>([...leaves, ...nodes.map((t, i) => [t, got[i]!] as const)]);
    for (const one of all) expect(spread(one, (t) => values.get(t)!)).toBeLessThanOrEqual(identityBound(one, UNIT_ROUNDOFF));
  });
});

/** Longer than a block of values of each thread of the widest reduction; rows start anywhere in a vec4. */
const LONG_ROWS: Shape = [2, 2, 127, 131];
test.each([momentsOp.name, ...Object.keys(normalizations)])("rows of several blocks, in every width: %s", async (name) => {
  const op = registry.get(name)!;
  const { inputs, ...example } = op.examples[0]!;
  const shapes = inputs.map((s): Shape => (s.length === 4 ? LONG_ROWS : s.length === 3 ? [s[0]!, 2, 2] : [1, 2]));
  const how = { derive: "leaf", float32: true } as const;
  const { node, values } = applied(op, { ...example, inputs: shapes }, new Random("long rows"), how);
  const { value, bound } = evaluateBounded([node], values).get(node)!;
  for (const variant of everyVariantOf(name)) {
    const [got] = await compute([node], values, { variant });
    expect(distance(got!, value), variant.name).toBeLessThanOrEqual(bound);
  }
});

test.each(everyVariantOf(momentsOp.name).map((v) => [v.name, v] as const))(
  "a large mean costs the variance no digits: moments, %s",
  async (_, variant) => {
    const random = new Random("large mean");
    const x = leaf("x", [1, 2, 25, 33]);
    const values = new Map([[x, random.values(x.size).map((v) => Math.fround(1000 + 0.1 * v))]]);
    const m = moments(x, 1);
    const [got] = await compute([m], values, { variant });
    const [want] = evaluate([m], values);
    // Σ(x−mean)² has no cancellation left: the bound of a sum, relative to the variance itself and not to the mean².
    const bound = 4 * Math.sqrt(25 * 33) * UNIT_ROUNDOFF;
    for (const c of [2, 3]) expect(Math.abs(got![c]! / want![c]! - 1)).toBeLessThan(bound);
  },
);

test("normals have the moments of N(0,1), and each is within rounding of f64's", async () => {
  const count = 2 ** 17;
  const key = leaf("key", [4]);
  const values = new Map([[key, Float64Array.of(0x12345678, 0x9abcdef0, 3, 4)]]);
  const x = normal(key, [count], 7);
  const [got] = await compute([x], values, { bits: true });
  const [want] = evaluate([x], values);
  const radii = normalRadii(values.get(key)!, 7, count);
  // 16u of the Box & Muller radius for √, ln and cos, each value by itself: the bound on the norm hides single ones.
  const worst = got!.reduce((most, v, i) => Math.max(most, Math.abs(v - want![i]!) / (radii[i]! + 2 ** -20)), 0);
  expect(worst).toBeLessThan(16 * UNIT_ROUNDOFF);
  const moment = (power: number) => got!.reduce((a, v) => a + v ** power, 0) / count;
  // Five standard errors: √(E x²ᵏ − (E xᵏ)²)/√count.
  [1, 2, 3, 4].forEach((power, k) => {
    expect(Math.abs(moment(power) - [0, 1, 0, 3][k]!)).toBeLessThan(5 * Math.sqrt([1, 2, 15, 96][k]! / count));
  });
});

/** More than 65,535 workgroups of 64 threads, four values each or one: the grid becomes two-dimensional. */
const THREADS = 65_535 * 64 + 70;
const [HEIGHT, WIDTH] = [2050, 2052];
const constant = (shape: Shape) => fill(shape, 0.5);
const stretch = (outSize: number): Taps => ({
  inSize: 1,
  outSize,
  width: 1,
  index: new Uint32Array(outSize),
  weight: new Float32Array(outSize).fill(1),
});
const wide: readonly (readonly [string, Tensor, (i: number) => number])[] = [
  ["fill, elementwise", affine(constant([4 * THREADS + 1]), 3, 0.25), () => 1.75],
  ["elementwise2", add(constant([4 * THREADS + 1]), constant([4 * THREADS + 1])), () => 1],
  ["axis.broadcast", broadcast(constant([1]), [THREADS]), () => 0.5],
  ["axis.sum", axisSum(constant([THREADS, 3]), 1), () => 1.5],
  ["resize", resize(constant([1, 1, 1, 1]), stretch(HEIGHT), stretch(WIDTH)), () => 0.5],
  [
    "window",
    pad2d(constant([1, HEIGHT - 2, WIDTH]), { top: 0, bottom: 2, left: 0, right: 0 }),
    (i) => (i < (HEIGHT - 2) * WIDTH ? 0.5 : 0),
  ],
];
test.each(wide)("a grid of more than 65,535 workgroups: %s", async (_, node, want) => {
  const [got] = await compute([node], new Map());
  expect(got!.findIndex((v, i) => v !== want(i))).toBe(-1);
});

test("a grid of more than 65,535 workgroups: random", async () => {
  const key = leaf("key", [4]);
  const words = [1, 2, 3, 4];
  const [got] = await compute([uniform(key, [4 * THREADS], 5)], new Map([[key, Float64Array.from(words)]]), { bits: true });
  for (const block of [0, THREADS - 71, THREADS - 70, THREADS - 1]) {
    const want = randomBlock(words, 5, block).map((word) => Math.fround((word >>> 8) * 2 ** -24));
    expect([...got!.subarray(4 * block, 4 * block + 4)]).toEqual(want);
  }
});

test("all memory is given back", () => {
  expect(gpu.stats()).toMatchObject({ buffers: 0, bytes: 0 });
});

test.each([
  [[1, -0, 3e38, -1e-40, 0], 0],
  [[1, 2, Number.NaN], 1],
  [[Number.POSITIVE_INFINITY], 1],
  [[...Array(300).fill(1), Number.NEGATIVE_INFINITY], 1],
])("%o: the flag of values that are not finite is %d, and stays", async (values, wanted) => {
  const padded = Float32Array.of(...values, ...Array(3).fill(Number.NaN)); // behind the values
  const all = gpu.upload(padded, "values");
  const flag = gpu.alloc(4, "flag");
  const fine = gpu.upload(Float32Array.of(1, 2), "fine");
  const own = { ...all, bytes: 4 * values.length };
  const program = async (slice: Slice) =>
    compile(gpu, { name: "check", outputs: [], updates: [nonFinite(slice, flag)], bindings: new Map() });
  const programs = [await program(own), await program({ ...fine, bytes: 8 })];
  submit(gpu, programs);
  expect((await gpu.read([{ ...flag, bytes: 4 }]))[0]![0]).toBe(wanted);
  for (const one of programs) one.dispose();
  for (const slice of [all, flag, fine]) gpu.free(slice);
});
