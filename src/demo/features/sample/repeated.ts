// A seamless picture, as often as shows that it has no seams. Pure.

import type { Rgb8, Wraps } from "../../../image/planes.ts";

/** The picture twice in each direction in which it is seamless. */
export function repeated({ width, height, data }: Rgb8, { x, y }: Wraps): Rgb8 {
  const [across, down] = [x ? 2 : 1, y ? 2 : 1];
  const row = 3 * width;
  const all = new Uint8Array(across * down * data.length);
  for (let line = 0; line < down * height; line++) {
    const from = (line % height) * row;
    for (let i = 0; i < across; i++) all.set(data.subarray(from, from + row), (line * across + i) * row);
  }
  return { width: across * width, height: down * height, data: all };
}
