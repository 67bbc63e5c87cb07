// Convolutions by F(4x4, 3x3) for software adapters with subgroups (shaders/software/winograd4.wgsl, quad_product.wgsl): 36 multiply-adds
// instead of 144, between two transforms. The matrix products swap their factors within quads.  Lavin & Gray 2016.

import { call, grid, type KernelCall } from "../../../gpu/pipelines.ts";
import { input, output, type Ref, scratch, WG } from "../../variant.ts";
import {
  bothWays,
  type ConvolutionVariant,
  type Family,
  type Image,
  type ImageOp,
  imageCall,
  suitsChannels,
} from "../problem.ts";
import { QUAD } from "./quad-swap.ts";

/** Rows and columns of a tile's results, and how many products it has: as in winograd4.wgsl. */
const TILE = 4;
const POINTS = 36;

/** How quad_product.wgsl computes. */
export interface ProductBlock {
  /** Of a subgroup. */
  readonly lanes: 4 | 8;
  /** Rows and columns per lane, which are also the depths per turn of the loop. */
  readonly R: 4 | 8;
  /** Channels from which on the variant is used: with fewer, its transforms cost more than it saves. */
  readonly channels: number;
}
/** Pixels from which on F(4x4) is faster forward than one dispatch of quad swaps. Input gradients by swaps must mask what they load. */
const FORWARD_PIXELS = 2048;

/** Rows of a workgroup's blocks, and columns. */
const rowsOf = ({ lanes, R }: ProductBlock): number => lanes * R;
const columnsOf = ({ R }: ProductBlock): number => QUAD * R;

/** What all variants have in common. */
const common = ({ lanes, R }: ProductBlock) =>
  ({ name: `winograd4 ${R}x${R} by ${lanes}`, main: "quad_product", subgroupSize: lanes, tile: TILE }) as const;

/** 36 matrices [depth, lines] in a scratch buffer: the factors and the products of quad_product.wgsl. */
interface Matrix {
  readonly values: Ref;
  /** Entries of one of the 36; lines that lie together, and the entries of all their depths: parameters of the transforms. */
  readonly layout: { readonly product: number; readonly panel: number; readonly panel_step: number };
}

/** `count` rounded up to a multiple of `block`. */
const whole = (count: number, block: number): number => Math.ceil(count / block) * block;

/** A factor in panels of a quad's block, with room for whole workgroups of `lines`. */
function factor(id: number, lines: number, depth: number, block: ProductBlock, workgroup: number): Matrix {
  const panel = columnsOf(block);
  const product = whole(lines, workgroup) * depth;
  return { values: scratch(POINTS * product * 4, id), layout: { product, panel, panel_step: panel * depth } };
}

/** Room for `chunks` times the products [columns, rows], in whole blocks. */
function products(id: number, rows: number, columns: number, block: ProductBlock, chunks = 1): Matrix {
  const panel = whole(rows, rowsOf(block));
  const product = whole(columns, columnsOf(block)) * panel;
  return { values: scratch(chunks * POINTS * product * 4, id), layout: { product, panel, panel_step: product } };
}

/** The products of `rows` lines of `a` and `columns` of `b`, added over `depth`, as the chunk-th of `m`. */
function quadProduct(
  block: ProductBlock,
  [a, b, m]: readonly [a: Matrix, b: Matrix, m: Matrix],
  [rows, columns, depth]: readonly [rows: number, columns: number, depth: number],
  chunk = 0,
): KernelCall<Ref> {
  const { lanes, R } = block;
  const QUADS = lanes / QUAD;
  const [groups_i, blocks_j] = [Math.ceil(rows / rowsOf(block)), Math.ceil(columns / columnsOf(block))];
  const params = { depth, blocks_i: groups_i * QUADS, blocks_j, first: chunk * POINTS };
  const template = { R, QUADS, REST: Number(depth % R > 0) };
  const bindings = { a: a.values, b: b.values, m: m.values };
  return call("quad_product", bindings, params, [groups_i * blocks_j, POINTS], { template });
}

/** Bytes of the largest matrix over tiles. More tiles come in chunks, so that a training at the paper's size takes less than 700 MB. */
const CHUNK_BYTES = 2 ** 24;

/** Tiles of all samples, from `first` to before `end`. */
interface Chunk {
  readonly first: number;
  readonly end: number;
}

/** Chunks of equal length, a multiple of `block`, but for a shorter last one; their matrices have `channels` entries per tile and point. */
function chunksOf(tiles: number, channels: number, block: number, chunkBytes: number): Chunk[] {
  const most = Math.max(1, Math.floor(chunkBytes / (POINTS * 4 * channels * block))) * block;
  const length = whole(Math.ceil(tiles / Math.ceil(tiles / most)), block);
  const chunk = (i: number) => ({ first: i * length, end: Math.min(tiles, (i + 1) * length) });
  return Array.from({ length: Math.ceil(tiles / length) }, (_, i) => chunk(i));
}

/** The tiles of one sample. */
function tilesOf({ h_out, w_out }: { readonly h_out: number; readonly w_out: number }) {
  const tiles_x = Math.ceil(w_out / TILE);
  return { tiles_x, tiles: tiles_x * Math.ceil(h_out / TILE) };
}

/**
 * F(4x4, 3x3): 36 multiply-adds instead of 144; one dispatch, and three per chunk of tiles; 36 scratch values per tile and channel of a
 * chunk's image and result each.
 */
export function winograd4Image(block: ProductBlock, contraction: ImageOp, chunkBytes = CHUNK_BYTES): ConvolutionVariant {
  const [rows, columns] = [rowsOf(block), columnsOf(block)];
  return {
    ...common(block),
    suits(_, { n, c_in, c_out, h, w }) {
      if (!suitsChannels(block.channels, c_out) || c_in < block.channels) return false;
      return contraction === "conv2dInput" || n * h * w >= FORWARD_PIXELS;
    },
    calls(op) {
      const { n, sizes, slope, bindings, transposed, epilogue } = imageCall(op, contraction);
      const { c_in, c_out } = sizes;
      const { x, w, b, y } = bindings;
      const of = { ...sizes, ...tilesOf(sizes), chunks: 1, slope };
      const all = { first: 0, end: n * of.tiles };
      const u = factor(0, c_out, c_in, block, columns);
      return [
        call("winograd4.weights", { x: w, y: u.values }, { ...of, ...all, ...u.layout }, grid(c_in * c_out, WG), {
          overrides: transposed,
        }),
        ...chunksOf(all.end, Math.max(c_in, whole(c_out, columns)), rows, chunkBytes).flatMap((chunk): KernelCall<Ref>[] => {
          const count = chunk.end - chunk.first;
          const perTile = Math.ceil(count / WG);
          const v = factor(1, count, c_in, block, rows);
          const m = products(2, count, c_out, block);
          return [
            call("winograd4.image", { x, y: v.values }, { ...of, ...chunk, ...v.layout }, [perTile, c_in], {
              overrides: transposed,
            }),
            quadProduct(block, [v, u, m], [count, c_out, c_in]),
            call("winograd4.result", { x: m.values, b, y }, { ...of, ...chunk, ...m.layout }, [perTile, c_out], {
              overrides: epilogue,
            }),
          ];
        }),
      ];
    },
  };
}

/** Weight gradients by the same tiles: the products add over tiles instead of channels. Three dispatches per chunk, and one. */
export function winograd4Weights(block: ProductBlock, chunkBytes = CHUNK_BYTES): ConvolutionVariant {
  const [rows, columns] = [rowsOf(block), columnsOf(block)];
  return {
    ...common(block),
    suits: (_, { c_in, c_out }) => Math.min(c_in, c_out) >= block.channels,
    calls(op) {
      const [n, c_in, h_in, w_in] = op.inputs[0] as unknown as Image;
      const [, c_out, h_out, w_out] = op.inputs[1] as unknown as Image;
      const [x, g] = [input(0), input(1)];
      const tiles = tilesOf({ h_out, w_out });
      const all = { first: 0, end: n * tiles.tiles };
      const chunks = chunksOf(all.end, Math.max(whole(c_out, rows), whole(c_in, columns)), block.R, chunkBytes);
      const of = { h_in, w_in, h_out, w_out, c_in, c_out, slope: 1, ...tiles, chunks: chunks.length };
      const overTiles = { overrides: { OVER_TILES: 1 } };
      const m = products(2, c_out, c_in, block, chunks.length);
      return [
        ...chunks.flatMap((chunk, i): KernelCall<Ref>[] => {
          const count = chunk.end - chunk.first;
          const z = factor(0, c_out, count, block, rows);
          const v = factor(1, c_in, count, block, columns);
          return [
            call(
              "winograd4.gradient",
              { x: g, y: z.values },
              { ...of, ...chunk, ...z.layout },
              grid(count * c_out, WG),
              overTiles,
            ),
            call("winograd4.image", { x, y: v.values }, { ...of, ...chunk, ...v.layout }, grid(count * c_in, WG), overTiles),
            quadProduct(block, [z, v, m], [c_out, c_in, count], i),
          ];
        }),
        call("winograd4.weight_gradient", { x: m.values, y: output }, { ...of, ...all, ...m.layout }, grid(c_in * c_out, WG)),
      ];
    },
  };
}

export const winograd4: Family = {
  variants: {
    ...bothWays<ProductBlock, ConvolutionVariant>(
      winograd4Image,
      { lanes: 4, R: 8, channels: 32 },
      { lanes: 8, R: 4, channels: 64 },
    ),
    conv2dWeight: [
      winograd4Weights({ lanes: 4, R: 8, channels: 32 }),
      winograd4Weights({ lanes: 4, R: 4, channels: 16 }),
      winograd4Weights({ lanes: 8, R: 4, channels: 64 }),
    ],
  },
};
