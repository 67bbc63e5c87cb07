// A tile of a picture as a generator sees it: its neighbourhood inside the picture and the padding outside. Pure, no GPU.
// The five valid convolutions read 5 px past the tile. Outside the picture they read the zero padding that the whole picture has there.

import type { Margins } from "../../autodiff/ops/spatial.ts";
import { PADDING, type Size } from "../model/config.ts";

export interface Window extends Size {
  readonly top: number;
  readonly left: number;
}

export interface View {
  readonly tile: Window;
  /** The tile and its neighbourhood within the picture: the part of the previous picture that is read. */
  readonly inside: Window;
  /** The neighbourhood outside the picture: its zero padding. */
  readonly outside: Margins;
  /** The neighbourhood within the picture: the margins between `inside` and the tile. */
  readonly halo: Margins;
  /** The part of the noise that is read. */
  readonly noise: Window;
  /** Size of the whole noise. */
  readonly noiseSize: Size;
}

export const wholeOf = ({ width, height }: Size): Window => ({ top: 0, left: 0, width, height });

export function viewOf(size: Size, tile: Window, noisePadding: boolean): View {
  const [bottom, right] = [tile.top + tile.height, tile.left + tile.width];
  const [top, left] = [Math.max(0, tile.top - PADDING), Math.max(0, tile.left - PADDING)];
  const [end, far] = [Math.min(size.height, bottom + PADDING), Math.min(size.width, right + PADDING)];
  const inside = { top, left, width: far - left, height: end - top };
  const halo = { top: tile.top - top, left: tile.left - left, bottom: end - bottom, right: far - right };
  const outside = {
    top: PADDING - halo.top,
    left: PADDING - halo.left,
    bottom: PADDING - halo.bottom,
    right: PADDING - halo.right,
  };
  const grown = { top: tile.top, left: tile.left, width: tile.width + 2 * PADDING, height: tile.height + 2 * PADDING };
  return {
    ...{ tile, inside, outside, halo },
    noise: noisePadding ? grown : inside,
    noiseSize: noisePadding ? { width: size.width + 2 * PADDING, height: size.height + 2 * PADDING } : size,
  };
}

/** Divides a picture into bands of tiles, whose sides are at most `side` px. */
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
