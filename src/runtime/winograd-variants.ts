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

/** Matrices [36, depth, lines] in a scratch buffer, as quad_product.wgsl reads them and the transforms in winograd4.wgsl write them. */
interface Matrix {
  readonly values: Ref;
  /** How many lines lie together; all `lines` where that is more. */
  readonly panel: number;
  /** Entries from one of the 36, panel and depth to the next. */
  readonly product: number;
  readonly panel_step: number;
  readonly depth_step: number;
}

/** Lines of a block together, one depth after the other: what one workgroup reads lies together. */
function panels(id: number, lines: number, depth: number, panel: number): Matrix {
  const product = Math.ceil(lines / panel) * panel * depth;
  return { values: scratch(POINTS * product * 4, id), panel, product, panel_step: panel * depth, depth_step: panel };
}

/** One depth after the other, with room for a multiple of `block` depths. */
function plain(id: number, lines: number, depth: number, block: number): Matrix {
  const product = lines * Math.ceil(depth / block) * block;
  return { values: scratch(POINTS * product * 4, id), panel: lines, product, panel_step: 0, depth_step: lines };
}

/** Parameters of a transform that reads or writes `m`. */
const places = ({ panel, product, panel_step, depth_step }: Matrix) => ({ panel, product, panel_step, depth_step });

interface Steps {
  readonly values: Ref;
  readonly product: number;
  readonly block: number;
  readonly depth: number;
  readonly line: number;
}
/** As the factor of a product along the depth, or, the other way round, along the lines. */
const alongDepth = ({ values, product, panel_step, depth_step }: Matrix): Steps => ({
  ...{ values, product, block: panel_step, depth: depth_step, line: 1 },
});
const alongLines = ({ values, product, depth_step }: Matrix, block: number): Steps => ({
  ...{ values, product, block: block * depth_step, depth: 1, line: depth_step },
});

/** The products of blocks of rows and columns, 36 times, and where they lie: [36, columns, rows]. */
function quadProduct([RI, RJ, KB]: QuadBlock, a: Steps, b: Steps, [rows, columns, depth]: readonly [number, number, number]) {
  const [blocks_i, blocks_j] = [Math.ceil(rows / (QUAD * RI)), Math.ceil(columns / (QUAD * RJ))];
  const m = plain(2, blocks_i * QUAD * RI, columns, QUAD * RJ);
  const params = {
    ...{ depth, blocks_i, m_product: m.product, m_column: m.depth_step },
    ...{ a_product: a.product, a_block: a.block, a_depth: a.depth, a_row: a.line },
    ...{ b_product: b.product, b_block: b.block, b_depth: b.depth, b_column: b.line },
  };
  const bindings = { a: a.values, b: b.values, m: m.values };
  const options = { template: { RI, RJ, KB } };
  return { m, product: call<"quad_product", Ref>("quad_product", bindings, params, [blocks_i * blocks_j, POINTS], options) };
}

/** F(4x4, 3x3): 36 multiply-adds instead of 144, four dispatches, 36 scratch values per tile and channel of image and result each, in whole blocks. */
export function winograd4(block: QuadBlock, direction: Direction): Variant {
  return {
    name: `winograd4 by quads, ${block.join("x")}`,
    lanes: QUAD,
    tile: TILE,
    calls(op) {
      const { n, sizes, slope, bindings, transposed, epilogue } = problemOf(op, direction);
      const { c_in, c_out, h_out, w_out } = sizes;
      const { tiles_x, tiles } = tilesOf(h_out, w_out);
      const [RI, RJ] = block;
      const u = panels(0, c_out, c_in, QUAD * RJ);
      const v = panels(1, n * tiles, c_in, QUAD * RI);
      const { m, product } = quadProduct(block, alongDepth(v), alongDepth(u), [n * tiles, c_out, c_in]);
      const params = (matrix: Matrix) => ({ ...sizes, tiles_x, tiles, ...places(matrix), slope });
      const { x, w, b, y } = bindings;
      const perTile = Math.ceil(tiles / WG);
      return [
        call("winograd4.weights", { x: w, y: u.values }, params(u), grid(c_in * c_out, WG), { overrides: transposed }),
        call("winograd4.image", { x, y: v.values }, params(v), [perTile, n * c_in], { overrides: transposed }),
        product,
        call("winograd4.result", { x: m.values, b, y }, params(m), [perTile, n * c_out], { overrides: epilogue }),
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
      const [rows, columns] = [QUAD * block[0], QUAD * block[1]];
      const z = plain(0, n * tiles, c_out, rows);
      const v = plain(1, n * tiles, c_in, columns);
      const { m, product } = quadProduct(block, alongLines(z, rows), alongLines(v, columns), [c_out, c_in, n * tiles]);
      const params = (matrix: Matrix) => ({ h_in, w_in, h_out, w_out, c_in, c_out, tiles_x, tiles, ...places(matrix), slope: 1 });
      const perTile = Math.ceil(tiles / WG);
      return [
        call<"winograd4.gradient", Ref>("winograd4.gradient", { x: input(1), y: z.values }, params(z), [perTile, n * c_out]),
        call<"winograd4.image", Ref>("winograd4.image", { x: input(0), y: v.values }, params(v), [perTile, n * c_in]),
        product,
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
