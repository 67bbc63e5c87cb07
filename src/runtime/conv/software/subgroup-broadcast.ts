// Convolutions with a subgroup as one unit: its threads have an output channel each, and broadcast the image's values that all of them
// need (shaders/software/conv2d_broadcast.wgsl, conv2d_weight_broadcast.wgsl). For software adapters, where a load costs dozens of
// multiply-adds.

import { call } from "../../../gpu/pipelines.ts";
import {
  type Block,
  bothWays,
  type ConvolutionVariant,
  type Family,
  type ImageOp,
  imageCall,
  inBlocks,
  isWide,
  type Problem,
  suitsChannels,
} from "../problem.ts";
import { suitsPairs, weightCalls } from "../weight.ts";

interface BroadcastVariant extends ConvolutionVariant {
  /** An estimate on an image, in multiply-adds per input channel. */
  cost(problem: Problem): number;
}

/** What a load costs llvmpipe, in multiply-adds. */
const LOAD_COST = 52;

/** The block is that of a subgroup: a thread per output channel, with PH rows and PW columns each. */
function broadcast(block: Block, contraction: ImageOp): BroadcastVariant {
  const [LANES, PH, PW] = block;
  const loads = 9 + Math.ceil(((PH + 2) * (PW + 2)) / LANES);
  return {
    name: `subgroup broadcast ${PH}x${PW} by ${LANES}`,
    main: "conv2d_broadcast",
    subgroupSize: LANES,
    suits: (_, { c_out }) => suitsChannels(LANES, c_out),
    // Larger tiles need fewer loads but waste more at the borders.
    cost: ({ h, w }) => Math.ceil(h / PH) * Math.ceil(w / PW) * (LOAD_COST * loads + 9 * PH * PW),
    calls(op) {
      const { bindings, params, groups, overrides } = inBlocks(imageCall(op, contraction), block, 1);
      return [call("conv2d_broadcast", bindings, params, groups, { template: { LANES, PH, PW }, overrides })];
    },
  };
}

/** To aim at: more chunks of the picture than cores need are more to add. */
const WORKGROUPS = 16;

/** Weight gradients: a thread per output channel, with CB input channels and PW columns each. */
function weightBroadcast(LANES: number, CB: number, PW: number): BroadcastVariant {
  return {
    name: `subgroup broadcast ${CB}x${PW} by ${LANES}, ${WORKGROUPS} workgroups`,
    main: "conv2d_weight_broadcast",
    subgroupSize: LANES,
    suits: (profile, problem) => LANES === (isWide(profile) ? 8 : 4) && suitsPairs(LANES, CB, problem, profile),
    cost: () => 0, // as listed
    calls: (op) => weightCalls("conv2d_weight_broadcast", op, [LANES, CB, PW], { LANES, CB, PW }, 1, WORKGROUPS),
  };
}

/** The blocks are for subgroups of SwiftShader's 4 threads and llvmpipe's 8. */
export const subgroupBroadcast: Family<BroadcastVariant> = {
  variants: {
    ...bothWays(broadcast, [4, 8, 6], [8, 6, 6], [8, 8, 8], [8, 6, 14]),
    conv2dWeight: [...[8, 3].map((CB) => weightBroadcast(4, CB, 6)), ...[8, 4, 3].map((CB) => weightBroadcast(8, CB, 6))],
  },
  order: (suited, problem) => [...suited].sort((a, b) => a.cost(problem) - b.cost(problem)),
};
