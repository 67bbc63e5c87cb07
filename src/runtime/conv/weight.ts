// Weight gradients by register blocks (shaders/conv2d_weight.wgsl): a workgroup has a block of channel pairs, and its threads walk down
// strips of the picture.

import { call, grid, type KernelCall } from "../../gpu/pipelines.ts";
import type { DeviceProfile } from "../../gpu/profile.ts";
import { input, type OpCase, output, type Ref, scratch, WG } from "../variant.ts";
import {
  type ConvolutionVariant,
  type Family,
  type Image,
  isWide,
  type Problem,
  suitsChannels,
  weightProblem,
} from "./problem.ts";

interface WeightBlock {
  /** Output channels x input channels x columns per thread. */
  readonly block: readonly [OB: number, CB: number, PW: number];
  /** Threads per workgroup = lanes · rounds; the sums of `lanes` threads lie in workgroup memory together. */
  readonly lanes: number;
  readonly rounds: number;
  /** Workgroups to aim at; where the blocks of channels are fewer, the picture is cut into chunks. Chunks cost a second dispatch. */
  readonly workgroups: number;
}

interface WeightVariant extends ConvolutionVariant {
  readonly workgroups: number;
}

/** For a large image on hardware. */
const MOST_WORKGROUPS = 1024;
/** Results from which on a hardware adapter is given chunks of the picture too. */
const CHUNKED_PIXELS = 8192;
const isChunked = ({ h, w }: Problem): boolean => h * w >= CHUNKED_PIXELS;

const BLOCKS: readonly WeightBlock[] = [
  // Software adapters, by the threads that run in step: more would make SwiftShader start a coroutine per invocation.
  ...(
    [
      [8, 2, 4],
      [4, 4, 4],
      [4, 3, 4],
      [3, 4, 4],
      [1, 4, 4],
    ] as const
  ).map((block) => ({ block, lanes: 4, rounds: 1, workgroups: 16 })),
  ...(
    [
      [4, 3, 4],
      [4, 2, 4],
      [3, 4, 4],
      [1, 4, 4],
    ] as const
  ).map((block) => ({ block, lanes: 8, rounds: 1, workgroups: 64 })),
  { block: [2, 2, 1], lanes: 32, rounds: 4, workgroups: 1 },
  { block: [4, 2, 1], lanes: 32, rounds: 4, workgroups: 1 },
  { block: [4, 2, 1], lanes: 32, rounds: 4, workgroups: MOST_WORKGROUPS },
  { block: [4, 3, 1], lanes: 32, rounds: 4, workgroups: 256 },
  { block: [3, 2, 1], lanes: 32, rounds: 4, workgroups: 256 },
  { block: [1, 4, 1], lanes: 32, rounds: 4, workgroups: 256 },
];

/** Whether blocks of OB output and CB input channels suit the channels: blocks of three input channels are for colours. */
export const suitsPairs = (OB: number, CB: number, { c_in, c_out }: Problem, profile: DeviceProfile): boolean =>
  suitsChannels(OB, c_out) && (c_out <= 3 || (CB === 3) === (c_in === 3) || (CB === 3 && isWide(profile) && profile.isSoftware));

/** A thread that walks down fewer rows than this reads too much of the rows above and below. */
const MIN_ROWS = 4;

/** How a weight gradient's picture is cut: into chunks, and per chunk strips of PW columns and `rows` rows, `threads` at a time. */
export function cut(op: OpCase, PW: number, blocks: number, threads: number, workgroups: number) {
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
export function addChunks(chunks: number, values: number): { dw: Ref; added: KernelCall<Ref>[] } {
  if (chunks === 1) return { dw: output, added: [] };
  const dw = scratch(chunks * values * 4);
  return { dw, added: [call("chunk_sum", { x: dw, y: output }, { n: values, chunks }, grid(values, WG))] };
}

function weightGradient({ block: [OB, CB, PW], lanes, rounds, workgroups }: WeightBlock): WeightVariant {
  const threads = lanes * rounds;
  const sharing = { LANES: lanes, ONCE: Number(rounds === 1), THREADS: threads };
  return {
    name: `direct ${OB}x${CB}x${PW} by ${threads}${workgroups > 1 ? `, ${workgroups} workgroups` : ""}`,
    main: "conv2d_weight",
    workgroups,
    suits(profile, op) {
      const problem = weightProblem(op);
      if (!suitsPairs(OB, CB, problem, profile)) return false;
      if (profile.isSoftware) return lanes === (isWide(profile) ? 8 : 4);
      // Where pairs of channels are many, the second dispatch of chunks costs more than it saves.
      return rounds > 1 && (workgroups === 1 || isChunked(problem) || Math.min(problem.c_in, problem.c_out) <= 3);
    },
    calls(op) {
      const [c_out, c_in] = op.shape as [number, number];
      const blocks = Math.ceil(c_out / OB) * Math.ceil(c_in / CB);
      const params = cut(op, PW, blocks, threads, workgroups);
      const { dw, added } = addChunks(params.chunks, c_out * c_in * 9);
      const bindings = { x: input(0), g: input(1), dw };
      const template = { OB, CB, PW, ...sharing, SUMS: OB * CB * 9 * lanes };
      return [call("conv2d_weight", bindings, params, [params.chunks, blocks], { template }), ...added];
    },
  };
}

export const weight2d: Family<WeightVariant> = {
  variants: { conv2dWeight: BLOCKS.map(weightGradient) },
  best: (suited, op) =>
    (isChunked(weightProblem(op)) && suited.find(({ workgroups }) => workgroups === MOST_WORKGROUPS)) || suited[0],
};
