// A round brush on a picture: sets the pixels whose middles are near a line.

import type { Rgb, Rgb8 } from "../../../image/planes.ts";
import type { Point } from "../../../image/region.ts";

/** What the brush leaves: a colour, or the pixels of another picture of the same size. */
export type Ink = Rgb | Rgb8;

/** The thinnest brush: it sets at least one pixel wherever it is, and only one at the middle of a pixel. */
const THINNEST = Math.SQRT1_2;

/** Draws from a point to another, with a brush of a diameter in pixels. Changes the picture. */
export function brush(picture: Rgb8, from: Point, to: Point, diameter: number, ink: Ink): void {
  const { width, height, data } = picture;
  const radius = Math.max(THINNEST, diameter / 2);
  const range = (a: number, b: number, end: number): [number, number] => [
    Math.max(0, Math.floor(Math.min(a, b) - radius)),
    Math.min(end, Math.ceil(Math.max(a, b) + radius)),
  ];
  const [left, right] = range(from.x, to.x, width);
  const [top, bottom] = range(from.y, to.y, height);
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      if (distance({ x: x + 0.5, y: y + 0.5 }, from, to) > radius) continue;
      const i = 3 * (y * width + x);
      for (let c = 0; c < 3; c++) data[i + c] = "data" in ink ? ink.data[i + c]! : ink[c]!;
    }
  }
}

/** From a point to the nearest one between `from` and `to`. */
function distance(point: Point, from: Point, to: Point): number {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const square = dx * dx + dy * dy;
  const along = square === 0 ? 0 : ((point.x - from.x) * dx + (point.y - from.y) * dy) / square;
  const share = Math.min(Math.max(along, 0), 1);
  return Math.hypot(point.x - from.x - share * dx, point.y - from.y - share * dy);
}
