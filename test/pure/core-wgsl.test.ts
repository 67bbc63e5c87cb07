// Every kernel that any WebGPU must run is WGSL without extensions, within the limits that the specification guarantees; by reflection, without
// a GPU. `npm run test:naga` compiles and runs these kernels with a second compiler.

import { beforeAll, expect, test } from "vitest";
import {
  type Enable,
  type Node,
  type Requires,
  ResourceType,
  type Var,
  WgslParser,
  WgslReflect,
} from "wgsl_reflect/wgsl_reflect.module.js";
import { conv2d } from "../../src/autodiff/ops/conv.ts";
import { registry } from "../../src/autodiff/ops/registry.ts";
import { leaf } from "../../src/autodiff/tensor.ts";
import { kernels } from "../../src/generated/kernels.ts";
import { softwareKernels } from "../../src/generated/software-kernels.ts";
import { entryOf, type KernelCall, type KernelName } from "../../src/gpu/pipelines.ts";
import { expandTemplate } from "../../src/gpu/template.ts";
import { variantsOf } from "../../src/runtime/choice.ts";
import { loadKernels } from "../../src/runtime/conv/families.ts";
import { caseOf } from "../../src/runtime/variant.ts";
import { applied, randomExamples } from "../reference/cases.ts";
import { Random } from "../reference/random.ts";

/** What every WebGPU device has: the default limits of the W3C specification, section 3.6.2. */
const LIMITS = {
  bindGroups: 4,
  bindingsPerBindGroup: 1000,
  storageBuffersPerShaderStage: 8,
  uniformBuffersPerShaderStage: 12,
  uniformBufferBytes: 65_536,
  computeWorkgroupBytes: 16_384,
  computeInvocationsPerWorkgroup: 256,
  computeWorkgroupSizes: [256, 256, 64],
} as const;

type Setting = Pick<KernelCall, "kernel" | "template" | "overrides">;

/** The text of a kernel as a pipeline has it. */
function textOf({ kernel, template, overrides }: Setting): string {
  const text = expandTemplate(entryOf(kernel).source, template);
  return text.replace(/^(override (\w+): u32 = )\w+;/gm, (line, start, name) =>
    name in overrides ? `${start}${overrides[name]}u;` : line,
  );
}

const extensionsOf = (nodes: readonly Node[]): string[] =>
  nodes.flatMap((node) => {
    if (node.astNodeType === "enable") return [(node as Enable).name];
    return node.astNodeType === "requires" ? (node as Requires).extensions : [];
  });

/** What an entry point asks for beyond the core: a line each. */
function faultsOf(code: string, entryName: string): string[] {
  const nodes = new WgslParser().parse(code);
  const shader = new WgslReflect();
  shader.updateAST(nodes);
  const entry = shader.entry.compute.find(({ name }) => name === entryName)!;
  const faults = extensionsOf(nodes).map((name) => `needs the extension ${name}`);
  const limit = (what: string, value: number, most: number): void => {
    if (!(value <= most)) faults.push(`${what}: ${value} of ${most}`);
  };
  const sizes = entry.workgroupSize as [number, number, number];
  sizes.forEach((threads, axis) => {
    limit(`threads along axis ${axis}`, threads, LIMITS.computeWorkgroupSizes[axis]!);
  });
  limit("threads of a workgroup", sizes[0] * sizes[1] * sizes[2], LIMITS.computeInvocationsPerWorkgroup);
  const shared = nodes.filter((node) => node.astNodeType === "var" && (node as Var).storage === "workgroup");
  // All of the module's, also those that the entry point does not use.
  const bytes = shared.map((node) => shader.getTypeInfo((node as Var).type!).size || Number.NaN);
  limit("bytes of workgroup memory", bytes.reduce((sum, size) => sum + Math.ceil(size / 16) * 16, 0), LIMITS.computeWorkgroupBytes); // biome-ignore format: one call
  const of = (type: ResourceType) => entry.resources.filter(({ resourceType }) => resourceType === type);
  limit("storage buffers", of(ResourceType.Storage).length, LIMITS.storageBuffersPerShaderStage);
  limit("uniform buffers", of(ResourceType.Uniform).length, LIMITS.uniformBuffersPerShaderStage);
  for (const { size } of of(ResourceType.Uniform)) limit("bytes of a uniform buffer", size, LIMITS.uniformBufferBytes);
  for (const { name, group, binding } of entry.resources) {
    limit(`group of ${name}`, group, LIMITS.bindGroups - 1);
    limit(`binding of ${name}`, binding, LIMITS.bindingsPerBindGroup - 1);
  }
  return faults;
}

const told = ({ kernel, template, overrides }: Setting): string => `${kernel} ${JSON.stringify({ ...template, ...overrides })}`;

/** Each kernel with every setting of template constants and overrides that one of the settings has. */
const distinct = (settings: readonly Setting[]): readonly Setting[] => [...new Map(settings.map((one) => [told(one), one])).values()]; // biome-ignore format: one line

const PROFILES = [true, false].flatMap((isSoftware) =>
  [4, 8, 32].flatMap((subgroupSize) => [true, false].map((hasSubgroups) => ({ isSoftware, subgroupSize, hasSubgroups }))),
);
const RANDOM_SHAPES = 10;

/** The calls of an op's variants, of those that need subgroups or of the others, on its examples and random shapes. */
function callsOf(needsSubgroups: boolean): readonly Setting[] {
  return [...registry.values()].flatMap((op) => {
    const random = new Random(`core of ${op.name}`);
    const examples = [...op.examples, ...randomExamples(op, random, RANDOM_SHAPES)];
    const nodes = examples.map((one) => applied(op, one, random, { derive: "leaf", float32: true }).node);
    if (op.name === "conv2d") nodes.push(conv2d(leaf("x", [2, 64, 190, 250]), leaf("w", [64, 64, 3, 3])));
    const variants = new Set(PROFILES.flatMap((profile) => variantsOf(op.name, profile)));
    return [...variants]
      .filter(({ subgroupSize }) => (subgroupSize !== undefined) === needsSubgroups)
      .flatMap((variant) => nodes.flatMap((node) => variant.calls(caseOf(node))));
  });
}

beforeAll(() => loadKernels({ isSoftware: true }));

test("no core variant of an op asks for an extension or more than the default limits", () => {
  const settings = distinct(callsOf(false));
  expect(new Set(settings.map(({ kernel }) => kernel)).size).toBeGreaterThan(30);
  const faults = settings.flatMap((one) =>
    faultsOf(textOf(one), entryOf(one.kernel).entry).map((fault) => `${told(one)}: ${fault}`),
  );
  expect(faults).toEqual([]);
});

test("every kernel is core, with its own constants, but those of variants that name a subgroup size", () => {
  const ofSubgroups = new Set(callsOf(true).map(({ kernel }) => kernel));
  const names = Object.keys({ ...kernels, ...softwareKernels }) as KernelName[];
  const asking = names.filter((kernel) => {
    const faults = faultsOf(textOf({ kernel, template: {}, overrides: {} }), entryOf(kernel).entry);
    const rest = faults.filter((fault) => fault !== "needs the extension subgroups");
    expect(rest, kernel).toEqual([]);
    return rest.length < faults.length;
  });
  expect(asking.length).toBeGreaterThan(0);
  expect(asking.filter((kernel) => !ofSubgroups.has(kernel))).toEqual([]);
});

const MAIN = "@compute @workgroup_size(1) fn main() {";
const buffers = (count: number, kind: string): string => Array.from({ length: count }, (_, i) => `@group(0) @binding(${i}) var<${kind}> b${i}: array<vec4f, 2>;`).join("\n"); // biome-ignore format: one line
const uses = (count: number): string => Array.from({ length: count }, (_, i) => `_ = b${i}[0];`).join(" ");

test.each([
  [`enable f16; ${MAIN} }`, ["needs the extension f16"]],
  [`requires pointer_composite_access; ${MAIN} }`, ["needs the extension pointer_composite_access"]],
  [
    "override W: u32 = 257u; @compute @workgroup_size(W) fn main() { }",
    ["threads along axis 0: 257 of 256", "threads of a workgroup: 257 of 256"],
  ],
  ["@compute @workgroup_size(16, 17) fn main() { }", ["threads of a workgroup: 272 of 256"]],
  ["@compute @workgroup_size(1, 1, 65) fn main() { }", ["threads along axis 2: 65 of 64"]],
  [
    `var<workgroup> a: array<vec4<f32>, 1000>; var<workgroup> b: array<f32, 97>; ${MAIN} a[0].x = b[0]; }`,
    ["bytes of workgroup memory: 16400 of 16384"],
  ],
  [`${buffers(9, "storage, read_write")} fn f() { ${uses(9)} } ${MAIN} f(); }`, ["storage buffers: 9 of 8"]],
  [`${buffers(13, "uniform")} ${MAIN} ${uses(13)} }`, ["uniform buffers: 13 of 12"]],
  [
    `@group(4) @binding(1000) var<storage> b0: array<f32>; ${MAIN} ${uses(1)} }`,
    ["group of b0: 4 of 3", "binding of b0: 1000 of 999"],
  ],
  [
    `${buffers(8, "storage")} var<workgroup> a: array<vec4<f32>, 1024>; @compute @workgroup_size(256) fn main() { ${uses(8)} }`,
    [],
  ],
])("what %s asks for", (code, faults) => {
  expect(faultsOf(code, "main")).toEqual(faults);
});
