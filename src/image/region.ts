// Parts of a picture: outlines as masks, parts that are moved, copied or scaled, and what fills the hole that a moved part leaves.

import type { Mask } from "./mask.ts";
import { type Cutout, over, placed } from "./placement.ts";
import type { Rgb8, Size } from "./planes.ts";

/** In pixels of the picture: (0,0) is its upper left corner, (0.5,0.5) the middle of the first pixel. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A rectangle of whole pixels; (x,y) is its upper left corner. It may lie outside the picture. */
export interface Rect extends Size {
  readonly x: number;
  readonly y: number;
}

export const isSameRect = (a: Rect, b: Rect): boolean =>
  a.x === b.x && a.y === b.y && a.width === b.width && a.height === b.height;

/** The four corners, clockwise from the upper left one. */
export const outlineOf = ({ x, y, width, height }: Rect): Point[] => [
  { x, y },
  { x: x + width, y },
  { x: x + width, y: y + height },
  { x, y: y + height },
];

/** A mask of this size without any set pixel. */
export const emptyMask = ({ width, height }: Size): Mask => ({ width, height, data: new Float32Array(width * height) });

/** 1 where at least one of two masks of one size is set. */
export const union = (a: Mask, b: Mask): Mask => ({ ...a, data: a.data.map((v, i) => Number(v > 0 || b.data[i]! > 0)) });

/**
 * A mask from an outline, whose last corner is joined to the first: set where the middle of a pixel lies inside. What the outline goes
 * round more than once is inside, too (the rule of non-zero winding).
 */
export function maskOfOutline(size: Size, corners: readonly Point[]): Mask {
  const mask = emptyMask(size);
  for (let y = 0; y < size.height; y++) {
    const middle = y + 0.5;
    const crossings = corners.flatMap((a, i) => {
      const b = corners[(i + 1) % corners.length]!;
      if (a.y <= middle === b.y <= middle) return [];
      return [{ x: a.x + ((middle - a.y) / (b.y - a.y)) * (b.x - a.x), turn: a.y < b.y ? 1 : -1 }];
    });
    crossings.sort((a, b) => a.x - b.x);
    let winding = 0;
    for (const [i, { x, turn }] of crossings.entries()) {
      winding += turn;
      const end = crossings[i + 1]?.x;
      if (winding === 0 || end === undefined) continue;
      const column = (edge: number): number => y * size.width + Math.min(Math.max(Math.ceil(edge - 0.5), 0), size.width);
      mask.data.fill(1, column(x), column(end));
    }
  }
  return mask;
}

/** The smallest rectangle that holds all pixels of a mask above 0; null where there is none. */
export function boundsOf({ width, height, data }: Mask): Rect | null {
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let p = 0; p < data.length; p++) {
    if (data[p] === 0) continue;
    const [x, y] = [p % width, Math.floor(p / width)];
    [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x + 1), Math.max(bottom, y + 1)];
  }
  return right === 0 ? null : { x: left, y: top, width: right - left, height: bottom - top };
}

/** A picture with a mask as its transparency, cropped to the mask's bounds; null where the mask is empty. */
export function cut(picture: Rgb8, mask: Mask): { readonly bounds: Rect; readonly cutout: Cutout } | null {
  const bounds = boundsOf(mask);
  if (!bounds) return null;
  const { x, y, width, height } = bounds;
  const [colours, alpha] = [new Uint8Array(3 * width * height), new Float32Array(width * height)];
  for (let row = 0; row < height; row++) {
    const from = (y + row) * picture.width + x;
    colours.set(picture.data.subarray(3 * from, 3 * (from + width)), 3 * row * width);
    alpha.set(mask.data.subarray(from, from + width), row * width);
  }
  return { bounds, cutout: { picture: { width, height, data: colours }, alpha: { width, height, data: alpha } } };
}

/** A hole is filled from at most so many pixels around it: more cost time and show no difference. */
const MOST_AROUND = 128;

/**
 * A picture whose hole is filled smoothly: each pixel is the mean of the pixels right outside the hole, weighted by 1/distance⁴, so that
 * the nearest count most. (The official code takes edits that somebody has made by hand.) A hole that is the whole picture stays.
 */
export function filled(picture: Rgb8, hole: Mask): Rgb8 {
  const { width, height } = picture;
  const isHole = (x: number, y: number): boolean => x >= 0 && y >= 0 && x < width && y < height && hole.data[y * width + x]! > 0;
  const around: number[] = [];
  for (let p = 0; p < hole.data.length; p++) {
    const [x, y] = [p % width, Math.floor(p / width)];
    const touches = isHole(x - 1, y) || isHole(x + 1, y) || isHole(x, y - 1) || isHole(x, y + 1);
    if (!isHole(x, y) && touches) around.push(p);
  }
  const step = Math.ceil(around.length / MOST_AROUND);
  const known = around.filter((_, i) => i % step === 0);
  const data = picture.data.slice();
  if (known.length === 0) return { width, height, data };
  const [xs, ys] = [Int32Array.from(known, (p) => p % width), Int32Array.from(known, (p) => Math.floor(p / width))];
  const [reds, greens, blues] = [0, 1, 2].map((c) => Uint8Array.from(known, (p) => picture.data[3 * p + c]!)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  for (let p = 0; p < hole.data.length; p++) {
    if (hole.data[p] === 0) continue;
    const [x, y] = [p % width, Math.floor(p / width)];
    let [total, red, green, blue] = [0, 0, 0, 0];
    // Nothing but numbers in the inner loop: it runs while the visitor drags the part.
    for (let i = 0; i < xs.length; i++) {
      const dx = xs[i]! - x;
      const dy = ys[i]! - y;
      const squared = dx * dx + dy * dy;
      const weight = 1 / (squared * squared);
      total += weight;
      red += weight * reds[i]!;
      green += weight * greens[i]!;
      blue += weight * blues[i]!;
    }
    data.set([Math.round(red / total), Math.round(green / total), Math.round(blue / total)], 3 * p);
  }
  return { width, height, data };
}

export interface Changed {
  readonly picture: Rgb8;
  /** Set where the picture may differ from the one before. */
  readonly mask: Mask;
}

/** A part of a picture that can be put elsewhere. */
export class Part {
  /** The picture without the part: made when it is first needed. */
  #rest: Rgb8 | null = null;

  private constructor(
    private readonly picture: Rgb8,
    private readonly mask: Mask,
    readonly bounds: Rect,
    private readonly cutout: Cutout,
  ) {}

  /** The pixels of a picture where a mask is set; null where that is nowhere. */
  static of(picture: Rgb8, mask: Mask): Part | null {
    const found = cut(picture, mask);
    return found && new Part(picture, mask, found.bounds, found.cutout);
  }

  /** The picture with the part in the rectangle `to`, scaled to its size; `leavesOriginal`: also where it was. */
  put(to: Rect, leavesOriginal: boolean): Changed {
    if (isSameRect(to, this.bounds)) return { picture: this.picture, mask: emptyMask(this.picture) };
    const { width, height } = to;
    const moved = placed(this.cutout, { x: to.x + width / 2, y: to.y + height / 2, width, height, angle: 0 }, this.picture);
    if (leavesOriginal) return { picture: over(this.picture, moved), mask: union(moved.alpha, moved.alpha) };
    this.#rest ??= filled(this.picture, this.mask);
    return { picture: over(this.#rest, moved), mask: union(this.mask, moved.alpha) };
  }
}
