// What a kernel variant is: a function from an op's shapes to dispatches. Pure data: nothing here touches the device, so a Program can
// plan, print and tune before it allocates.

import { type Attrs, type Shape, sizeOf, type Tensor } from "../autodiff/tensor.ts";
import type { KernelCall, KernelName } from "../gpu/pipelines.ts";
import type { DeviceProfile } from "../gpu/profile.ts";

/** A buffer as a variant names it: an input or an output of the op (multi-output kernels have several), scratch, or a constant table. */
export type Ref =
  | { readonly kind: "input"; readonly index: number }
  | { readonly kind: "output"; readonly index: number }
  | { readonly kind: "scratch"; readonly bytes: number; readonly id: number }
  | { readonly kind: "table"; readonly data: Uint32Array | Float32Array };

export interface OpCase<A extends Attrs = Attrs> {
  readonly inputs: readonly Shape[];
  readonly shape: Shape;
  readonly attrs: A;
}

/** A node as its variants see it. */
export const caseOf = ({ inputs, shape, attrs }: Tensor): OpCase => ({ inputs: inputs.map((t) => t.shape), shape, attrs });

export interface Variant<A extends Attrs = Attrs> {
  readonly name: string;
  /** The subgroup size that the kernels need, where their threads exchange values. */
  readonly subgroupSize?: number;
  /** Where the image is computed in whole tiles: their side. The last bits of a value then depend on its position in the image. */
  readonly tile?: number;
  /** The kernel that does the counted multiply-adds (runtime/work.ts): convolutions name one. */
  readonly main?: KernelName;
  calls(op: OpCase<A>): KernelCall<Ref>[];
}

/** A variant of an op that is no convolution. */
export interface PlainVariant<A extends Attrs = Attrs> extends Variant<A> {
  /** Whether a device uses the variant. Absent: every device does. */
  suits?(profile: DeviceProfile): boolean;
}

/** Whether a device has the subgroups that a variant needs. */
export const runsOn = ({ subgroupSize }: Pick<Variant, "subgroupSize">, profile: Omit<DeviceProfile, "isSoftware">): boolean =>
  subgroupSize === undefined || (profile.hasSubgroups && subgroupSize === profile.subgroupSize);

/** Threads of a workgroup that reduces: many on hardware; on software as many as run in step, since more cost a coroutine each. */
export const reductionWidth = ({ isSoftware, subgroupSize }: DeviceProfile): number =>
  isSoftware ? (subgroupSize >= 8 ? 8 : 4) : 256;

/** Variants of a reduction by one workgroup each, of as many threads as suit the device. */
export const reductions = <A extends Attrs>(
  calls: (op: OpCase<A>, width: number) => KernelCall<Ref>[],
): readonly PlainVariant<A>[] =>
  [256, 8, 4].map((width) => ({
    name: `workgroup reduction ${width}`,
    suits: (profile) => width === reductionWidth(profile),
    calls: (op) => calls(op, width),
  }));

export const input = (index: number): Ref => ({ kind: "input", index });
export const output: Ref = { kind: "output", index: 0 };
export const scratch = (bytes: number, id = 0): Ref => ({ kind: "scratch", bytes, id });

/** Threads per workgroup of the kernels that don't say otherwise. */
export const WG = 64;

/** x [n,c,…] seen as rows of positions, with its per-channel tensors in `groups` groups. */
export function layout(x: Shape, groups: number) {
  const [n, channels] = x as [number, number];
  return { channels, positions: sizeOf(x) / (n * channels), samples: n / groups, groups };
}
