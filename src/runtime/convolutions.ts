// The kernels of the convolution family: its variants and the choice between them.

import { type Shape, sizeOf } from "../autodiff/tensor.ts";
import { call, grid, type KernelCall } from "../gpu/pipelines.ts";
import { type Device, input, type OpCase, output, type Ref, scratch, type Variant, WG } from "./variant.ts";

/** Register blocks of conv2d: output channels x rows x columns per thread. */
type Block = readonly [OB: number, PH: number, PW: number];

function convolution([OB, PH, PW]: Block, transposed: boolean): Variant {
  return {
    name: `direct ${OB}x${PH}x${PW}`,
    calls({ inputs: [x, , b], shape: [n, c_out, h_out, w_out] }) {
      const bias = !transposed && b !== undefined;
      const conv = (image: Ref, [, c_in, h_in, w_in]: Shape): KernelCall<Ref> => {
        const [blocks_x, blocks_y, blocks_o] = [Math.ceil(w_out! / PW), Math.ceil(h_out! / PH), Math.ceil(c_out! / OB)];
        const blocks = blocks_x * blocks_y * blocks_o * n!;
        const sizes = { h_in: h_in!, w_in: w_in!, h_out: h_out!, w_out: w_out!, c_in: c_in!, c_out: c_out! };
        return call<"conv2d", Ref>(
          "conv2d",
          { x: image, w: input(1), b: bias ? input(2) : input(1), y: output },
          { ...sizes, blocks, blocks_x, blocks_y, blocks_o },
          grid(blocks, WG),
          { template: { OB, PH, PW }, overrides: { TRANSPOSED: Number(transposed), BIAS: Number(bias) } },
        );
      };
      if (!transposed) return [conv(input(0), x!)];
      // The input gradient: pad by 2, then the same kernel with the weights turned round.
      const padded = [x![0]!, x![1]!, x![2]! + 4, x![3]! + 4];
      const image = scratch(sizeOf(padded) * 4);
      const params = {
        rows: padded[0]! * padded[1]!,
        h_in: x![2]!,
        w_in: x![3]!,
        h_out: padded[2]!,
        w_out: padded[3]!,
        top: 2,
        left: 2,
      };
      return [call("window", { x: input(0), y: image }, params, grid(sizeOf(padded), WG)), conv(image, padded)];
    },
  };
}

/** Threads to spread a weight gradient over: enough to fill the adapter, few enough that adding the chunks' partial results is cheap. */
const WEIGHT_THREADS = { software: 512, hardware: 32_768 };

function weightGradient([OB, PW, wanted]: WeightBlock): Variant {
  return {
    name: `direct ${OB}x${PW} over ${wanted}`,
    calls({ inputs: [x, g] }) {
      const [samples, c_in, h_in, w_in] = x as [number, number, number, number];
      const [, c_out, h_out, w_out] = g as [number, number, number, number];
      const segments_x = Math.ceil(w_out / PW);
      const segments = samples * h_out * segments_x;
      const blocks = Math.ceil(c_out / OB) * c_in;
      const chunks = Math.max(1, Math.min(Math.ceil(wanted / blocks), Math.ceil(segments / 4)));
      const threads = blocks * chunks;
      const n = c_out * c_in * 9;
      const partial = chunks > 1 ? scratch(chunks * n * 4) : output;
      const params = { samples, h_in, w_in, h_out, w_out, c_in, c_out, chunks, segments_x, segments, threads };
      const first = call<"conv2d_weight", Ref>(
        "conv2d_weight",
        { x: input(0), g: input(1), dw: partial },
        params,
        grid(threads, WG),
        { template: { OB, PW } },
      );
      return chunks > 1 ? [first, call("chunk_sum", { x: partial, y: output }, { n, chunks }, grid(n, WG))] : [first];
    },
  };
}

const CONV_BLOCKS: readonly Block[] = [
  [8, 4, 4],
  [4, 4, 4],
  [4, 2, 4],
  [4, 1, 4],
  [1, 4, 4],
  [1, 2, 4],
];
/** Of conv2dWeight: output channels per thread, pixels per step, threads. */
type WeightBlock = readonly [OB: number, PW: number, threads: number];
const WEIGHT_BLOCKS: readonly WeightBlock[] = [
  [8, 4, WEIGHT_THREADS.software],
  [4, 4, WEIGHT_THREADS.software],
  [1, 4, WEIGHT_THREADS.software],
  [4, 4, WEIGHT_THREADS.hardware],
  [1, 4, WEIGHT_THREADS.hardware],
];

/** The variants of each op. */
export const convolutions = {
  conv2d: CONV_BLOCKS.map((b) => convolution(b, false)),
  conv2dInput: CONV_BLOCKS.map((b) => convolution(b, true)),
  conv2dWeight: WEIGHT_BLOCKS.map(weightGradient),
} as const satisfies Record<string, readonly Variant[]>;

/** Below this many threads a hardware adapter idles: smaller blocks then win over fewer loads. */
const HARDWARE_THREADS = 16_384;

/** The variant used where nothing was timed. */
export function chooseConvolution(opName: keyof typeof convolutions, op: OpCase, device: Device): Variant {
  const all: readonly Variant[] = convolutions[opName];
  if (opName === "conv2dWeight") {
    const [, channels] = op.inputs[1]!;
    if (!device.isSoftware) return all[channels! < 4 ? 4 : 3]!;
    return all[channels! < 4 ? 2 : channels! < 8 ? 1 : 0]!;
  }
  const [n, channels, h, w] = op.shape;
  const candidates = CONV_BLOCKS.map((block, i) => ({ block, variant: all[i]! })).filter(({ block: [OB] }) =>
    channels! < 4 ? OB === 1 : OB > 1 && OB <= channels!,
  );
  if (device.isSoftware) return candidates[0]!.variant;
  const threads = ([OB, PH, PW]: Block) => n! * Math.ceil(channels! / OB) * Math.ceil(h! / PH) * Math.ceil(w! / PW);
  return (candidates.find(({ block }) => threads(block) >= HARDWARE_THREADS) ?? candidates.at(-1)!).variant;
}
