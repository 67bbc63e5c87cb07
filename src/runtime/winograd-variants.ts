// The convolutions by Winograd's tiles: several dispatches each, with far fewer multiply-adds between the transforms.

import { call, grid } from "../gpu/pipelines.ts";
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

interface Matrix {
  readonly values: Ref;
  /** Entries from one product, depth and row (or column) to the next. */
  readonly steps: readonly [product: number, depth: number, line: number];
}

/** m [36, rows, columns] = Σ over depth, for each place in a tile; where m lies, and the steps between its entries. */
function quadProduct([RI, RJ, KB]: QuadBlock, a: Matrix, b: Matrix, [rows, columns, depth]: readonly [number, number, number]) {
  const [blocks_i, blocks_j] = [Math.ceil(rows / (QUAD * RI)), Math.ceil(columns / (QUAD * RJ))];
  const m_row = blocks_j * QUAD * RJ;
  const steps = { m_product: blocks_i * QUAD * RI * m_row, m_row };
  const m = scratch(POINTS * steps.m_product * 4, 2);
  const params = {
    ...{ rows, columns, depth, blocks_i, ...steps },
    ...{ a_product: a.steps[0], a_depth: a.steps[1], a_row: a.steps[2] },
    ...{ b_product: b.steps[0], b_depth: b.steps[1], b_column: b.steps[2] },
  };
  const bindings = { a: a.values, b: b.values, m };
  const options = { template: { RI, RJ, KB } };
  return {
    m,
    steps,
    product: call<"quad_product", Ref>("quad_product", bindings, params, [blocks_i * blocks_j, POINTS], options),
  };
}

/** F(4x4, 3x3): 36 multiply-adds instead of 144, else as winograd(); the products by quads of lanes. */
export function winograd4(block: QuadBlock, direction: Direction): Variant {
  return {
    name: `winograd4 by quads, ${block.join("x")}`,
    lanes: QUAD,
    tile: TILE,
    calls(op) {
      const { n, sizes, slope, bindings, transposed, epilogue } = problemOf(op, direction);
      const { c_in, c_out, h_out, w_out } = sizes;
      const { tiles_x, tiles } = tilesOf(h_out, w_out);
      const columns = n * tiles;
      const u = scratch(POINTS * c_in * c_out * 4, 0);
      const v = scratch(POINTS * c_in * columns * 4, 1);
      const { m, steps, product } = quadProduct(
        block,
        { values: u, steps: [c_in * c_out, c_out, 1] },
        { values: v, steps: [c_in * columns, columns, 1] },
        [c_out, columns, c_in],
      );
      const params = { ...sizes, tiles_x, tiles, samples: n, ...steps, slope };
      const { x, w, b, y } = bindings;
      const perTile = Math.ceil(tiles / WG);
      return [
        call("winograd4.weights", { x: w, y: u }, params, grid(c_in * c_out, WG), { overrides: transposed }),
        call("winograd4.image", { x, y: v }, params, [perTile, n * c_in], { overrides: transposed }),
        product,
        call("winograd4.result", { x: m, b, y }, params, [perTile, n * c_out], { overrides: epilogue }),
      ];
    },
  };
}

function tilesOf(h_out: number, w_out: number) {
  const tiles_x = Math.ceil(w_out / TILE);
  return { tiles_x, tiles: tiles_x * Math.ceil(h_out / TILE) };
}

/** Weight gradients by the same tiles: the products add over tiles, in place of channels. */
export function winograd4Weights(block: QuadBlock): Variant {
  return {
    name: `winograd4 by quads, ${block.join("x")}`,
    lanes: QUAD,
    tile: TILE,
    calls(op) {
      const [n, c_in, h_in, w_in] = op.inputs[0] as unknown as Image;
      const [, c_out, h_out, w_out] = op.inputs[1] as unknown as Image;
      const { tiles_x, tiles } = tilesOf(h_out, w_out);
      const columns = n * tiles;
      const z = scratch(POINTS * c_out * columns * 4, 0);
      const v = scratch(POINTS * c_in * columns * 4, 1);
      const { m, steps, product } = quadProduct(
        block,
        { values: z, steps: [c_out * columns, 1, columns] },
        { values: v, steps: [c_in * columns, 1, columns] },
        [c_out, c_in, columns],
      );
      const params = { h_in, w_in, h_out, w_out, c_in, c_out, tiles_x, tiles, samples: n, ...steps, slope: 1 };
      const perTile = Math.ceil(tiles / WG);
      return [
        call<"winograd4.gradient", Ref>("winograd4.gradient", { x: input(1), y: z }, params, [perTile, n * c_out]),
        call<"winograd4.image", Ref>("winograd4.image", { x: input(0), y: v }, params, [perTile, n * c_in]),
        product,
        call<"winograd4.weight_gradient", Ref>("winograd4.weight_gradient", { x: m, y: output }, params, grid(c_in * c_out, WG)),
      ];
    },
  };
}
