// A convolution as its kernels see it: which contraction of ⟨g, x∗w⟩ it is, of what sizes, and how much work. Variants and families.

import type { DeviceProfile } from "../../gpu/profile.ts";
import { input, type OpCase, output, type Variant, WG } from "../variant.ts";

export type Image = readonly [n: number, c: number, h: number, w: number];
/** The contractions whose result is an image: the kernels of the second are those of the first with the weights turned by 180°. */
export type ImageOp = "conv2d" | "conv2dInput";
export const CONTRACTIONS = ["conv2d", "conv2dInput", "conv2dWeight"] as const;
export type Contraction = (typeof CONTRACTIONS)[number];

/** The contraction that an op is, whatever its epilogue; null for ops that are no convolutions. */
export function contractionOf(opName: string): Contraction | null {
  if (opName === "conv2dLeaky") return "conv2d";
  return CONTRACTIONS.find((name) => name === opName) ?? null;
}

/** A bias is a third input; LeakyReLU comes last where there is an `alpha`. */
type Epilogue = { readonly alpha?: number };

export interface ConvolutionVariant extends Variant<Epilogue> {
  readonly main: NonNullable<Variant["main"]>;
  /** Whether the variant is worth a try on a device that can run it. */
  suits(profile: DeviceProfile, problem: Problem): boolean;
}

/** Kernels that share an idea. */
export interface Family<V extends ConvolutionVariant = ConvolutionVariant> {
  readonly variants: Readonly<Partial<Record<Contraction, readonly V[]>>>;
  /** The variants that suit a case in the order in which they are worth a try. Absent: as listed. */
  order?(suited: readonly V[], problem: Problem): readonly V[];
  /** On hardware: the one to use where nothing was timed. */
  best?(suited: readonly V[], problem: Problem): V | undefined;
}

/** Channels, and samples and size of the image on the side of c_out: the result, or for a weight gradient the cotangent. */
export interface Problem {
  readonly n: number;
  readonly c_in: number;
  readonly c_out: number;
  readonly h: number;
  readonly w: number;
}

export function problemOf(contraction: Contraction, { inputs: [x, g], shape }: OpCase): Problem {
  const [n, c_out, h, w] = (contraction === "conv2dWeight" ? g! : shape) as unknown as Image;
  return { n, c_in: x![1]!, c_out, h, w };
}

/** 9·n·c_in·c_out·h·w: the multiply-adds of the direct sum, however a kernel computes it. 0 for ops that are no convolutions. */
export function multiplyAdds(opName: string, op: OpCase): number {
  const contraction = contractionOf(opName);
  if (!contraction) return 0;
  const { n, c_in, c_out, h, w } = problemOf(contraction, op);
  // The input gradient sums over the cotangent's pixels, fewer than it has itself.
  const [height, width] = contraction === "conv2dInput" ? [h - 2, w - 2] : [h, w];
  return 9 * n * c_in * c_out * height * width;
}

/** From so many values of the result on, variants of several dispatches are worth a try on hardware. */
export const isLarge = ({ n, c_out, h, w }: Problem): boolean => n * c_out * h * w >= 2 ** 20;

/** Whether blocks of so many channels suit a number of channels: colours have blocks of their own, one or two channels those of one. */
export const suitsChannels = (block: number, channels: number): boolean =>
  channels === 3 ? block === 3 : channels < 3 ? block === 1 : block !== 1 && block !== 3 && block <= channels;

/** Software adapters that compute with 256-bit vectors, as llvmpipe; the others have 128-bit vectors, as SwiftShader. */
export const isWide = ({ subgroupSize }: DeviceProfile): boolean => subgroupSize >= 8;

/** Variants of both contractions whose result is an image, by their blocks. */
export const bothWays = <B, V>(make: (block: B, contraction: ImageOp) => V, ...blocks: readonly B[]) => ({
  conv2d: blocks.map((block) => make(block, "conv2d")),
  conv2dInput: blocks.map((block) => make(block, "conv2dInput")),
});

/** Output channels x rows x columns per thread. */
export type Block = readonly [OB: number, PH: number, PW: number];

/** What the calls of an image's variants have in common. */
export function imageCall({ inputs: [x, , b], shape, attrs: { alpha } }: OpCase<Epilogue>, contraction: ImageOp) {
  const [, c_in, h_in, w_in] = x as unknown as Image;
  const [n, c_out, h_out, w_out] = shape as unknown as Image;
  const isTransposed = contraction === "conv2dInput";
  const hasBias = !isTransposed && b !== undefined;
  return {
    n,
    sizes: { h_in, w_in, h_out, w_out, c_in, c_out },
    slope: alpha ?? 1,
    bindings: { x: input(0), w: input(1), b: hasBias ? input(2) : input(1), y: output },
    transposed: { TRANSPOSED: Number(isTransposed) },
    epilogue: { BIAS: Number(hasBias), LEAKY: Number(alpha !== undefined) },
  };
}

/** The dispatch of a kernel whose workgroups compute `perGroup` blocks of OB channels, PH rows and PW columns each. */
export function inBlocks(of: ReturnType<typeof imageCall>, [OB, PH, PW]: Block, perGroup = WG) {
  const { n, sizes, slope, bindings, transposed, epilogue } = of;
  const [blocks_x, blocks_o] = [Math.ceil(sizes.w_out / PW), Math.ceil(sizes.c_out / OB)];
  const blocks = blocks_x * Math.ceil(sizes.h_out / PH);
  return {
    bindings,
    params: { ...sizes, blocks, blocks_x, blocks_o, slope },
    groups: [Math.ceil(blocks / perGroup), blocks_o * n] as const,
    overrides: { ...transposed, ...epilogue },
  };
}
