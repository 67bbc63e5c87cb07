// Convolutions whose threads swap their windows of the image within a quad (shaders/software/conv2d_quad_swap.wgsl), for software adapters
// with subgroups of four. The bits are those of direct sums.

import { call } from "../../../gpu/pipelines.ts";
import {
  type Block,
  type ConvolutionVariant,
  type Family,
  type ImageOp,
  imageCall,
  imageProblem,
  suitsChannels,
} from "../problem.ts";

/** Threads of a quad. */
export const QUAD = 4;

/** Output channels x rows x columns per thread, for each of the quad's four blocks of pixels. */
const BLOCKS: readonly Block[] = [
  [4, 4, 4],
  [2, 4, 4],
];

function quadSwapping(block: Block, contraction: ImageOp): ConvolutionVariant {
  const [OB, PH, PW] = block;
  return {
    name: `quad swap ${block.join("x")}`,
    main: "conv2d_quad_swap",
    subgroupSize: QUAD,
    suits: (_, op) => suitsChannels(QUAD * OB, imageProblem(op).c_out),
    calls(op) {
      const { n, sizes, slope, bindings, transposed, epilogue } = imageCall(op, contraction);
      const [blocks_x, blocks_o] = [Math.ceil(sizes.w_out / PW), Math.ceil(sizes.c_out / (QUAD * OB))];
      const blocks = blocks_x * Math.ceil(sizes.h_out / PH);
      const groups = [Math.ceil(blocks / QUAD), blocks_o * n] as const;
      const options = { template: { OB, PH, PW }, overrides: { ...transposed, ...epilogue } };
      return [call("conv2d_quad_swap", bindings, { ...sizes, blocks_x, blocks_o, slope }, groups, options)];
    },
  };
}

export const quadSwap: Family = {
  variants: {
    conv2d: BLOCKS.map((block) => quadSwapping(block, "conv2d")),
    conv2dInput: BLOCKS.map((block) => quadSwapping(block, "conv2dInput")),
  },
};
