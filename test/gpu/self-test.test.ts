// A GPU that computes wrong results: a faulty variant of a convolution is not used, any other faulty kernel ends the training before it begins.
// The faults are made by damaging the text of kernels before they are compiled.

import { afterEach, describe, expect, test, vi } from "vitest";
import { registry } from "../../src/autodiff/ops/registry.ts";
import { apply, leaf, type Shape, type Tensor } from "../../src/autodiff/tensor.ts";
import { type Gpu, GpuError } from "../../src/gpu/device.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { choose } from "../../src/runtime/choice.ts";
import { convolutionCandidates, faultName } from "../../src/runtime/conv/families.ts";
import { CONTRACTIONS } from "../../src/runtime/conv/problem.ts";
import { openDevice } from "../../src/runtime/open.ts";
import type { Graph } from "../../src/runtime/plan.ts";
import { testKernels } from "../../src/runtime/self-test.ts";
import { tuningKey, tuningOf } from "../../src/runtime/tune.ts";
import { caseOf } from "../../src/runtime/variant.ts";
import { pyramidOf, resolveOptions, selfTest } from "../../src/singan/recipes.ts";
import { TINY, tinyPhoto } from "../tiny-training.ts";

/** Replaces text in the kernels of files as they are compiled on `gpu`. Throws where the text does not occur. */
function damage(gpu: Gpu, files: string | readonly string[], from: string | RegExp, to: string): void {
  const { device } = gpu;
  const create = device.createShaderModule.bind(device);
  vi.spyOn(device, "createShaderModule").mockImplementation((descriptor) => {
    if (![files].flat().includes(descriptor.label!.split(" ")[0]!)) return create(descriptor);
    const code = descriptor.code.replaceAll(from instanceof RegExp ? new RegExp(from, "g") : from, to);
    if (code === descriptor.code) throw new Error(`${files} does not have ${from}`);
    return create({ ...descriptor, code });
  });
}

const opened: Gpu[] = [];
async function open(): Promise<Gpu> {
  const gpu = await openDevice(await openAdapter());
  opened.push(gpu);
  return gpu;
}
afterEach(async () => {
  for (const gpu of opened.splice(0)) {
    await gpu.finished();
    gpu.dispose();
  }
});

/** A graph of one op. */
function graphOf(opName: string, shapes?: readonly Shape[]): Graph & { readonly node: Tensor } {
  const op = registry.get(opName)!;
  const { inputs, attrs } = op.examples[0]!;
  const leaves = (shapes ?? inputs).map((shape, i) => leaf(`x${i}`, shape));
  const node = apply(op, leaves, attrs);
  return {
    name: opName,
    outputs: [node],
    bindings: new Map(leaves.map((t) => [t, { buffer: {} as GPUBuffer, offset: 0, bytes: 0 }])),
    node,
  };
}

test("finds nothing on a sound adapter, and compiles only what the training needs", async () => {
  const gpu = await open();
  const options = resolveOptions({ ...TINY, channels: 8, maxChannels: 8 });
  const before = gpu.stats();
  expect(await selfTest(gpu, { options, pyramid: pyramidOf(tinyPhoto(), options) })).toEqual([]);
  expect(gpu.stats()).toMatchObject({ buffers: before.buffers, bytes: before.bytes });
  const { size } = gpu.pipelines;
  expect(await selfTest(gpu, { options, pyramid: pyramidOf(tinyPhoto(), options) })).toEqual([]); // known: nothing runs again
  expect(gpu.pipelines.size).toBe(size);
});

describe("refuses an adapter with a wrong kernel, which it names", () => {
  test.each<[op: string, file: string, from: string | RegExp, to: string]>([
    ["tanh", "elementwise", "p = p * z - 3.33332819422e-1", "p = p * z - 3.2e-1"],
    ["add", "elementwise", /y\[i\] = /, "y[i] = 0.0 * "],
    ["resize", "resize", "y[at] = sum;", "y[at] = 0.99 * sum;"],
    ["moments", "norm_leaky", "sums.x - sums.y * sums.y", "sums.x + 1.0"],
    ["normLeaky", "norm_leaky", "params.alpha * t", "t"],
    ["channelSum", "channel_reduce", "partial[lane] = sum;", "partial[lane] = 0.0;"],
    ["sum", "sum", "{ sum += x[i]; }", "{ sum = x[i]; }"],
    ["uniform", "random", "to_unit(philox(i))", "to_unit(philox(i + 1u))"],
    ["fill", "fill", "vec4<f32>(params.value)", "vec4<f32>(log(-params.value))"],
    ["adam", "adam", "p[i] -=", "p[i] +="],
    ["running_stats", "running_stats", "params.unbiased,", "1.0,"],
    ["average", "average", "params.share *", "2.0 * params.share *"],
  ])("%s", async (op, file, from, to) => {
    const gpu = await open();
    damage(gpu, file, from, to);
    const graph = graphOf(registry.has(op) ? op : "add");
    const refused = testKernels(gpu, [graph]);
    await expect(refused).rejects.toThrow(GpuError);
    await expect(refused).rejects.toThrow(`this GPU computes wrong results: ${gpu.adapterName}: ${op}`);
  });
});

/** What is damaged in the kernel that multiplies: one sum, one channel or all. */
const DAMAGE: Readonly<Record<string, readonly [from: string | RegExp, to: string]>> = {
  conv2d: ["let value = sum + bias;", "let value = 0.9 * sum + bias;"],
  conv2d_staged: ["let value = sum + bias;", "let value = sum;  if (true) { return value + 0.5; }"],
  conv2d_quad_swap: ["let value = sum + bias;", "let value = sum * (sum / sum) * 1.1 + bias;"],
  conv2d_broadcast: ["let value = sum + bias;", "let value = bias;"],
  conv2d_weight: ["+ entry % 9u] = sum;", "+ entry % 9u] = sum * select(1.0, 0.5, entry % 9u == 4u);"],
  conv2d_weight_broadcast: [/dw\[at \+ 4u\] = /, "dw[at + 4u] = 0.5 * "],
  quad_product: [/let column = /, "if (e == 7u) { return; } let column = "],
};

const SHAPES = {
  conv2d: [
    [1, 64, 62, 50],
    [64, 64, 3, 3],
  ],
  conv2dInput: [
    [1, 64, 60, 48],
    [64, 64, 3, 3],
  ],
  conv2dWeight: [
    [1, 64, 62, 50],
    [1, 64, 60, 48],
  ],
} as const;
const { profile } = await open();
/** The first variant of each kernel that this adapter has for a contraction. */
const inUse = CONTRACTIONS.flatMap((contraction) => {
  const candidates = convolutionCandidates(contraction, caseOf(graphOf(contraction, SHAPES[contraction]).node), profile);
  return Object.keys(DAMAGE).flatMap((kernel) => {
    const variant = candidates.find(({ main }) => main === kernel);
    return variant ? [[contraction, kernel, variant] as const] : [];
  });
});

describe("drops a wrong variant of a convolution and takes another", () => {
  test.each(inUse)("%s by %s", async (contraction, kernel, variant) => {
    const gpu = await open();
    const graph = graphOf(contraction, SHAPES[contraction]);
    const op = caseOf(graph.node);
    tuningOf(gpu).set(tuningKey(contraction, op)!, { variant: variant.name, ms: 1 });
    expect(choose(contraction, op, gpu.profile, tuningOf(gpu))).toBe(variant);
    damage(gpu, kernel, ...DAMAGE[kernel]!);
    expect(await testKernels(gpu, [graph])).toContain(faultName(contraction, variant));
    const next = choose(contraction, op, gpu.profile, tuningOf(gpu));
    expect(next.main).not.toBe(kernel);
    expect(choose(contraction, op, gpu.dryRun(true).profile, tuningOf(gpu))).toBe(next);
  });

  test.runIf(profile.isSoftware)("every family of this kind of adapter is among them", () => {
    const kernels = inUse.map(([, kernel]) => kernel);
    const families = profile.subgroupSize >= 8 ? ["conv2d_staged"] : ["conv2d_quad_swap"];
    expect(kernels).toEqual(
      expect.arrayContaining([
        "conv2d",
        "conv2d_broadcast",
        "quad_product",
        "conv2d_weight",
        "conv2d_weight_broadcast",
        ...families,
      ]),
    );
  });
});

test("refuses an adapter on which all variants of a convolution are wrong", async () => {
  const gpu = await open();
  const kernels = ["conv2d", "conv2d_staged", "conv2d_quad_swap", "conv2d_broadcast", "winograd4"];
  damage(gpu, kernels, "let value = sum + bias;", "let value = sum - bias + 1.0;");
  await expect(
    testKernels(gpu, [
      graphOf("conv2d", [
        [1, 4, 12, 12],
        [4, 4, 3, 3],
      ]),
    ]),
  ).rejects.toThrow(`this GPU computes wrong results: ${gpu.adapterName}: conv2d by `);
});

test("says in one line which kernel is not used", async () => {
  const gpu = await open();
  const options = resolveOptions({ ...TINY, channels: 8, maxChannels: 8 });
  const plan = { options, pyramid: pyramidOf(tinyPhoto(), options) };
  const [variant] = convolutionCandidates(
    "conv2d",
    caseOf(
      graphOf("conv2d", [
        [1, 8, 20, 20],
        [8, 8, 3, 3],
      ]).node,
    ),
    gpu.profile,
  );
  damage(gpu, variant!.main!, "let value = sum + bias;", "let value = 2.0 * sum + bias;");
  const lines = await selfTest(gpu, plan);
  expect(lines).toContain(`this GPU computes wrong results with the kernel ${faultName("conv2d", variant!)}, which is not used`);
});
