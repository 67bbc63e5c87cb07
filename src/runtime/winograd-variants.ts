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

/** Rows and columns per lane and depth per turn of quad_product.wgsl. */
export type QuadBlock = readonly [RI: number, RJ: number, KB: number];
/** Results per tile and direction, and the places of its products: as in winograd4.wgsl. */
const TILE = 4;
const POINTS = 36;

/** Matrices [36, depth, lines] in a scratch buffer, as quad_product.wgsl reads or writes them and the transforms in winograd4.wgsl the other way. */
interface Matrix {
  readonly values: Ref;
  /** How many lines lie together. */
  readonly panel: number;
  /** Entries from one of the 36, panel and depth to the next. */
  readonly product: number;
  readonly panel_step: number;
  readonly depth_step: number;
}

/** The next multiple. */
const whole = (count: number, block: number): number => Math.ceil(count / block) * block;

/** In panels of so many lines, whole ones. */
function panels(id: number, lines: number, depth: number, panel: number): Matrix {
  const product = whole(lines, panel) * depth;
  return { values: scratch(POINTS * product * 4, id), panel, product, panel_step: panel * depth, depth_step: panel };
}

/** Parameters of a transform that reads or writes `m`. */
const places = ({ panel, product, panel_step, depth_step }: Matrix) => ({ panel, product, panel_step, depth_step });

/** Values of one load's address: 8, or what a lane has where that is less. */
const LOAD = 8;

/** The products of lines of `a` and `b`, 36 times, added over `depth`, into m [36, columns, rows] from entry `first` on. */
function quadProduct(
  [RI, RJ, KB]: QuadBlock,
  [a, b, m]: readonly Matrix[],
  [rows, columns, depth]: readonly number[],
  first = 0,
) {
  const [blocks_i, blocks_j] = [Math.ceil(rows! / (QUAD * RI)), Math.ceil(columns! / (QUAD * RJ))];
  const W = Math.min(LOAD, RI, RJ);
  const params = {
    ...{ depth: depth!, blocks_i, a_product: a!.product / W, b_product: b!.product / W },
    ...{ m_first: first / W, m_product: m!.product / W, m_column: m!.depth_step / W },
  };
  const bindings = { a: a!.values, b: b!.values, m: m!.values };
  const options = { template: { RI, RJ, KB, W, REST: Number(depth! % KB > 0) } };
  return call<"quad_product", Ref>("quad_product", bindings, params, [blocks_i * blocks_j, POINTS], options);
}

/** Of the largest scratch buffer: a larger image is computed in chunks, so that a training at the paper's size stays below 700 MB. */
const CHUNK_BYTES = 2 ** 24;

interface Chunk {
  /** Tiles of all samples. */
  readonly first: number;
  readonly end: number;
}

/** Chunks of equal length but the last, a multiple of `block`, for matrices with so many channels per tile. */
function chunksOf(tiles: number, channels: number, block: number, bytes: number): Chunk[] {
  const most = Math.max(block, Math.floor(bytes / (POINTS * 4 * channels)));
  const length = Math.ceil(tiles / Math.ceil(tiles / most) / block) * block;
  return Array.from({ length: Math.ceil(tiles / length) }, (_, i) => ({
    first: i * length,
    end: Math.min(tiles, (i + 1) * length),
  }));
}

function tilesOf(h_out: number, w_out: number) {
  const tiles_x = Math.ceil(w_out / TILE);
  return { tiles_x, tiles: tiles_x * Math.ceil(h_out / TILE) };
}

/** F(4x4, 3x3): 36 multiply-adds instead of 144, four dispatches, 36 scratch values per tile and channel of image and result each, in whole blocks. */
export function winograd4(block: QuadBlock, direction: Direction, chunkBytes = CHUNK_BYTES): Variant {
  const [RI, RJ] = block;
  const [rows, columns] = [QUAD * RI, QUAD * RJ];
  return {
    name: `winograd4 by quads, ${block.join("x")}`,
    lanes: QUAD,
    tile: TILE,
    calls(op) {
      const { n, sizes, slope, bindings, transposed, epilogue } = problemOf(op, direction);
      const { c_in, c_out, h_out, w_out } = sizes;
      const { tiles_x, tiles } = tilesOf(h_out, w_out);
      const { x, w, b, y } = bindings;
      const all = { ...sizes, tiles_x, tiles, chunks: 1, slope };
      const params = (matrix: Matrix, chunk: Chunk) => ({ ...all, ...chunk, ...places(matrix) });
      const u = panels(0, c_out, c_in, columns);
      const weights = params(u, { first: 0, end: 0 });
      return [
        call("winograd4.weights", { x: w, y: u.values }, weights, grid(c_in * c_out, WG), { overrides: transposed }),
        ...chunksOf(n * tiles, Math.max(c_in, c_out), rows, chunkBytes).flatMap((chunk): KernelCall<Ref>[] => {
          const count = chunk.end - chunk.first;
          const perTile = Math.ceil(count / WG);
          const v = panels(1, count, c_in, rows);
          const m = panels(2, whole(count, rows), whole(c_out, columns), whole(count, rows));
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

/** Weight gradients by the same tiles: the products add over tiles, in place of channels. */
export function winograd4Weights(block: QuadBlock, chunkBytes = CHUNK_BYTES): Variant {
  const [RI, RJ, KB] = block;
  const [rows, columns] = [QUAD * RI, QUAD * RJ];
  return {
    name: `winograd4 by quads, ${block.join("x")}`,
    lanes: QUAD,
    tile: TILE,
    calls(op) {
      const [n, c_in, h_in, w_in] = op.inputs[0] as unknown as Image;
      const [, c_out, h_out, w_out] = op.inputs[1] as unknown as Image;
      const { tiles_x, tiles } = tilesOf(h_out, w_out);
      const [x, g] = [input(0), input(1)];
      const overTiles = { overrides: { OVER_TILES: 1 } };
      const all = chunksOf(n * tiles, Math.max(c_in, c_out), KB, chunkBytes);
      const sizes = { h_in, w_in, h_out, w_out, c_in, c_out, tiles_x, tiles, chunks: all.length, slope: 1 };
      const one = panels(2, whole(c_out, rows), whole(c_in, columns), whole(c_out, rows));
      const m = { ...one, values: scratch(all.length * POINTS * one.product * 4, 2) };
      return [
        ...all.flatMap((chunk, i): KernelCall<Ref>[] => {
          const count = chunk.end - chunk.first;
          const z = panels(0, c_out, count, rows);
          const v = panels(1, c_in, count, columns);
          const params = (matrix: Matrix) => ({ ...sizes, ...chunk, ...places(matrix) });
          return [
            call("winograd4.gradient", { x: g, y: z.values }, params(z), grid(count * c_out, WG), overTiles),
            call("winograd4.image", { x, y: v.values }, params(v), grid(count * c_in, WG), overTiles),
            quadProduct(block, [z, v, m], [c_out, c_in, count], i * POINTS * m.product),
          ];
        }),
        call<"winograd4.weight_gradient", Ref>(
          "winograd4.weight_gradient",
          { x: m.values, y: output },
          { ...sizes, first: 0, end: 0, ...places(m) },
          grid(c_in * c_out, WG),
        ),
      ];
    },
  };
}
