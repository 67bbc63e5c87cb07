// Convolutions whose threads swap their windows of the image within a quad (shaders/software/conv2d_quad_swap.wgsl), for software adapters
// with subgroups of four. The bits are those of direct sums.

import { call } from "../../../gpu/pipelines.ts";
import {
  type Block,
  bothWays,
  type ConvolutionVariant,
  type Family,
  type ImageOp,
  imageCall,
  inBlocks,
  suitsChannels,
} from "../problem.ts";

/** Threads of a quad. */
export const QUAD = 4;

/** The block is that of a thread, for each of the quad's four blocks of pixels. */
function quadSwapping([OB, PH, PW]: Block, contraction: ImageOp): ConvolutionVariant {
  return {
    name: `quad swap ${OB}x${PH}x${PW}`,
    main: "conv2d_quad_swap",
    subgroupSize: QUAD,
    suits: (_, { c_out }) => suitsChannels(QUAD * OB, c_out),
    calls(op) {
      const { bindings, params, groups, overrides } = inBlocks(imageCall(op, contraction), [QUAD * OB, PH, PW], QUAD);
      return [call("conv2d_quad_swap", bindings, params, groups, { template: { OB, PH, PW }, overrides })];
    },
  };
}

export const quadSwap: Family = { variants: bothWays(quadSwapping, [4, 4, 4], [2, 4, 4]) };
