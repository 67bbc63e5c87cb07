// The main colours of a photo, to paint with.

import { type Rgb, type Rgb8, toPlanes, toRgb8 } from "../../../image/planes.ts";
import { paletteOf, quantized } from "../../../singan/model/palette.ts";

const COUNT = 8;
/** The colours are sought among at most so many pixels on a side, evenly spread: more take longer and have the same colours. */
const SIDE = 16;
const KEY = Uint32Array.of(1, 2, 3, 4);

/** Up to eight colours, the most frequent one first. The same for the same photo. */
export function swatchesOf(photo: Rgb8): readonly Rgb[] {
  const small = toPlanes(spread(photo, SIDE));
  const { data } = toRgb8(quantized(small, paletteOf(small, KEY, COUNT)));
  const found = new Map<string, { readonly colour: Rgb; count: number }>();
  for (let i = 0; i < data.length; i += 3) {
    const colour: Rgb = [data[i]!, data[i + 1]!, data[i + 2]!];
    const entry = found.get(colour.join()) ?? { colour, count: 0 };
    entry.count++;
    found.set(colour.join(), entry);
  }
  return [...found.values()].sort((a, b) => b.count - a.count).map(({ colour }) => colour);
}

/** Evenly spread pixels of a picture, at most `side` on a side. */
function spread(picture: Rgb8, side: number): Rgb8 {
  const step = Math.ceil(Math.max(picture.width, picture.height) / side);
  const [width, height] = [Math.ceil(picture.width / step), Math.ceil(picture.height / step)];
  const data = new Uint8Array(3 * width * height);
  for (let p = 0; p < width * height; p++) {
    const from = 3 * step * (Math.floor(p / width) * picture.width + (p % width));
    data.set(picture.data.subarray(from, from + 3), 3 * p);
  }
  return { width, height, data };
}
