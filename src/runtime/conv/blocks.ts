// Convolutions by register blocks: the direct sum, one thread per block of output channels and pixels (shaders/conv2d.wgsl), in three
// families: on the image itself, on a padded copy of it, and with the weights in workgroup memory (shaders/conv2d_staged.wgsl).

import { call, grid } from "../../gpu/pipelines.ts";
import { input, scratch, WG } from "../variant.ts";
import {
  type Block,
  bothWays,
  type ConvolutionVariant,
  type Family,
  type ImageOp,
  imageCall,
  inBlocks,
  isLarge,
  isWide,
  type Problem,
  suitsChannels,
} from "./problem.ts";

interface DirectVariant extends ConvolutionVariant {
  readonly block: Block;
}

/** Sums that a thread of a hardware adapter keeps in registers; software adapters have the stack. */
const MAX_REGISTERS = 128;
const fitsRegisters = ([OB, PH, PW]: Block): boolean => OB * PH * PW <= MAX_REGISTERS;
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
    suits(profile, { c_out, w }) {
      if (!suitsChannels(OB, c_out)) return false;
      if (!profile.isSoftware) return fitsRegisters(block);
      return PH === 4 && (PW <= 4 || w >= WIDE_RESULT) && (!isWide(profile) || OB <= MOST_WIDE_CHANNELS);
    },
    calls(op) {
      const { bindings, params, groups, overrides } = inBlocks(imageCall(op, contraction), block);
      const options = { template: { OB, PH, PW }, overrides: { ...overrides, MASKED: overrides.TRANSPOSED } };
      return [call("conv2d", bindings, params, groups, options)];
    },
  };
}

/** Below this many threads a hardware adapter idles: smaller blocks are then worth their additional loads. */
const HARDWARE_THREADS = 16_384;
const threads = ([OB, PH, PW]: Block, { n, c_out, h, w }: Problem): number =>
  n * Math.ceil(c_out / OB) * Math.ceil(h / PH) * Math.ceil(w / PW);

export const direct2d: Family<DirectVariant> = {
  variants: bothWays(direct, [8, 4, 8], [8, 4, 4], [4, 4, 4], [4, 2, 4], [4, 1, 4], [3, 4, 4], [3, 1, 4], [1, 4, 4], [1, 2, 4]),
  best: (suited, problem) => suited.find(({ block }) => threads(block, problem) >= HARDWARE_THREADS) ?? suited.at(-1),
};

/**
 * Input gradients on a padded copy of the cotangent, for large images on hardware: one more dispatch, but nothing to mask. The masks would
 * take a large block its last registers.
 */
function padded(block: Block): ConvolutionVariant {
  const [OB, PH, PW] = block;
  return {
    name: `padded ${block.join("x")}`,
    main: "conv2d",
    suits: (_, problem) => suitsChannels(OB, problem.c_out) && isLarge(problem),
    calls(op) {
      const of = imageCall(op, "conv2dInput");
      const { h_in, w_in, c_in } = of.sizes;
      const [rows, height, width] = [of.n * c_in, h_in + 4, w_in + 4];
      const x = scratch(rows * height * width * 4);
      const { bindings, params, groups, overrides } = inBlocks(of, block);
      const window = { rows, h_in, w_in, h_out: height, w_out: width, top: 2, left: 2 };
      const options = { template: { OB, PH, PW }, overrides };
      return [
        call("window", { x: input(0), y: x }, window, grid(rows * height * width, WG)),
        call("conv2d", { ...bindings, x }, { ...params, h_in: height, w_in: width }, groups, options),
      ];
    },
  };
}

export const padded2d: Family = {
  variants: { conv2dInput: [padded([8, 4, 4]), padded([4, 4, 4])] },
  best: ([first]) => first,
};

/** Weights of four output channels each that conv2d_staged.wgsl has room for. */
const STAGED_VEC4S = 1008;
/** Input channels copied at a time where not all fit. */
const STAGE = 16;

/** With the weights of a workgroup's channels in workgroup memory. */
function staged(block: Block, contraction: ImageOp): ConvolutionVariant {
  const [OB, PH, PW] = block;
  const QB = OB / 4;
  return {
    name: `staged ${block.join("x")}`,
    main: "conv2d_staged",
    suits: (profile, { c_out }) =>
      suitsChannels(OB, c_out) && (profile.isSoftware ? isWide(profile) && OB <= MOST_WIDE_CHANNELS : fitsRegisters(block)),
    calls(op) {
      const { bindings, params, groups, overrides } = inBlocks(imageCall(op, contraction), block);
      const template = { QB, PH, PW, ONCE: Number(params.c_in * 9 * QB <= STAGED_VEC4S) };
      return [call("conv2d_staged", bindings, { ...params, stage: STAGE }, groups, { template, overrides })];
    },
  };
}

export const staged2d: Family = { variants: bothWays(staged, [8, 4, 4], [4, 4, 4]) };
