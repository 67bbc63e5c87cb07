// The kernels of the convolution family: each variant as a function from shapes to dispatches. convolutions.ts chooses between them.

import { call, grid, type KernelCall } from "../gpu/pipelines.ts";
import { input, type OpCase, output, type Ref, scratch, type Variant, WG } from "./variant.ts";

export type Image = readonly [n: number, c: number, h: number, w: number];
export type Direction = "forward" | "input gradient";

/** Output channels x rows x columns per thread. */
export type Block = readonly [OB: number, PH: number, PW: number];

/** What the variants of conv2d and conv2dInput need to know of an op. */
export function problemOf({ inputs: [x, , b], shape, attrs }: OpCase, direction: Direction) {
  const [, c_in, h_in, w_in] = x as unknown as Image;
  const [n, c_out, h_out, w_out] = shape as unknown as Image;
  const transposed = direction === "input gradient";
  const bias = !transposed && b !== undefined;
  const alpha = attrs["alpha"] as number | undefined;
  return {
    n,
    sizes: { h_in, w_in, h_out, w_out, c_in, c_out },
    slope: alpha ?? 1,
    bindings: { x: input(0), w: input(1), b: bias ? input(2) : input(1), y: output },
    transposed: { TRANSPOSED: Number(transposed) },
    epilogue: { BIAS: Number(bias), LEAKY: Number(alpha !== undefined) },
  };
}

/** One thread per block of results, grouped by block of channels and sample. */
function blocksOf({ n, sizes: { h_out, w_out, c_out } }: ReturnType<typeof problemOf>, [OB, PH, PW]: Block) {
  const [blocks_x, blocks_o] = [Math.ceil(w_out / PW), Math.ceil(c_out / OB)];
  const blocks = blocks_x * Math.ceil(h_out / PH);
  return { params: { blocks, blocks_x, blocks_o }, groups: [Math.ceil(blocks / WG), blocks_o * n] as const };
}

/**
 * y = x∗w + b by register blocks; LeakyReLU on top where the op has an attribute `alpha`. The input gradient is the same kernel on the
 * gradient padded by 2, with the weights turned round.
 */
export function direct(block: Block, direction: Direction): Variant {
  const [OB, PH, PW] = block;
  return {
    name: `direct ${block.join("x")}`,
    calls(op) {
      const problem = problemOf(op, direction);
      const { sizes, slope, bindings, transposed, epilogue } = problem;
      const { params, groups } = blocksOf(problem, block);
      const masked = { MASKED: transposed.TRANSPOSED };
      const options = { template: { OB, PH, PW }, overrides: { ...transposed, ...masked, ...epilogue } };
      return [call<"conv2d", Ref>("conv2d", bindings, { ...sizes, ...params, slope }, groups, options)];
    },
  };
}

/** The input gradient on a padded copy: one dispatch more, but nothing to mask, which costs a large block its last registers. */
export function padded(block: Block): Variant {
  const [OB, PH, PW] = block;
  return {
    name: `padded ${block.join("x")}`,
    calls(op) {
      const problem = problemOf(op, "input gradient");
      const { n, slope, bindings, transposed, epilogue } = problem;
      const { h_in, w_in, c_in } = problem.sizes;
      const [height, width] = [h_in + 4, w_in + 4];
      const values = n * c_in * height * width;
      const image = scratch(values * 4);
      const window = { rows: n * c_in, h_in, w_in, h_out: height, w_out: width, top: 2, left: 2 };
      const { params, groups } = blocksOf(problem, block);
      const sizes = { ...problem.sizes, h_in: height, w_in: width };
      const options = { template: { OB, PH, PW }, overrides: { ...transposed, ...epilogue } };
      return [
        call<"window", Ref>("window", { x: input(0), y: image }, window, grid(values, WG)),
        call<"conv2d", Ref>("conv2d", { ...bindings, x: image }, { ...sizes, ...params, slope }, groups, options),
      ];
    },
  };
}

/** Weights of four output channels each that conv2d_staged.wgsl has room for. */
const STAGED_VEC4S = 1008;
/** Input channels copied at a time where not all fit. */
const STAGE = 16;

/** The same with the weights copied to workgroup memory first. */
export function staged(block: Block, direction: Direction): Variant {
  const [OB, PH, PW] = block;
  const QB = OB / 4;
  return {
    name: `staged ${block.join("x")}`,
    calls(op) {
      const problem = problemOf(op, direction);
      const { sizes, slope, bindings, transposed, epilogue } = problem;
      const { params, groups } = blocksOf(problem, block);
      const once = sizes.c_in * 9 * QB <= STAGED_VEC4S;
      const options = {
        template: { QB, PH, PW, ONCE: Number(once), MANY: Number(!once) },
        overrides: { ...transposed, ...epilogue },
      };
      return [
        call<"conv2d_staged", Ref>("conv2d_staged", bindings, { ...sizes, ...params, stage: STAGE, slope }, groups, options),
      ];
    },
  };
}

/** A subgroup as one unit: lanes over output channels, PH x PW pixels each, the window of x handed round. */
export function acrossLanes(lanes: number, [PH, PW]: readonly [number, number], direction: Direction): Variant {
  return {
    name: `lanes ${PH}x${PW} by ${lanes}`,
    lanes,
    calls(op) {
      const { n, sizes, slope, bindings, transposed, epilogue } = problemOf(op, direction);
      const [blocks_x, blocks_o] = [Math.ceil(sizes.w_out / PW), Math.ceil(sizes.c_out / lanes)];
      const groups = [blocks_x * Math.ceil(sizes.h_out / PH), blocks_o * n] as const;
      const options = { template: { LANES: lanes, PH, PW }, overrides: { ...transposed, ...epilogue } };
      return [call<"conv2d_lanes", Ref>("conv2d_lanes", bindings, { ...sizes, blocks_x, blocks_o, slope }, groups, options)];
    },
  };
}

/** Lanes that swap values, in kernels for subgroups of so many. */
export const QUAD = 4;

/** The same for subgroups of four lanes, which swap their windows: OB output channels per lane, for four blocks of pixels. */
export function byQuads([OB, PH, PW]: Block, direction: Direction): Variant {
  return {
    name: `quads ${OB}x${PH}x${PW}`,
    lanes: QUAD,
    calls(op) {
      const problem = problemOf(op, direction);
      const { n, sizes, slope, bindings, transposed, epilogue } = problem;
      const [blocks_x, blocks_o] = [Math.ceil(sizes.w_out / PW), Math.ceil(sizes.c_out / (QUAD * OB))];
      const blocks = blocks_x * Math.ceil(sizes.h_out / PH);
      const groups = [Math.ceil(blocks / QUAD), blocks_o * n] as const;
      const options = { template: { OB, PH, PW }, overrides: { ...transposed, ...epilogue } };
      return [call<"conv2d_quads", Ref>("conv2d_quads", bindings, { ...sizes, blocks_x, blocks_o, slope }, groups, options)];
    },
  };
}

export interface WeightBlock {
  /** Output channels x input channels x columns per thread. */
  readonly block: readonly [OB: number, CB: number, PW: number];
  /** Threads per workgroup = lanes · rounds; the lanes' sums lie in workgroup memory together. */
  readonly lanes: number;
  readonly rounds: number;
  /** Workgroups to aim at; where the blocks of channels are fewer, the picture is cut into chunks. Chunks cost a second dispatch. */
  readonly workgroups: number;
}

/** A thread that walks down fewer rows than this reads too much of the rows above and below. */
const MIN_ROWS = 4;

/** How a weight gradient's picture is cut: into chunks, and per chunk strips of PW columns and `rows` rows, `threads` at a time. */
function cut(op: OpCase, PW: number, blocks: number, threads: number, workgroups: number) {
  const [samples, c_in, h_in, w_in] = op.inputs[0] as unknown as Image;
  const [, c_out, h_out, w_out] = op.inputs[1] as unknown as Image;
  const strips_x = Math.ceil(w_out / PW);
  const mostStrips = samples * strips_x * Math.ceil(h_out / MIN_ROWS);
  const chunks = Math.max(1, Math.min(Math.ceil(workgroups / blocks), Math.floor(mostStrips / threads)));
  // Four strips per thread, so that no thread has much more to do than another.
  const wantedBands = Math.ceil((4 * chunks * threads) / (samples * strips_x));
  const rows = Math.max(Math.min(MIN_ROWS, h_out), Math.ceil(h_out / wantedBands));
  return { samples, h_in, w_in, h_out, w_out, c_in, c_out, chunks, strips_x, bands: Math.ceil(h_out / rows), rows };
}

/** Where the chunks' results go, and the dispatch that adds them where there are several. */
function addChunks(chunks: number, values: number): { dw: Ref; added: KernelCall<Ref>[] } {
  if (chunks === 1) return { dw: output, added: [] };
  const dw = scratch(chunks * values * 4);
  return { dw, added: [call<"chunk_sum", Ref>("chunk_sum", { x: dw, y: output }, { n: values, chunks }, grid(values, WG))] };
}

export function weightGradient({ block: [OB, CB, PW], lanes, rounds, workgroups }: WeightBlock): Variant {
  const threads = lanes * rounds;
  const sharing = { LANES: lanes, ONCE: Number(rounds === 1), MANY: Number(rounds > 1), THREADS: threads };
  return {
    name: `direct ${OB}x${CB}x${PW} by ${threads}${workgroups > 1 ? `, ${workgroups} workgroups` : ""}`,
    calls(op) {
      const [c_out, c_in] = op.shape as [number, number];
      const blocks = Math.ceil(c_out / OB) * Math.ceil(c_in / CB);
      const params = cut(op, PW, blocks, threads, workgroups);
      const { dw, added } = addChunks(params.chunks, c_out * c_in * 9);
      const bindings = { x: input(0), g: input(1), dw };
      const template = { OB, CB, PW, ...sharing, SUMS: OB * CB * 9 * lanes };
      return [call<"conv2d_weight", Ref>("conv2d_weight", bindings, params, [params.chunks, blocks], { template }), ...added];
    },
  };
}

/** A subgroup as one unit: lanes over output channels, CB input channels each, rows of x handed round. */
export function weightsAcrossLanes(lanes: number, [CB, PW]: readonly [number, number], workgroups: number): Variant {
  return {
    name: `lanes ${CB}x${PW} by ${lanes}, ${workgroups} workgroups`,
    lanes,
    calls(op) {
      const [c_out, c_in] = op.shape as [number, number];
      const blocks = Math.ceil(c_out / lanes) * Math.ceil(c_in / CB);
      const params = cut(op, PW, blocks, 1, workgroups);
      const { dw, added } = addChunks(params.chunks, c_out * c_in * 9);
      const bindings = { x: input(0), g: input(1), dw };
      const options = { template: { LANES: lanes, CB, PW } };
      return [
        call<"conv2d_weight_lanes", Ref>("conv2d_weight_lanes", bindings, params, [params.chunks, blocks], options),
        ...added,
      ];
    },
  };
}
