// The kernels of the convolution family: its variants and the choice between them.

import { call, grid, type KernelCall } from "../gpu/pipelines.ts";
import { tuningKey } from "./tune.ts";
import { type Device, input, type OpCase, output, type Ref, scratch, type Variant, WG } from "./variant.ts";

type Image = readonly [n: number, c: number, h: number, w: number];
type Direction = "forward" | "input gradient";

/** Output channels x rows x columns per thread. */
type Block = readonly [OB: number, PH: number, PW: number];

/** What the variants of conv2d and conv2dInput need to know of an op. */
function problemOf({ inputs: [x, , b], shape, attrs }: OpCase, direction: Direction) {
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
function direct(block: Block, direction: Direction): Variant {
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
function padded(block: Block): Variant {
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
function staged(block: Block, direction: Direction): Variant {
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

const COLUMNS_PER_GROUP = 64; // as in winograd.wgsl

/** F(2x2, 3x3): 16 multiply-adds instead of 36, four dispatches, 16 scratch values per tile and channel of image and result each. */
function winograd(RO: 4 | 8, direction: Direction): Variant {
  const template = { RO, RO4: RO / 4 };
  return {
    name: `winograd ${8 * RO}x${COLUMNS_PER_GROUP}`,
    calls(op) {
      const { n, sizes, slope, bindings, transposed, epilogue } = problemOf(op, direction);
      const { c_in, c_out, h_out, w_out } = sizes;
      const tiles_x = Math.ceil(w_out / 2);
      const tiles = tiles_x * Math.ceil(h_out / 2);
      const params = { ...sizes, tiles_x, tiles, samples: n, slope };
      const u = scratch(16 * c_in * c_out * 4, 0);
      const v = scratch(16 * c_in * n * tiles * 4, 1);
      const m = scratch(16 * c_out * n * tiles * 4, 2);
      const { x, w, b, y } = bindings;
      const perTile = Math.ceil(tiles / WG);
      const products: [number, number] = [Math.ceil((n * tiles) / COLUMNS_PER_GROUP), 16 * Math.ceil(c_out / (8 * RO))];
      return [
        call("winograd.weights", { w, y: u }, params, grid(c_in * c_out, WG), { template, overrides: transposed }),
        call("winograd.image", { x, y: v }, params, [perTile, n * c_in], { template, overrides: transposed }),
        call("winograd.multiply", { x: v, w: u, y: m }, params, products, { template }),
        call("winograd.result", { x: m, b, y }, params, [perTile, n * c_out], { template, overrides: epilogue }),
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
        {
          template: {
            OB,
            CB,
            PW,
            LANES: lanes,
            ONCE: Number(rounds === 1),
            MANY: Number(rounds > 1),
            THREADS: threads,
            SUMS: OB * CB * 9 * lanes,
          },
        },
      );
      return chunks > 1 ? [first, chunkSum(partial, n, chunks)] : [first];
    },
  };
}
const chunkSum = (x: Ref, n: number, chunks: number): KernelCall<Ref> =>
  call("chunk_sum", { x, y: output }, { n, chunks }, grid(n, WG));

/** A variant with what decides where it is worth a try. */
interface Choice {
  readonly variant: Variant;
  readonly kind: "direct" | "padded" | "staged" | "winograd";
  /** Threads on a case: too few leave hardware idle. */
  readonly block: Block;
}
const DIRECT: readonly Block[] = [
  [8, 4, 8],
  [8, 4, 4],
  [4, 4, 4],
  [4, 2, 4],
  [4, 1, 4],
  [3, 4, 4],
  [3, 1, 4],
  [1, 4, 4],
  [1, 2, 4],
];
const STAGED: readonly Block[] = [
  [8, 4, 4],
  [4, 4, 4],
];
const PADDED: readonly Block[] = [
  [8, 4, 4],
  [4, 4, 4],
];
const choicesOf = (direction: Direction): readonly Choice[] => [
  ...DIRECT.map((block) => ({ variant: direct(block, direction), kind: "direct" as const, block })),
  ...(direction === "forward" ? [] : PADDED.map((block) => ({ variant: padded(block), kind: "padded" as const, block }))),
  ...STAGED.map((block) => ({ variant: staged(block, direction), kind: "staged" as const, block })),
  ...([4, 8] as const).map((RO) => ({ variant: winograd(RO, direction), kind: "winograd" as const, block: [RO, 2, 2] as Block })),
];
const WEIGHT_BLOCKS: readonly WeightBlock[] = [
  // Software, by the lanes that run in step: more would be a coroutine each.
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
  { block: [4, 2, 1], lanes: 32, rounds: 4, workgroups: 1024 },
  { block: [4, 3, 1], lanes: 32, rounds: 4, workgroups: 256 },
  { block: [3, 2, 1], lanes: 32, rounds: 4, workgroups: 256 },
  { block: [1, 4, 1], lanes: 32, rounds: 4, workgroups: 256 },
];

const choices = { conv2d: choicesOf("forward"), conv2dInput: choicesOf("input gradient") };
const weightChoices = WEIGHT_BLOCKS.map((block) => ({ ...block, variant: weightGradient(block) }));
const forward = choices.conv2d.map(({ variant }) => variant);

/** The variants of each op. */
export const convolutions = {
  conv2d: forward,
  conv2dLeaky: forward,
  conv2dInput: choices.conv2dInput.map(({ variant }) => variant),
  conv2dWeight: weightChoices.map(({ variant }) => variant),
} as const satisfies Record<string, readonly Variant[]>;
type ConvolutionName = keyof typeof convolutions;
const isConvolution = (opName: string): opName is ConvolutionName => opName in convolutions;

/** Whether blocks of so many channels suit a number of channels: colours have blocks of their own, one or two channels those of one. */
const suitsChannels = (block: number, channels: number): boolean =>
  channels === 3 ? block === 3 : channels < 3 ? block === 1 : block !== 1 && block !== 3 && block <= channels;
/** Below this many threads a hardware adapter idles: smaller blocks then win over fewer loads. */
const HARDWARE_THREADS = 16_384;
/** From so many channels on, Winograd's matrix products are worth its transforms. */
const WINOGRAD_CHANNELS = 16;
/** From so many values of the result on, variants of several dispatches are worth a try. */
const LARGE_VALUES = 2 ** 20;
const MAX_SCRATCH_BYTES = 2 ** 27;
/** Sums that a thread of a hardware adapter keeps in registers; software has the stack. */
const MAX_REGISTERS = 128;
/** Below this many columns, blocks of eight stand out too far. */
const WIDE_RESULT = 24;
/** Lanes of a software adapter that computes with 256-bit vectors: llvmpipe. */
const WIDE_LANES = 8;
/** Of one with 128-bit vectors: SwiftShader. */
const NARROW_LANES = 4;
/** From this many results on, a hardware adapter is given chunks of the picture too. */
const CHUNKED_PIXELS = 8192;

/** The variant used for a case: the tuner's winner, or where nothing was timed one that did well on adapters of the kind. */
export function chooseConvolution(opName: ConvolutionName, op: OpCase, device: Device): Variant {
  const winner = device.winners?.get(tuningKey(opName, op) ?? "")?.variant;
  return convolutions[opName].find(({ name }) => name === winner) ?? untuned(opName, op, device);
}

function untuned(opName: ConvolutionName, op: OpCase, device: Device): Variant {
  const candidates = worthwhile(opName, op, device);
  if (opName === "conv2dWeight") return candidates[0]!;
  const [n, channels, h, w] = op.shape as unknown as Image;
  const all = choices[opName === "conv2dInput" ? "conv2dInput" : "conv2d"].filter(
    ({ kind, variant }) => kind === "direct" && candidates.includes(variant),
  );
  if (device.isSoftware) return candidates[0]!;
  const unmasked = candidates.find(({ name }) => name.startsWith("padded"));
  if (unmasked) return unmasked;
  const threads = ([OB, PH, PW]: Block) => n * Math.ceil(channels / OB) * Math.ceil(h / PH) * Math.ceil(w / PW);
  return (all.find(({ block }) => threads(block) >= HARDWARE_THREADS) ?? all.at(-1)!).variant;
}

/**
 * The variants to time on a case, the choice without timing first. On software few: there compiling takes longer than running.
 * None for ops that are no convolutions.
 */
export function candidateConvolutions(opName: string, op: OpCase, device: Device): readonly Variant[] {
  if (!isConvolution(opName)) return [];
  const first = untuned(opName, op, device);
  return [first, ...worthwhile(opName, op, device).filter((v) => v !== first)];
}

/** Variants that suit the adapter's kind and the channels; on software the most promising first. */
function worthwhile(opName: ConvolutionName, op: OpCase, { isSoftware, subgroupSize }: Device): readonly Variant[] {
  const isWide = subgroupSize >= WIDE_LANES;
  if (opName === "conv2dWeight") {
    const [, c_out, h, w] = op.inputs[1] as unknown as Image;
    const c_in = op.inputs[0]![1]!;
    const isLarge = h * w >= CHUNKED_PIXELS;
    const mayChunk = isSoftware || isLarge || Math.min(c_in, c_out) <= 3; // where pairs of channels are many, a dispatch costs more
    const fitting = weightChoices.filter(
      ({ block: [OB, CB], lanes, rounds, workgroups }) =>
        (isSoftware ? lanes === (isWide ? WIDE_LANES : NARROW_LANES) : rounds > 1) &&
        suitsChannels(OB, c_out) &&
        (c_out <= 3 || (CB === 3) === (c_in === 3) || (CB === 3 && isWide && isSoftware)) &&
        (mayChunk || workgroups === 1),
    );
    const preferred = !isSoftware && isLarge && fitting[2];
    return preferred
      ? [preferred.variant, ...fitting.filter((c) => c !== preferred).map((c) => c.variant)]
      : fitting.map((c) => c.variant);
  }
  const [n, c_out, h, w] = op.shape as unknown as Image;
  const c_in = op.inputs[0]![1]!;
  const all = choices[opName === "conv2dInput" ? "conv2dInput" : "conv2d"];
  const scratchBytes = (v: Variant) =>
    Math.max(0, ...v.calls(op).flatMap((c) => Object.values(c.bindings).map((ref) => (ref.kind === "scratch" ? ref.bytes : 0))));
  const suits = ({ kind, block: [OB, PH, PW], variant }: Choice) => {
    if (kind === "winograd")
      return (
        !isSoftware &&
        Math.min(c_in, c_out) >= WINOGRAD_CHANNELS &&
        n * c_out * h * w >= LARGE_VALUES &&
        scratchBytes(variant) <= MAX_SCRATCH_BYTES
      );
    if (!suitsChannels(OB, c_out)) return false;
    if (kind === "padded") return !isSoftware && n * c_out * h * w >= LARGE_VALUES;
    if (!isSoftware) return OB * PH * PW <= MAX_REGISTERS;
    if (PW > 4 && w < WIDE_RESULT) return false;
    // llvmpipe compiles a block of eight channels for half a minute.
    return PH === 4 && (isWide ? OB <= 4 : kind === "direct");
  };
  const fitting = all.filter(suits);
  // There loads from buffers are gathers, and those of vec4s from workgroup memory cost next to nothing.
  const first = isSoftware && isWide ? fitting.filter(({ kind }) => kind === "staged") : [];
  return [...first, ...fitting.filter((c) => !first.includes(c))].map(({ variant }) => variant);
}
