// Convolutions with a subgroup as one unit: its threads have an output channel each, and broadcast the image's values that all of them
// need (shaders/software/conv2d_broadcast.wgsl, conv2d_weight_broadcast.wgsl). For software adapters, where a load costs dozens of
// multiply-adds.

import { call } from "../../../gpu/pipelines.ts";
import { input } from "../../variant.ts";
import {
  type ConvolutionCase,
  type ConvolutionVariant,
  type Family,
  type ImageOp,
  imageCall,
  imageProblem,
  isWide,
  suitsChannels,
  weightProblem,
} from "../problem.ts";
import { addChunks, cut, suitsPairs } from "../weight.ts";

interface BroadcastVariant extends ConvolutionVariant {
  /** An estimate on an image, in multiply-adds per input channel. */
  cost(op: ConvolutionCase): number;
}

/** Pixels per thread, by the subgroup size: SwiftShader's 4, llvmpipe's 8. */
const TILES: readonly (readonly [threads: number, rows: number, columns: number])[] = [
  [4, 8, 6],
  [8, 6, 6],
  [8, 8, 8],
  [8, 6, 14],
];
/** What a load costs llvmpipe, in multiply-adds. */
const LOAD_COST = 52;

function broadcast([threads, PH, PW]: (typeof TILES)[number], contraction: ImageOp): BroadcastVariant {
  const loads = 9 + Math.ceil(((PH + 2) * (PW + 2)) / threads);
  return {
    name: `subgroup broadcast ${PH}x${PW} by ${threads}`,
    main: "conv2d_broadcast",
    subgroupSize: threads,
    suits: (_, op) => suitsChannels(threads, imageProblem(op).c_out),
    // Larger tiles need fewer loads but waste more at the borders.
    cost(op) {
      const { h, w } = imageProblem(op);
      return Math.ceil(h / PH) * Math.ceil(w / PW) * (LOAD_COST * loads + 9 * PH * PW);
    },
    calls(op) {
      const { n, sizes, slope, bindings, transposed, epilogue } = imageCall(op, contraction);
      const [blocks_x, blocks_o] = [Math.ceil(sizes.w_out / PW), Math.ceil(sizes.c_out / threads)];
      const groups = [blocks_x * Math.ceil(sizes.h_out / PH), blocks_o * n] as const;
      const options = { template: { LANES: threads, PH, PW }, overrides: { ...transposed, ...epilogue } };
      return [call("conv2d_broadcast", bindings, { ...sizes, blocks_x, blocks_o, slope }, groups, options)];
    },
  };
}

/** Weight gradients: input channels x columns per thread. */
const WEIGHT_BLOCKS = [
  [4, 8, 6],
  [4, 3, 6],
  [8, 8, 6],
  [8, 4, 6],
  [8, 3, 6],
] as const;
/** To aim at: more chunks of the picture than cores need are more to add. */
const WORKGROUPS = 16;

function weightBroadcast([threads, CB, PW]: (typeof WEIGHT_BLOCKS)[number]): BroadcastVariant {
  return {
    name: `subgroup broadcast ${CB}x${PW} by ${threads}, ${WORKGROUPS} workgroups`,
    main: "conv2d_weight_broadcast",
    subgroupSize: threads,
    suits: (profile, op) => threads === (isWide(profile) ? 8 : 4) && suitsPairs(threads, CB, weightProblem(op), profile),
    cost: () => 0, // as listed
    calls(op) {
      const [c_out, c_in] = op.shape as [number, number];
      const blocks = Math.ceil(c_out / threads) * Math.ceil(c_in / CB);
      const params = cut(op, PW, blocks, 1, WORKGROUPS);
      const { dw, added } = addChunks(params.chunks, c_out * c_in * 9);
      const bindings = { x: input(0), g: input(1), dw };
      const options = { template: { LANES: threads, CB, PW } };
      return [call("conv2d_weight_broadcast", bindings, params, [params.chunks, blocks], options), ...added];
    },
  };
}

export const subgroupBroadcast: Family<BroadcastVariant> = {
  variants: {
    conv2d: TILES.map((tile) => broadcast(tile, "conv2d")),
    conv2dInput: TILES.map((tile) => broadcast(tile, "conv2dInput")),
    conv2dWeight: WEIGHT_BLOCKS.map(weightBroadcast),
  },
  order: (suited, op) => [...suited].sort((a, b) => a.cost(op) - b.cost(op)),
};
