// Convolutions by register blocks: the direct sum, one thread per block of output channels and pixels (shaders/conv2d.wgsl).

import { call } from "../../gpu/pipelines.ts";
import {
  type Block,
  blocksOf,
  type ConvolutionVariant,
  type Family,
  type ImageOp,
  imageCall,
  imageProblem,
  isWide,
  type Problem,
  suitsChannels,
} from "./problem.ts";

interface DirectVariant extends ConvolutionVariant {
  readonly block: Block;
}

const BLOCKS: readonly Block[] = [
  [8, 4, 8],
  [8, 4, 4],
  [4, 4, 4],
  [4, 2, 4],
  [4, 1, 4],
  [3, 4, 4],
  [3, 1, 4],
  [1, 4, 4],
  [1, 2, 4],
];

/** Sums that a thread of a hardware adapter keeps in registers; software adapters have the stack. */
const MAX_REGISTERS = 128;
export const fitsRegisters = ([OB, PH, PW]: Block): boolean => OB * PH * PW <= MAX_REGISTERS;
/** Below this many columns, too much of a block of eight columns lies beyond the image. */
const WIDE_RESULT = 24;
/** llvmpipe compiles a block of eight channels for half a minute. */
const MOST_WIDE_CHANNELS = 4;

/**
 * y = x∗w + b, and LeakyReLU where the op has an `alpha`. The input gradient is the same kernel on the cotangent padded by 2, with the
 * weights turned by 180°.
 */
function direct(block: Block, contraction: ImageOp): DirectVariant {
  const [OB, PH, PW] = block;
  return {
    name: `direct ${block.join("x")}`,
    main: "conv2d",
    block,
    suits(profile, op) {
      const { c_out, w } = imageProblem(op);
      if (!suitsChannels(OB, c_out)) return false;
      if (!profile.isSoftware) return fitsRegisters(block);
      return PH === 4 && (PW <= 4 || w >= WIDE_RESULT) && (!isWide(profile) || OB <= MOST_WIDE_CHANNELS);
    },
    calls(op) {
      const of = imageCall(op, contraction);
      const { sizes, slope, bindings, transposed, epilogue } = of;
      const { params, groups } = blocksOf(of, block);
      const masked = { MASKED: transposed.TRANSPOSED };
      const options = { template: { OB, PH, PW }, overrides: { ...transposed, ...masked, ...epilogue } };
      return [call("conv2d", bindings, { ...sizes, ...params, slope }, groups, options)];
    },
  };
}

/** Below this many threads a hardware adapter idles: smaller blocks are then worth their additional loads. */
const HARDWARE_THREADS = 16_384;
const threads = ([OB, PH, PW]: Block, { n, c_out, h, w }: Problem): number =>
  n * Math.ceil(c_out / OB) * Math.ceil(h / PH) * Math.ceil(w / PW);

export const direct2d: Family<DirectVariant> = {
  variants: {
    conv2d: BLOCKS.map((block) => direct(block, "conv2d")),
    conv2dInput: BLOCKS.map((block) => direct(block, "conv2dInput")),
  },
  best: (suited, op) => suited.find(({ block }) => threads(block, imageProblem(op)) >= HARDWARE_THREADS) ?? suited.at(-1),
};
