// The kernels of the convolution family: its variants and the choice between them.

import { call, grid, type KernelCall } from "../gpu/pipelines.ts";
import { type Device, input, type OpCase, output, type Ref, scratch, type Variant, WG } from "./variant.ts";

type Image = readonly [n: number, c: number, h: number, w: number];
type Direction = "forward" | "input gradient";

/** Register blocks of conv2d: output channels x rows x columns per thread. */
type Block = readonly [OB: number, PH: number, PW: number];

/**
 * y = x∗w + b by register blocks; LeakyReLU on top where the op has an attribute `alpha`. The input gradient is the same kernel on the
 * gradient padded by 2, with the weights turned round.
 */
function direct([OB, PH, PW]: Block, direction: Direction): Variant {
  return {
    name: `direct ${OB}x${PH}x${PW}`,
    calls({ inputs: [x, , b], shape, attrs }) {
      const [, c_in, h_in, w_in] = x as unknown as Image;
      const [n, c_out, h_out, w_out] = shape as unknown as Image;
      const transposed = direction === "input gradient";
      const bias = !transposed && b !== undefined;
      const slope = attrs["alpha"] as number | undefined;
      const [blocks_x, blocks_o] = [Math.ceil(w_out / PW), Math.ceil(c_out / OB)];
      const blocks = blocks_x * Math.ceil(h_out / PH);
      return [
        call<"conv2d", Ref>(
          "conv2d",
          { x: input(0), w: input(1), b: bias ? input(2) : input(1), y: output },
          { h_in, w_in, h_out, w_out, c_in, c_out, blocks, blocks_x, blocks_o, slope: slope ?? 1 },
          [Math.ceil(blocks / WG), blocks_o * n],
          {
            template: { OB, PH, PW },
            overrides: { TRANSPOSED: Number(transposed), BIAS: Number(bias), LEAKY: Number(slope !== undefined) },
          },
        ),
      ];
    },
  };
}

interface WeightBlock {
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

function weightGradient({ block: [OB, CB, PW], lanes, rounds, workgroups }: WeightBlock): Variant {
  const threads = lanes * rounds;
  return {
    name: `direct ${OB}x${CB}x${PW} by ${threads}${workgroups > 1 ? `, ${workgroups} workgroups` : ""}`,
    calls({ inputs: [x, g] }) {
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
      const n = c_out * c_in * 9;
      const partial = chunks > 1 ? scratch(chunks * n * 4) : output;
      const first = call<"conv2d_weight", Ref>(
        "conv2d_weight",
        { x: input(0), g: input(1), dw: partial },
        { samples, h_in, w_in, h_out, w_out, c_in, c_out, chunks, strips_x, bands, rows },
        [chunks, blocks],
        { template: { OB, CB, PW, LANES: lanes, ROUNDS: rounds, THREADS: threads, SUMS: OB * CB * 9 * lanes } },
      );
      return chunks > 1 ? [first, chunkSum(partial, n, chunks)] : [first];
    },
  };
}
const chunkSum = (x: Ref, n: number, chunks: number): KernelCall<Ref> =>
  call("chunk_sum", { x, y: output }, { n, chunks }, grid(n, WG));

const BLOCKS: readonly Block[] = [
  [8, 4, 4],
  [4, 4, 4],
  [4, 2, 4],
  [4, 1, 4],
  [1, 4, 4],
  [1, 2, 4],
];
const WEIGHT_BLOCKS: readonly WeightBlock[] = [
  { block: [8, 2, 4], lanes: 8, rounds: 1, workgroups: 64 },
  { block: [4, 4, 4], lanes: 8, rounds: 1, workgroups: 64 },
  { block: [1, 4, 4], lanes: 8, rounds: 1, workgroups: 64 },
  { block: [4, 2, 1], lanes: 32, rounds: 4, workgroups: 1 },
  { block: [2, 2, 1], lanes: 32, rounds: 4, workgroups: 1 },
  { block: [4, 2, 1], lanes: 32, rounds: 4, workgroups: 1024 },
  { block: [1, 4, 1], lanes: 32, rounds: 4, workgroups: 256 },
];

/** The variants of each op. */
export const convolutions = {
  conv2d: BLOCKS.map((block) => direct(block, "forward")),
  conv2dInput: BLOCKS.map((block) => direct(block, "input gradient")),
  conv2dWeight: WEIGHT_BLOCKS.map(weightGradient),
} as const satisfies Record<string, readonly Variant[]>;

/** Below this many threads a hardware adapter idles: smaller blocks then win over fewer loads. */
const HARDWARE_THREADS = 16_384;

/** The variant used where nothing was timed. */
export function chooseConvolution(opName: keyof typeof convolutions, op: OpCase, device: Device): Variant {
  const all: readonly Variant[] = convolutions[opName];
  if (opName === "conv2dWeight") {
    const [, channels] = op.inputs[1]!;
    if (!device.isSoftware) return all[channels! < 4 ? 6 : 3]!;
    return all[channels! < 4 ? 2 : 0]!;
  }
  const [n, channels, h, w] = op.shape;
  const candidates = BLOCKS.map((block, i) => ({ block, variant: all[i]! })).filter(({ block: [OB] }) =>
    channels! < 4 ? OB === 1 : OB > 1 && OB <= channels!,
  );
  if (device.isSoftware) return candidates[0]!.variant;
  const threads = ([OB, PH, PW]: Block) => n! * Math.ceil(channels! / OB) * Math.ceil(h! / PH) * Math.ceil(w! / PW);
  return (candidates.find(({ block }) => threads(block) >= HARDWARE_THREADS) ?? candidates.at(-1)!).variant;
}
