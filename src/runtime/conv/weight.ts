// Weight gradients by register blocks (shaders/conv2d_weight.wgsl): a workgroup has a block of channel pairs, and its threads walk down
// strips of the picture.

import { call, grid, type KernelCall } from "../../gpu/pipelines.ts";
import type { DeviceProfile } from "../../gpu/profile.ts";
import { input, type OpCase, output, type Ref, scratch, WG } from "../variant.ts";
import { type ConvolutionVariant, type Family, type Image, isWide, type Problem, suitsChannels } from "./problem.ts";

/** Output channels x input channels x columns per thread. */
type Block = readonly [OB: number, CB: number, PW: number];

interface WeightBlock {
  readonly block: Block;
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

/** For software adapters, by the threads that run in step: more would make SwiftShader start a coroutine per invocation. */
const software = (lanes: number, workgroups: number, ...blocks: readonly Block[]): readonly WeightBlock[] =>
  blocks.map((block) => ({ block, lanes, rounds: 1, workgroups }));
const hardware = (workgroups: number, ...blocks: readonly Block[]): readonly WeightBlock[] =>
  blocks.map((block) => ({ block, lanes: 32, rounds: 4, workgroups }));
const BLOCKS: readonly WeightBlock[] = [
  ...software(4, 16, [8, 2, 4], [4, 4, 4], [4, 3, 4], [3, 4, 4], [1, 4, 4]),
  ...software(8, 64, [4, 3, 4], [4, 2, 4], [3, 4, 4], [1, 4, 4]),
  ...hardware(1, [2, 2, 1], [4, 2, 1]),
  ...hardware(MOST_WORKGROUPS, [4, 2, 1]),
  ...hardware(256, [4, 3, 1], [3, 2, 1], [1, 4, 1]),
];

/** Whether blocks of OB output and CB input channels suit the channels: blocks of three input channels are for colours. */
export const suitsPairs = (OB: number, CB: number, { c_in, c_out }: Problem, profile: DeviceProfile): boolean =>
  suitsChannels(OB, c_out) && (c_out <= 3 || (CB === 3) === (c_in === 3) || (CB === 3 && isWide(profile) && profile.isSoftware));

/** A thread that walks down fewer rows than this reads too much of the rows above and below. */
const MIN_ROWS = 4;

/**
 * The dispatch of a weight gradient's kernel, and a second one that adds the sums of the chunks where there are several. Chunks are cut into
 * strips of PW columns and `rows` rows, `threads` at a time.
 */
export function weightCalls(
  kernel: "conv2d_weight" | "conv2d_weight_broadcast",
  { inputs: [x, g] }: OpCase,
  [OB, CB, PW]: Block,
  template: Readonly<Record<string, number>>,
  threads: number,
  workgroups: number,
): KernelCall<Ref>[] {
  const [samples, c_in, h_in, w_in] = x as unknown as Image;
  const [, c_out, h_out, w_out] = g as unknown as Image;
  const blocks = Math.ceil(c_out / OB) * Math.ceil(c_in / CB);
  const strips_x = Math.ceil(w_out / PW);
  const mostStrips = samples * strips_x * Math.ceil(h_out / MIN_ROWS);
  const chunks = Math.max(1, Math.min(Math.ceil(workgroups / blocks), Math.floor(mostStrips / threads)));
  // Four strips per thread, so that no thread has much more to do than another.
  const wantedBands = Math.ceil((4 * chunks * threads) / (samples * strips_x));
  const rows = Math.max(Math.min(MIN_ROWS, h_out), Math.ceil(h_out / wantedBands));
  const bands = Math.ceil(h_out / rows);
  const params = { samples, h_in, w_in, h_out, w_out, c_in, c_out, chunks, strips_x, bands, rows };
  const n = c_out * c_in * 9;
  const dw = chunks === 1 ? output : scratch(chunks * n * 4);
  const sums: KernelCall<Ref> = call(kernel, { x: input(0), g: input(1), dw }, params, [chunks, blocks], { template });
  return chunks === 1 ? [sums] : [sums, call("chunk_sum", { x: dw, y: output }, { n, chunks }, grid(n, WG))];
}

function weightGradient({ block, lanes, rounds, workgroups }: WeightBlock): WeightVariant {
  const [OB, CB, PW] = block;
  const threads = lanes * rounds;
  const template = { OB, CB, PW, LANES: lanes, ONCE: Number(rounds === 1), THREADS: threads, SUMS: OB * CB * 9 * lanes };
  return {
    name: `direct ${block.join("x")} by ${threads}${workgroups > 1 ? `, ${workgroups} workgroups` : ""}`,
    main: "conv2d_weight",
    workgroups,
    suits(profile, problem) {
      if (!suitsPairs(OB, CB, problem, profile)) return false;
      if (profile.isSoftware) return lanes === (isWide(profile) ? 8 : 4);
      // Where pairs of channels are many, the second dispatch of chunks costs more than it saves.
      return rounds > 1 && (workgroups === 1 || isChunked(problem) || Math.min(problem.c_in, problem.c_out) <= 3);
    },
    calls: (op) => weightCalls("conv2d_weight", op, block, template, threads, workgroups),
  };
}

export const weight2d: Family<WeightVariant> = {
  variants: { conv2dWeight: BLOCKS.map(weightGradient) },
  best: (suited, problem) => (isChunked(problem) && suited.find(({ workgroups }) => workgroups === MOST_WORKGROUPS)) || suited[0],
};
