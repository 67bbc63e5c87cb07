// What a kernel variant is: a function from an op's shapes to dispatches. Pure data: nothing here touches the device, so a Program can
// plan, print and tune before it allocates.

import { type Attrs, type Shape, sizeOf } from "../autodiff/tensor.ts";
import type { KernelCall } from "../gpu/pipelines.ts";

/** A buffer as a variant names it: an input or an output of the op (joint kernels have several), a scratch buffer, or a constant table. */
export type Ref =
  | { readonly kind: "input"; readonly index: number }
  | { readonly kind: "output"; readonly index: number }
  | { readonly kind: "scratch"; readonly bytes: number; readonly id: number }
  | { readonly kind: "table"; readonly data: Uint32Array | Float32Array };

export interface OpCase {
  readonly inputs: readonly Shape[];
  readonly shape: Shape;
  readonly attrs: Attrs;
}

export interface Variant {
  readonly name: string;
  /** Where its threads exchange values: the lanes that a subgroup must have. */
  readonly lanes?: number;
  /** Where it computes the image in whole tiles: their side. A value's last bits then depend on where in the image it lies. */
  readonly tile?: number;
  calls(op: OpCase): KernelCall<Ref>[];
}

/** What decides between variants where nothing was timed. */
export interface Device {
  readonly isSoftware: boolean;
  /** Lanes that run in step; of interest on software, where a workgroup of more is a coroutine per handful of lanes. */
  readonly subgroupSize: number;
  /** Whether kernels may use subgroups, all of `subgroupSize`. */
  readonly hasSubgroups: boolean;
  /** What a tuner found out, by tuningKey(). */
  readonly winners?: ReadonlyMap<string, { readonly variant: string }>;
}

export const runsOn = ({ lanes }: Variant, { hasSubgroups, subgroupSize }: Omit<Device, "isSoftware">): boolean =>
  lanes === undefined || (hasSubgroups && lanes === subgroupSize);

/** Lanes of a workgroup that reduces: many on hardware, on software those of a SIMD unit. */
export const TREE_WIDTHS = [256, 8, 4] as const;
/** The name of the variant of a reduction that suits a device. */
export const treeFor = ({ isSoftware, subgroupSize }: Device): string => `tree ${isSoftware ? (subgroupSize >= 8 ? 8 : 4) : 256}`;

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
