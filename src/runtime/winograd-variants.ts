// The convolutions by Winograd's tiles: several dispatches each, with far fewer multiply-adds between the transforms.

import { call, grid, type KernelCall } from "../gpu/pipelines.ts";
import { type Direction, type Image, problemOf, QUAD } from "./convolution-variants.ts";
import { input, output, type Ref, scratch, type Variant, WG } from "./variant.ts";

const COLUMNS_PER_GROUP = 64; // as in winograd.wgsl

/** F(2x2, 3x3): 16 multiply-adds instead of 36, four dispatches, 16 scratch values per tile and channel of image and result each. */
export function winograd(RO: 4 | 8, direction: Direction): Variant {
  const template = { RO, RO4: RO / 4 };
  return {
    name: `winograd ${8 * RO}x${COLUMNS_PER_GROUP}`,
    tile: 2,
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

/** Results per tile and direction, and the places of its products: as in winograd4.wgsl. */
const TILE = 4;
const POINTS = 36;

/** How quad_product.wgsl computes: lanes of a subgroup; rows and columns per lane, which are also the depths per turn. */
export interface QuadBlock {
  readonly lanes: 4 | 8;
  readonly R: 4 | 8;
}
/** Rows of a workgroup's blocks, and columns. */
const rowsOf = ({ lanes, R }: QuadBlock): number => lanes * R;
const columnsOf = ({ R }: QuadBlock): number => QUAD * R;
const nameOf = ({ lanes, R }: QuadBlock): string => `winograd4 by quads, ${R}x${R}${lanes > QUAD ? `, ${lanes} lanes` : ""}`;

/** 36 matrices [depth, lines] in a scratch buffer: the factors and the products of quad_product.wgsl. */
interface Matrix {
  readonly values: Ref;
  /** Entries of one of the 36. */
  readonly product: number;
  /** How many lines lie together, and how many entries all their depths have. */
  readonly panel: number;
  readonly panel_step: number;
}

/** `count` rounded up to a multiple of `block`. */
const whole = (count: number, block: number): number => Math.ceil(count / block) * block;

/** A factor in panels of a quad's block, with room for whole workgroups of `lines`. */
function factor(id: number, lines: number, depth: number, block: QuadBlock, workgroup: number): Matrix {
  const panel = columnsOf(block);
  const product = whole(lines, workgroup) * depth;
  return { values: scratch(POINTS * product * 4, id), product, panel, panel_step: panel * depth };
}

/** Room for `chunks` times the products [columns, rows], in whole blocks. */
function products(id: number, rows: number, columns: number, block: QuadBlock, chunks = 1): Matrix {
  const panel = whole(rows, rowsOf(block));
  const product = whole(columns, columnsOf(block)) * panel;
  return { values: scratch(chunks * POINTS * product * 4, id), product, panel, panel_step: product };
}

/** Parameters of a transform that reads or writes a matrix. */
const places = ({ product, panel, panel_step }: Matrix) => ({ product, panel, panel_step });

/** The products of `rows` lines of `a` and `columns` of `b`, added over `depth`, as the chunk-th of `m`. */
function quadProduct(
  block: QuadBlock,
  [a, b, m]: readonly [a: Matrix, b: Matrix, m: Matrix],
  [rows, columns, depth]: readonly [rows: number, columns: number, depth: number],
  chunk = 0,
) {
  const { lanes, R } = block;
  const QUADS = lanes / QUAD;
  const [groups_i, blocks_j] = [Math.ceil(rows / rowsOf(block)), Math.ceil(columns / columnsOf(block))];
  const params = { depth, blocks_i: groups_i * QUADS, blocks_j, first: chunk * POINTS };
  const template = { R, QUADS, REST: Number(depth % R > 0) };
  const bindings = { a: a.values, b: b.values, m: m.values };
  return call<"quad_product", Ref>("quad_product", bindings, params, [groups_i * blocks_j, POINTS], { template });
}

/** Bytes of the largest matrix over tiles: more tiles come in chunks, so that a training at the paper's size stays below 700 MB. */
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
  return Array.from({ length: Math.ceil(tiles / length) }, (_, i) => ({
    first: i * length,
    end: Math.min(tiles, (i + 1) * length),
  }));
}

function tilesOf(h_out: number, w_out: number) {
  const tiles_x = Math.ceil(w_out / TILE);
  return { tiles_x, tiles: tiles_x * Math.ceil(h_out / TILE) };
}

/**
 * F(4x4, 3x3): 36 multiply-adds instead of 144; one dispatch, and three per chunk of tiles; 36 scratch values per tile and channel of a
 * chunk's image and result each.
 */
export function winograd4(block: QuadBlock, direction: Direction, chunkBytes = CHUNK_BYTES): Variant {
  const [rows, columns] = [rowsOf(block), columnsOf(block)];
  return {
    name: nameOf(block),
    lanes: block.lanes,
    tile: TILE,
    calls(op) {
      const { n, sizes, slope, bindings, transposed, epilogue } = problemOf(op, direction);
      const { c_in, c_out, h_out, w_out } = sizes;
      const { tiles_x, tiles } = tilesOf(h_out, w_out);
      const { x, w, b, y } = bindings;
      const all = { ...sizes, tiles_x, tiles, first: 0, end: n * tiles, chunks: 1, slope };
      const params = (matrix: Matrix, chunk?: Chunk) => ({ ...all, ...chunk, ...places(matrix) });
      const u = factor(0, c_out, c_in, block, columns);
      return [
        call("winograd4.weights", { x: w, y: u.values }, params(u), grid(c_in * c_out, WG), { overrides: transposed }),
        ...chunksOf(n * tiles, Math.max(c_in, whole(c_out, columns)), rows, chunkBytes).flatMap((chunk): KernelCall<Ref>[] => {
          const count = chunk.end - chunk.first;
          const perTile = Math.ceil(count / WG);
          const v = factor(1, count, c_in, block, rows);
          const m = products(2, count, c_out, block);
          return [
            call("winograd4.image", { x, y: v.values }, params(v, chunk), [perTile, c_in], { overrides: transposed }),
            quadProduct(block, [v, u, m], [count, c_out, c_in]),
            call("winograd4.result", { x: m.values, b, y }, params(m, chunk), [perTile, c_out], { overrides: epilogue }),
          ];
        }),
      ];
    },
  };
}

/** Weight gradients by the same tiles: the products add over tiles, in place of channels. Three dispatches per chunk, and one. */
export function winograd4Weights(block: QuadBlock, chunkBytes = CHUNK_BYTES): Variant {
  const [rows, columns] = [rowsOf(block), columnsOf(block)];
  return {
    name: nameOf(block),
    lanes: block.lanes,
    tile: TILE,
    calls(op) {
      const [n, c_in, h_in, w_in] = op.inputs[0] as unknown as Image;
      const [, c_out, h_out, w_out] = op.inputs[1] as unknown as Image;
      const { tiles_x, tiles } = tilesOf(h_out, w_out);
      const [x, g] = [input(0), input(1)];
      const chunks = chunksOf(n * tiles, Math.max(whole(c_out, rows), whole(c_in, columns)), block.R, chunkBytes);
      const sizes = { h_in, w_in, h_out, w_out, c_in, c_out, slope: 1 };
      const all = { ...sizes, tiles_x, tiles, first: 0, end: n * tiles, chunks: chunks.length };
      const params = (matrix: Matrix, chunk?: Chunk) => ({ ...all, ...chunk, ...places(matrix) });
      const overTiles = { overrides: { OVER_TILES: 1 } };
      const m = products(2, c_out, c_in, block, chunks.length);
      return [
        ...chunks.flatMap((chunk, i): KernelCall<Ref>[] => {
          const count = chunk.end - chunk.first;
          const z = factor(0, c_out, count, block, rows);
          const v = factor(1, c_in, count, block, columns);
          return [
            call("winograd4.gradient", { x: g, y: z.values }, params(z, chunk), grid(count * c_out, WG), overTiles),
            call("winograd4.image", { x, y: v.values }, params(v, chunk), grid(count * c_in, WG), overTiles),
            quadProduct(block, [z, v, m], [c_out, c_in, count], i),
          ];
        }),
        call<"winograd4.weight_gradient", Ref>(
          "winograd4.weight_gradient",
          { x: m.values, y: output },
          params(m),
          grid(c_in * c_out, WG),
        ),
      ];
    },
  };
}
