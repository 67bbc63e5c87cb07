// Input gradients on a padded copy of the cotangent, for large images on hardware: one more dispatch, but nothing to mask. The masks
// would take a large block its last registers.

import { call, grid } from "../../gpu/pipelines.ts";
import { input, scratch, WG } from "../variant.ts";
import {
  type Block,
  blocksOf,
  type ConvolutionVariant,
  type Family,
  imageCall,
  imageProblem,
  isLarge,
  suitsChannels,
} from "./problem.ts";

const BLOCKS: readonly Block[] = [
  [8, 4, 4],
  [4, 4, 4],
];

function padded(block: Block): ConvolutionVariant {
  const [OB, PH, PW] = block;
  return {
    name: `padded ${block.join("x")}`,
    main: "conv2d",
    suits(_, op) {
      const problem = imageProblem(op);
      return suitsChannels(OB, problem.c_out) && isLarge(problem);
    },
    calls(op) {
      const of = imageCall(op, "conv2dInput");
      const { n, slope, bindings, transposed, epilogue } = of;
      const { h_in, w_in, c_in } = of.sizes;
      const [height, width] = [h_in + 4, w_in + 4];
      const values = n * c_in * height * width;
      const image = scratch(values * 4);
      const window = { rows: n * c_in, h_in, w_in, h_out: height, w_out: width, top: 2, left: 2 };
      const { params, groups } = blocksOf(of, block);
      const sizes = { ...of.sizes, h_in: height, w_in: width };
      const options = { template: { OB, PH, PW }, overrides: { ...transposed, ...epilogue } };
      return [
        call("window", { x: input(0), y: image }, window, grid(values, WG)),
        call("conv2d", { ...bindings, x: image }, { ...sizes, ...params, slope }, groups, options),
      ];
    },
  };
}

export const padded2d: Family = {
  variants: { conv2dInput: BLOCKS.map(padded) },
  best: ([first]) => first,
};
