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

function joint(
  members: readonly string[],
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
  return { members, inputs, fits, variants };
}

const sameInputs = (part: Tensor, whole: Tensor): boolean =>
  part.inputs[0] === whole.inputs[0] && [-4, -3, -2, -1].every((at) => part.inputs.at(at) === whole.inputs.at(at));

export const joints: readonly Joint[] = [
  joint(
    ["moments", "normLeaky"],
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
    ["normLeakyGrad", "normLeakyScaleGrad", "normLeakyShiftGrad"],
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
    ["normLeakyTangent", "normLeakyCurvature", "normLeakyScaleCurvature"],
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
  joints.flatMap(({ members, variants }) =>
    members
      .filter((name) => name !== "moments")
      .map((name) => [name, variants.map(({ name: width, calls }) => ({ name: width, calls: aloneAs(members, name, calls) }))]),
  ),
);

function aloneAs(members: readonly string[], name: string, calls: JointCalls): Variant["calls"] {
  return (op) => {
    const image = sizeOf(op.inputs.at(-4)!);
    return calls(
      op,
      members.map((member, id) => (member === name ? output : scratch(image * 4, id))),
    );
  };
}
