// Convolutions by Winograd's F(2x2, 3x3) for hardware (shaders/winograd.wgsl): 16 multiply-adds instead of 36, in four dispatches, with 16
// scratch values per tile and channel of image and result each.  Lavin & Gray 2016.

import { call, grid } from "../../gpu/pipelines.ts";
import { scratch, WG } from "../variant.ts";
import { bothWays, type ConvolutionVariant, type Family, type ImageOp, imageCall, isLarge } from "./problem.ts";

const COLUMNS_PER_GROUP = 64; // as in winograd.wgsl
/** From so many channels on, the matrix products are worth the transforms. */
const LEAST_CHANNELS = 16;

function winograd(RO: 4 | 8, contraction: ImageOp): ConvolutionVariant {
  const template = { RO };
  return {
    name: `winograd ${8 * RO}x${COLUMNS_PER_GROUP}`,
    main: "winograd.multiply",
    tile: 2,
    suits: (_, problem) => Math.min(problem.c_in, problem.c_out) >= LEAST_CHANNELS && isLarge(problem),
    calls(op) {
      const { n, sizes, slope, bindings, transposed, epilogue } = imageCall(op, contraction);
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

export const winograd2d: Family = { variants: bothWays(winograd, 4, 8) };
