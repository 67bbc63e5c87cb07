// A tile of a picture as a generator sees it: what lies around it, inside the picture and beyond its border. Pure.
// The five valid convolutions look 5 px past the tile; beyond the picture is the zero padding that the whole picture has there.

import type { Margins } from "../../autodiff/ops/spatial.ts";
import { PADDING, type Size } from "../model/config.ts";

export interface Window {
  readonly top: number;
  readonly left: number;
  readonly width: number;
  readonly height: number;
}

export interface View {
  readonly tile: Window;
  /** The tile and its neighbourhood, as far as they lie in the picture: what must be known of the previous picture. */
  readonly inside: Window;
  /** How far the neighbourhood lies beyond the picture. */
  readonly outside: Margins;
  /** From `inside` to the tile. */
  readonly surplus: Margins;
  /** What of the noise is read. */
  readonly noise: Window;
  /** Of the whole noise. */
  readonly noiseSize: Size;
}

export const wholeOf = ({ width, height }: Size): Window => ({ top: 0, left: 0, width, height });

export function viewOf(size: Size, tile: Window, noisePadding: boolean): View {
  const [bottom, right] = [tile.top + tile.height, tile.left + tile.width];
  const [top, left] = [Math.max(0, tile.top - PADDING), Math.max(0, tile.left - PADDING)];
  const [end, far] = [Math.min(size.height, bottom + PADDING), Math.min(size.width, right + PADDING)];
  const inside = { top, left, width: far - left, height: end - top };
  const surplus = { top: tile.top - top, left: tile.left - left, bottom: end - bottom, right: far - right };
  const outside = {
    top: PADDING - surplus.top,
    left: PADDING - surplus.left,
    bottom: PADDING - surplus.bottom,
    right: PADDING - surplus.right,
  };
  const grown = { top: tile.top, left: tile.left, width: tile.width + 2 * PADDING, height: tile.height + 2 * PADDING };
  return {
    ...{ tile, inside, outside, surplus },
    noise: noisePadding ? grown : inside,
    noiseSize: noisePadding ? { width: size.width + 2 * PADDING, height: size.height + 2 * PADDING } : size,
  };
}

/** A picture in tiles of at most `side` px, row by row; those of a row together are a band. */
export function bandsOf({ width, height }: Size, side: number): Window[][] {
  const cuts = (length: number) => {
    const count = Math.ceil(length / side);
    const step = Math.ceil(length / count);
    return Array.from({ length: count }, (_, i) => ({ at: i * step, size: Math.min(step, length - i * step) })).filter(
      ({ size }) => size > 0,
    );
  };
  return cuts(height).map((y) => cuts(width).map((x) => ({ top: y.at, left: x.at, width: x.size, height: y.size })));
}
