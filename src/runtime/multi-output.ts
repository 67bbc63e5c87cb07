// Kernels with several outputs: the fused normalisations.

import type { OpAttrs } from "../autodiff/ops/registry.ts";
import { type Shape, sizeOf, type Tensor } from "../autodiff/tensor.ts";
import { call, type KernelCall } from "../gpu/pipelines.ts";
import type { DeviceProfile } from "../gpu/profile.ts";
import {
  input,
  layout,
  type OpCase,
  output,
  REDUCTION_WIDTHS,
  type Ref,
  reductionName,
  reductionWidth,
  scratch,
  type Variant,
} from "./variant.ts";

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
  readonly variants: readonly MultiOutputVariant[];
}
interface MultiOutputVariant {
  readonly name: string;
  suits(profile: DeviceProfile): boolean;
  calls(whole: OpCase, outputs: readonly Ref[]): KernelCall<Ref>[];
}

/** What the kernels are made from: the last four inputs (x, m, γ, and β or y), the one before them, and the parameters. */
interface NormCall {
  /** Of kernels with more than four inputs: g, or for a tangent alone, which has no g, v. */
  readonly before: Ref;
  readonly x: Ref;
  readonly m: Ref;
  readonly gamma: Ref;
  readonly last: Ref;
  readonly params: ReturnType<typeof layout> & { readonly eps: number; readonly alpha: number };
  readonly channels: number;
  readonly options: { readonly overrides: { readonly WG: number } };
}

/** What an output has values of. */
type Extent = "image" | "moments" | "channels";

function multiOutput(
  extents: Readonly<Record<string, Extent>>,
  inputs: number,
  fits: MultiOutputKernel["fits"],
  make: (of: NormCall, outputs: readonly Ref[]) => KernelCall<Ref>,
): MultiOutputKernel {
  const variants = REDUCTION_WIDTHS.map(
    (width): MultiOutputVariant => ({
      name: reductionName(width),
      suits: (profile) => width === reductionWidth(profile),
      calls({ inputs: shapes, attrs: { eps, alpha } }: OpCase<Norm>, outputs) {
        const [x, m] = shapes.slice(-4) as [Shape, Shape];
        const at = (k: number) => input(shapes.length - 4 + k);
        const params = { ...layout(x, m[0]!), eps, alpha };
        const of = {
          before: at(-1),
          x: at(0),
          m: at(1),
          gamma: at(2),
          last: at(3),
          params,
          channels: x[1]!,
          options: { overrides: { WG: width } },
        };
        return [make(of, outputs)];
      },
    }),
  );
  const values = ({ inputs: shapes }: OpCase): number[] => {
    const [x, m] = shapes.slice(-4) as [Shape, Shape];
    const counts: Record<Extent, number> = { image: sizeOf(x), moments: sizeOf(m), channels: x[1]! };
    return Object.values(extents).map((extent) => counts[extent]);
  };
  return { members: Object.keys(extents), values, inputs, fits, variants };
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
  ({ x, gamma, last, params, channels, options }, [m, y]) =>
    call("norm_leaky.forward", { x, gamma, beta: last, moments: m!, out: y! }, params, [channels, params.groups], options),
);
const backward = multiOutput(
  { normLeakyGrad: "image", normLeakyScaleGrad: "channels", normLeakyShiftGrad: "channels" },
  5,
  sameInputs,
  ({ before, x, m, gamma, last, params, channels, options }, [h, scale, shift]) =>
    call(
      "norm_leaky.backward",
      { g: before, x, m, gamma, y: last, out: h!, scale_grad: scale!, shift_grad: shift! },
      params,
      [channels, 1],
      options,
    ),
);
const second = multiOutput(
  { normLeakyTangent: "image", normLeakyCurvature: "image", normLeakyScaleCurvature: "channels" },
  6,
  sameInputs,
  ({ before, x, gamma, last, params, channels, options }, [tangent, curvature, scale]) =>
    call(
      "norm_leaky.second",
      { v: input(0), g: before, x, gamma, y: last, out: tangent!, curvature: curvature!, scale_grad: scale! },
      params,
      [channels, 1],
      options,
    ),
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

function alone(kernel: MultiOutputKernel, name: string): readonly Variant<Norm>[] {
  return kernel.variants.map((variant) => ({
    name: variant.name,
    suits: (profile) => variant.suits(profile),
    calls: (op) =>
      variant.calls(
        op,
        outputsOf(kernel, op, (member) => (member === name ? output : null)),
      ),
  }));
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
