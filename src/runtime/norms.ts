// The kernels of the fused normalisations, which have several outputs each.

import { type Shape, sizeOf, type Tensor } from "../autodiff/tensor.ts";
import { call, type KernelCall } from "../gpu/pipelines.ts";
import { input, layout, type OpCase, output, type Ref, scratch, TREE_WIDTHS, type Variant } from "./variant.ts";

/**
 * Ops that one dispatch computes together where several of them are wanted of the same inputs (see program.ts). Each of them alone is the
 * same kernel: what nobody wants goes to scratch.
 */
export interface Joint {
  /** The ops, in the order of the kernel's outputs. */
  readonly members: readonly string[];
  /** How many values each of them has. */
  values(whole: OpCase): readonly number[];
  /** How many inputs the kernel has: as many as the members with most. */
  readonly inputs: number;
  /** Whether `part` belongs to `whole`, a member with all the inputs. */
  fits(part: Tensor, whole: Tensor): boolean;
  readonly variants: readonly { readonly name: string; readonly calls: JointCalls }[];
}
type JointCalls = (whole: OpCase, outputs: readonly Ref[]) => KernelCall<Ref>[];

/** What the kernels are made from: the last four inputs (x, m, γ, and β or y), their parameters and the joint's outputs. */
interface NormCall {
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

function joint(
  extents: Readonly<Record<string, Extent>>,
  inputs: number,
  fits: Joint["fits"],
  make: (of: NormCall, outputs: readonly Ref[]) => KernelCall<Ref>,
): Joint {
  const variants = TREE_WIDTHS.map((width) => ({
    name: `tree ${width}`,
    calls: ({ inputs: shapes, attrs }: OpCase, outputs: readonly Ref[]) => {
      const [x, m] = shapes.slice(-4) as [Shape, Shape];
      const at = (k: number) => input(shapes.length - 4 + k);
      const { eps, alpha } = attrs as { eps: number; alpha: number };
      const params = { ...layout(x, m[0]!), eps, alpha };
      const of = {
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
  }));
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

export const joints: readonly Joint[] = [
  joint(
    { moments: "moments", normLeaky: "image" },
    4,
    (part, whole) => part === whole.inputs[1],
    ({ x, gamma, last, params, channels, options }, [m, y]) =>
      call<"norm_leaky.forward", Ref>(
        "norm_leaky.forward",
        { x, gamma, beta: last, moments: m!, out: y! },
        params,
        [channels, params.groups],
        options,
      ),
  ),
  joint(
    { normLeakyGrad: "image", normLeakyScaleGrad: "channels", normLeakyShiftGrad: "channels" },
    5,
    sameInputs,
    ({ x, m, gamma, last, params, channels, options }, [h, scale, shift]) =>
      call<"norm_leaky.backward", Ref>(
        "norm_leaky.backward",
        { g: input(0), x, m, gamma, y: last, out: h!, scale_grad: scale!, shift_grad: shift! },
        params,
        [channels, 1],
        options,
      ),
  ),
  joint(
    { normLeakyTangent: "image", normLeakyCurvature: "image", normLeakyScaleCurvature: "channels" },
    6,
    sameInputs,
    ({ x, gamma, last, params, channels, options }, [tangent, curvature, scale]) => {
      const before = (x as { index: number }).index - 1; // g; the tangent alone has none, and v stands in for it
      return call<"norm_leaky.second", Ref>(
        "norm_leaky.second",
        { v: input(0), g: input(before), x, gamma, y: last, out: tangent!, curvature: curvature!, scale_grad: scale! },
        params,
        [channels, 1],
        options,
      );
    },
  ),
];

/** Each op by itself; `moments` has a kernel of its own. */
export const normalizations: Readonly<Record<string, readonly Variant[]>> = Object.fromEntries(
  joints.flatMap((joint) =>
    joint.members
      .filter((name) => name !== "moments")
      .map((name) => [
        name,
        joint.variants.map(({ name: width, calls }) => ({ name: width, calls: aloneAs(joint, name, calls) })),
      ]),
  ),
);

function aloneAs(joint: Joint, name: string, calls: JointCalls): Variant["calls"] {
  return (op) =>
    calls(
      op,
      outputsOf(joint, op, (member) => (member === name ? output : null)),
    );
}

/** Where a joint kernel's outputs go: what nobody wants to scratch. */
export function outputsOf(
  { members, values }: Joint,
  whole: OpCase,
  place: (member: string, index: number) => Ref | null,
): Ref[] {
  const counts = values(whole);
  return members.map((member, index) => place(member, index) ?? scratch(counts[index]! * 4, index));
}
