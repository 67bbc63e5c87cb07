// Which kernel computes a convolution: the variants in use, and the choice between them by adapter, channels and size, or by the tuner.

import {
  acrossLanes,
  type Block,
  byQuads,
  type Direction,
  direct,
  type Image,
  padded,
  staged,
  type WeightBlock,
  weightGradient,
  weightsAcrossLanes,
} from "./convolution-variants.ts";
import { tuningKey } from "./tune.ts";
import { type Device, type OpCase, runsOn, type Variant } from "./variant.ts";
import { winograd, winograd4, winograd4Weights } from "./winograd-variants.ts";

/** A variant with what decides where it is worth a try. */
interface Choice {
  readonly variant: Variant;
  readonly kind: "direct" | "padded" | "staged" | "winograd" | "lanes" | "quads" | "winograd4";
  /** Output channels x rows x columns that are computed together; a block of more channels than there are is wasted (winograd4: not worth it). */
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
/** Pixels per lane, by how many lanes a subgroup of a software adapter has: SwiftShader's 4, llvmpipe's 8. */
const ACROSS_LANES: readonly (readonly [lanes: number, pixels: readonly [number, number]])[] = [
  [4, [8, 6]],
  [8, [6, 6]],
  [8, [8, 8]],
  [8, [6, 14]],
];
/** Channels per lane and sides of a block of pixels, where four lanes swap windows. */
const BY_QUADS: readonly Block[] = [
  [4, 4, 4],
  [2, 4, 4],
];
/** Winograd's larger tiles, by a subgroup's lanes, and from how many channels on: with fewer, its transforms cost more than it saves. */
const WINOGRAD4 = [
  { block: { lanes: 4, R: 8 }, channels: 32 },
  { block: { lanes: 8, R: 4 }, channels: 64 },
] as const;
/** What a load costs llvmpipe, in multiply-adds. */
const LOAD_COST = 52;
/** What `lanes` costs on an image, in multiply-adds per channel: large tiles load less, and stand out more. */
const costAcrossLanes = ([lanes, PH, PW]: Block, h: number, w: number): number =>
  Math.ceil(h / PH) * Math.ceil(w / PW) * (LOAD_COST * (9 + Math.ceil(((PH + 2) * (PW + 2)) / lanes)) + 9 * PH * PW);
const choicesOf = (direction: Direction): readonly Choice[] => [
  ...DIRECT.map((block) => ({ variant: direct(block, direction), kind: "direct" as const, block })),
  ...(direction === "forward" ? [] : PADDED.map((block) => ({ variant: padded(block), kind: "padded" as const, block }))),
  ...STAGED.map((block) => ({ variant: staged(block, direction), kind: "staged" as const, block })),
  ...ACROSS_LANES.map(([lanes, [PH, PW]]) => ({
    variant: acrossLanes(lanes, [PH, PW], direction),
    kind: "lanes" as const,
    block: [lanes, PH, PW] as Block,
  })),
  ...BY_QUADS.map(([OB, PH, PW]) => ({
    variant: byQuads([OB, PH, PW], direction),
    kind: "quads" as const,
    block: [4 * OB, PH, PW] as Block,
  })),
  ...WINOGRAD4.map(({ block, channels }) => ({
    variant: winograd4(block, direction),
    kind: "winograd4" as const,
    block: [channels, 4, 4] as Block,
  })),
  ...([4, 8] as const).map((RO) => ({ variant: winograd(RO, direction), kind: "winograd" as const, block: [RO, 2, 2] as Block })),
];
/** Of a weight gradient of a large image on hardware. */
const MOST_WORKGROUPS = 1024;
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
  { block: [4, 2, 1], lanes: 32, rounds: 4, workgroups: MOST_WORKGROUPS },
  { block: [4, 3, 1], lanes: 32, rounds: 4, workgroups: 256 },
  { block: [3, 2, 1], lanes: 32, rounds: 4, workgroups: 256 },
  { block: [1, 4, 1], lanes: 32, rounds: 4, workgroups: 256 },
];

const choices = { conv2d: choicesOf("forward"), conv2dInput: choicesOf("input gradient") };
/** Weight gradients across lanes: input channels x columns per lane, and workgroups to aim at. */
const WEIGHTS_ACROSS_LANES = [
  { lanes: 4, block: [8, 6], workgroups: 16 },
  { lanes: 4, block: [3, 6], workgroups: 16 },
  { lanes: 8, block: [8, 6], workgroups: 16 },
  { lanes: 8, block: [4, 6], workgroups: 16 },
  { lanes: 8, block: [3, 6], workgroups: 16 },
] as const;
const weightChoices = [
  ...WEIGHTS_ACROSS_LANES.map(({ lanes, block: [CB, PW], workgroups }) => ({
    ...{ block: [lanes, CB, PW] as const, lanes, rounds: 1, workgroups },
    variant: weightsAcrossLanes(lanes, [CB, PW], workgroups),
  })),
  ...WEIGHT_BLOCKS.map((block) => ({ ...block, variant: weightGradient(block) })),
];
/** By how many channels there must be on both sides. */
const WINOGRAD4_WEIGHTS = [
  { channels: 32, variant: winograd4Weights({ lanes: 4, R: 8 }) },
  { channels: 16, variant: winograd4Weights({ lanes: 4, R: 4 }) },
  { channels: 64, variant: winograd4Weights({ lanes: 8, R: 4 }) },
];
const forward = choices.conv2d.map(({ variant }) => variant);

/** The variants of each op. */
export const convolutions = {
  conv2d: forward,
  conv2dLeaky: forward,
  conv2dInput: choices.conv2dInput.map(({ variant }) => variant),
  conv2dWeight: [...WINOGRAD4_WEIGHTS, ...weightChoices].map(({ variant }) => variant),
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
/** From so many pixels on, winograd4 is faster forward than one dispatch of quads; back it always is, for those must mask what they load. */
const WINOGRAD4_PIXELS = 2048;
/** From so many values of the result on, variants of several dispatches are worth a try. */
const LARGE_VALUES = 2 ** 20;
/** Of the largest buffer beside inputs and result. */
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
  return convolutions[opName].find((v) => v.name === winner && canRun(v, op, device)) ?? untuned(opName, op, device);
}

function untuned(opName: ConvolutionName, op: OpCase, device: Device): Variant {
  const candidates = worthwhile(opName, op, device);
  if (opName === "conv2dWeight") return candidates[0]!;
  const [n, channels, h, w] = op.shape as unknown as Image;
  if (device.isSoftware) return candidates[0]!;
  const all = choices[opName === "conv2dInput" ? "conv2dInput" : "conv2d"].filter(
    ({ kind, variant }) => kind === "direct" && candidates.includes(variant),
  );
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

/** Whether a variant suits the device's lanes and needs no buffer beside inputs and result that is too large. */
const canRun = (variant: Variant, op: OpCase, device: Device): boolean =>
  runsOn(variant, device) &&
  variant
    .calls(op)
    .every(({ bindings }) => Object.values(bindings).every((r) => r.kind !== "scratch" || r.bytes <= MAX_SCRATCH_BYTES));

const isWide = ({ subgroupSize }: Device): boolean => subgroupSize >= WIDE_LANES;

/** Variants that suit the adapter's kind and the channels; on software the most promising first. */
function worthwhile(opName: ConvolutionName, op: OpCase, device: Device): readonly Variant[] {
  const { isSoftware } = device;
  if (opName === "conv2dWeight") return worthwhileWeights(op, device);
  const [n, c_out, h, w] = op.shape as unknown as Image;
  const c_in = op.inputs[0]![1]!;
  const all = choices[opName === "conv2dInput" ? "conv2dInput" : "conv2d"];
  const suits = ({ kind, block: [OB, PH, PW], variant }: Choice) => {
    if (!canRun(variant, op, device)) return false;
    if (kind === "winograd")
      return !isSoftware && Math.min(c_in, c_out) >= WINOGRAD_CHANNELS && n * c_out * h * w >= LARGE_VALUES;
    if (!suitsChannels(OB, c_out)) return false;
    if (kind === "winograd4") return isSoftware && c_in >= OB && (opName === "conv2dInput" || n * h * w >= WINOGRAD4_PIXELS);
    if (kind === "lanes" || kind === "quads") return isSoftware;
    if (kind === "padded") return !isSoftware && n * c_out * h * w >= LARGE_VALUES;
    if (!isSoftware) return OB * PH * PW <= MAX_REGISTERS;
    if (PW > 4 && w < WIDE_RESULT) return false;
    // llvmpipe compiles a block of eight channels for half a minute.
    return PH === 4 && (isWide(device) ? OB <= 4 : kind === "direct");
  };
  const fitting = all.filter(suits);
  // There loads from buffers are gathers; broadcasts, and loads of vec4s from workgroup memory, cost next to nothing.
  const across = fitting
    .filter(({ kind }) => kind === "lanes")
    .sort((a, b) => costAcrossLanes(a.block, h, w) - costAcrossLanes(b.block, h, w));
  const ofKind = (kind: Choice["kind"]) => fitting.filter((c) => c.kind === kind);
  const first = !isSoftware
    ? []
    : isWide(device)
      ? [...ofKind("winograd4"), ...across, ...ofKind("staged")]
      : [...ofKind("winograd4"), ...ofKind("quads")];
  return [...first, ...fitting.filter((c) => !first.includes(c))].map(({ variant }) => variant);
}

/** The same of weight gradients. */
function worthwhileWeights(op: OpCase, device: Device): readonly Variant[] {
  const { isSoftware } = device;
  const [, c_out, h, w] = op.inputs[1] as unknown as Image;
  const c_in = op.inputs[0]![1]!;
  const isLarge = h * w >= CHUNKED_PIXELS;
  const mayChunk = isSoftware || isLarge || Math.min(c_in, c_out) <= 3; // where pairs of channels are many, a dispatch costs more
  const fitting = weightChoices.filter(
    ({ block: [OB, CB], lanes, rounds, workgroups, variant }) =>
      runsOn(variant, device) &&
      (isSoftware ? lanes === (isWide(device) ? WIDE_LANES : NARROW_LANES) : rounds > 1) &&
      suitsChannels(OB, c_out) &&
      (c_out <= 3 || (CB === 3) === (c_in === 3) || (CB === 3 && isWide(device) && isSoftware)) &&
      (mayChunk || workgroups === 1),
  );
  const preferred = !isSoftware && isLarge && fitting.find(({ workgroups }) => workgroups === MOST_WORKGROUPS);
  const byTiles = WINOGRAD4_WEIGHTS.filter(
    ({ channels, variant }) => isSoftware && Math.min(c_in, c_out) >= channels && canRun(variant, op, device),
  );
  const ordered = preferred ? [preferred, ...fitting.filter((c) => c !== preferred)] : [...byTiles, ...fitting];
  return ordered.map(({ variant }) => variant);
}
