// Kernels with several outputs: the fused normalisations.

import type { OpAttrs } from "../autodiff/ops/registry.ts";
import { type Shape, sizeOf, type Tensor } from "../autodiff/tensor.ts";
import { call, type KernelCall } from "../gpu/pipelines.ts";
import { input, layout, type OpCase, output, type PlainVariant, type Ref, reductions, scratch } from "./variant.ts";

type Norm = OpAttrs["normLeaky"];

/**
 * Ops that one dispatch computes together where a graph has several of them with the same inputs (plan.ts). Each op alone is computed by
 * the same kernel, whose other outputs then go to scratch.
 */
export interface MultiOutputKernel {
  /** The ops, in the order of the kernel's outputs. */
  readonly members: readonly string[];
  /** How many values each of them has. */
  values(whole: OpCase): readonly number[];
  /** How many inputs the kernel has: as many as the members with most. */
  readonly inputs: number;
  /** Whether `part` belongs to `whole`, a member with all the inputs. */
  fits(part: Tensor, whole: Tensor): boolean;
  /** The dispatch by workgroups of `width` threads. */
  call(whole: OpCase, outputs: readonly Ref[], width: number): KernelCall<Ref>;
}

/** What the calls are made from: the last four inputs (x, m, γ, and β or y), the one before them where there are more, and the rest. */
function normCall({ inputs, attrs: { eps, alpha } }: OpCase<Norm>, width: number) {
  const [x, m] = inputs.slice(-4) as [Shape, Shape];
  const at = (k: number) => input(inputs.length - 4 + k);
  return {
    ...{ before: at(-1), x: at(0), m: at(1), gamma: at(2), last: at(3) },
    params: { ...layout(x, m[0]!), eps, alpha },
    groups: [x[1]!, 1] as const,
    options: { overrides: { WG: width } },
  };
}

/** What an output has values of. */
type Extent = "image" | "moments" | "channels";

function multiOutput(
  extents: Readonly<Record<string, Extent>>,
  inputs: number,
  fits: MultiOutputKernel["fits"],
  make: (of: ReturnType<typeof normCall>, outputs: readonly Ref[]) => KernelCall<Ref>,
): MultiOutputKernel {
  const values = ({ inputs: shapes }: OpCase): number[] => {
    const [x, m] = shapes.slice(-4) as [Shape, Shape];
    const counts: Record<Extent, number> = { image: sizeOf(x), moments: sizeOf(m), channels: x[1]! };
    return Object.values(extents).map((extent) => counts[extent]);
  };
  const call = (whole: OpCase<Norm>, outputs: readonly Ref[], width: number) => make(normCall(whole, width), outputs);
  return { members: Object.keys(extents), values, inputs, fits, call };
}

/** Whether the inputs are the same, and the constants. An op of fewer inputs lacks the second, g. */
const sameInputs = (part: Tensor, whole: Tensor): boolean => {
  const theirs = part.inputs.length < whole.inputs.length ? whole.inputs.filter((_, at) => at !== 1) : whole.inputs;
  return (
    part.inputs.length === theirs.length &&
    part.inputs.every((t, at) => t === theirs[at]) &&
    ["eps", "alpha"].every((name) => part.attrs[name] === whole.attrs[name])
  );
};

const forward = multiOutput(
  { moments: "moments", normLeaky: "image" },
  4,
  (part, whole) => part === whole.inputs[1],
  ({ x, gamma, last: beta, params, groups: [channels], options }, [moments, out]) =>
    call("norm_leaky.forward", { x, gamma, beta, moments: moments!, out: out! }, params, [channels, params.groups], options),
);
const backward = multiOutput(
  { normLeakyGrad: "image", normLeakyScaleGrad: "channels", normLeakyShiftGrad: "channels" },
  5,
  sameInputs,
  ({ before: g, x, m, gamma, last: y, params, groups, options }, [out, scale, shift]) => {
    const bindings = { g, x, m, gamma, y, out: out!, scale_grad: scale!, shift_grad: shift! };
    return call("norm_leaky.backward", bindings, params, groups, options);
  },
);
const second = multiOutput(
  { normLeakyTangent: "image", normLeakyCurvature: "image", normLeakyScaleCurvature: "channels" },
  6,
  sameInputs,
  // A tangent alone has no g: the input before the last four is then v.
  ({ before: g, x, gamma, last: y, params, groups, options }, [out, curvature, scale]) => {
    const bindings = { v: input(0), g, x, gamma, y, out: out!, curvature: curvature!, scale_grad: scale! };
    return call("norm_leaky.second", bindings, params, groups, options);
  },
);
export const multiOutputKernels: readonly MultiOutputKernel[] = [forward, backward, second];

/** Each op by itself; `moments` has a kernel of its own. */
export const normalizations = {
  normLeaky: alone(forward, "normLeaky"),
  normLeakyGrad: alone(backward, "normLeakyGrad"),
  normLeakyScaleGrad: alone(backward, "normLeakyScaleGrad"),
  normLeakyShiftGrad: alone(backward, "normLeakyShiftGrad"),
  normLeakyTangent: alone(second, "normLeakyTangent"),
  normLeakyCurvature: alone(second, "normLeakyCurvature"),
  normLeakyScaleCurvature: alone(second, "normLeakyScaleCurvature"),
};

function alone(kernel: MultiOutputKernel, name: string): readonly PlainVariant<Norm>[] {
  return reductions((op, width) => {
    const outputs = outputsOf(kernel, op, (member) => (member === name ? output : null));
    return [kernel.call(op, outputs, width)];
  });
}

/** Where the kernel's outputs go: those that nobody wants go to scratch. */
export function outputsOf(
  { members, values }: MultiOutputKernel,
  whole: OpCase,
  outputOf: (member: string, index: number) => Ref | null,
): Ref[] {
  const counts = values(whole);
  return members.map((member, index) => outputOf(member, index) ?? scratch(counts[index]! * 4, index));
}
