// The main colours of a photo, to paint with.

import { type Rgb, type Rgb8, toPlanes, toRgb8 } from "../../../image/planes.ts";
import { imresizeTo } from "../../../image/resample.ts";
import { paletteOf, quantized } from "../../../singan/model/palette.ts";

const COUNT = 8;
/** Long side of the photo when its colours are sought, px: a larger one takes longer and has the same colours. */
const SIDE = 24;
const KEY = Uint32Array.of(1, 2, 3, 4);

/** Up to eight colours, the most frequent one first. The same for the same photo. */
export function swatchesOf(photo: Rgb8): readonly Rgb[] {
  const factor = Math.min(1, SIDE / Math.max(photo.width, photo.height));
  const side = (length: number): number => Math.max(1, Math.round(length * factor));
  const planes = toPlanes(photo);
  const small = factor < 1 ? imresizeTo(planes, { width: side(photo.width), height: side(photo.height) }) : planes;
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
