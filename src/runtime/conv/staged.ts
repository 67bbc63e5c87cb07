// Convolutions by register blocks with the weights in workgroup memory (shaders/conv2d_staged.wgsl).

import { call } from "../../gpu/pipelines.ts";
import { fitsRegisters } from "./direct.ts";
import {
  type Block,
  blocksOf,
  type ConvolutionVariant,
  type Family,
  type ImageOp,
  imageCall,
  imageProblem,
  isWide,
  suitsChannels,
} from "./problem.ts";

const BLOCKS: readonly Block[] = [
  [8, 4, 4],
  [4, 4, 4],
];
/** Weights of four output channels each that conv2d_staged.wgsl has room for. */
const STAGED_VEC4S = 1008;
/** Input channels copied at a time where not all fit. */
const STAGE = 16;
/** llvmpipe compiles a block of eight channels for half a minute. */
const MOST_WIDE_CHANNELS = 4;

function staged(block: Block, contraction: ImageOp): ConvolutionVariant {
  const [OB, PH, PW] = block;
  const QB = OB / 4;
  return {
    name: `staged ${block.join("x")}`,
    main: "conv2d_staged",
    suits: (profile, op) =>
      suitsChannels(OB, imageProblem(op).c_out) &&
      (profile.isSoftware ? isWide(profile) && OB <= MOST_WIDE_CHANNELS : fitsRegisters(block)),
    calls(op) {
      const of = imageCall(op, contraction);
      const { sizes, slope, bindings, transposed, epilogue } = of;
      const { params, groups } = blocksOf(of, block);
      const once = sizes.c_in * 9 * QB <= STAGED_VEC4S;
      const options = {
        template: { QB, PH, PW, ONCE: Number(once) },
        overrides: { ...transposed, ...epilogue },
      };
      return [call("conv2d_staged", bindings, { ...sizes, ...params, stage: STAGE, slope }, groups, options)];
    },
  };
}

export const staged2d: Family = {
  variants: {
    conv2d: BLOCKS.map((block) => staged(block, "conv2d")),
    conv2dInput: BLOCKS.map((block) => staged(block, "conv2dInput")),
  },
};
