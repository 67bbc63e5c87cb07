// Cut-out pictures, which have transparency: placed on another picture at any size and angle.

import type { Mask } from "./mask.ts";
import type { Rgb8, Size } from "./planes.ts";

/** A picture with transparency; both have one size. */
export interface Cutout {
  readonly picture: Rgb8;
  /** 0 is transparent, 1 opaque. */
  readonly alpha: Mask;
}

/** Where a cut-out lies on a picture. */
export interface Placement extends Size {
  /** Its middle, in pixels of the picture: (0,0) is the upper left corner. */
  readonly x: number;
  readonly y: number;
  /** In degrees, clockwise. */
  readonly angle: number;
}

/** Values of one pixel: red, green and blue, each multiplied by alpha, and alpha. */
const CHANNELS = 4;

interface Weighted extends Size {
  readonly data: Float32Array;
}

/**
 * Colours multiplied by alpha, so that a colour under full transparency has no influence, averaged over cells of `across` x `down` pixels.
 * Cells at the right and the lower border may reach beyond the picture; it is transparent there.
 */
function cells({ picture, alpha }: Cutout, across: number, down: number): Weighted {
  const [width, height] = [Math.ceil(picture.width / across), Math.ceil(picture.height / down)];
  const data = new Float32Array(CHANNELS * width * height);
  for (let p = 0; p < alpha.data.length; p++) {
    const cell = Math.floor(Math.floor(p / picture.width) / down) * width + Math.floor((p % picture.width) / across);
    const share = alpha.data[p]! / (across * down);
    for (let c = 0; c < 3; c++) data[CHANNELS * cell + c]! += share * picture.data[3 * p + c]!;
    data[CHANNELS * cell + 3]! += share;
  }
  return { width, height, data };
}

/** The corners of a placement, clockwise from the one that is the upper left one without rotation. */
export function cornersOf({ x, y, width, height, angle }: Placement): { x: number; y: number }[] {
  const [cos, sin] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
  return [
    [-0.5, -0.5],
    [0.5, -0.5],
    [0.5, 0.5],
    [-0.5, 0.5],
  ].map(([u, v]) => ({
    x: x + cos * u! * width - sin * v! * height,
    y: y + sin * u! * width + cos * v! * height,
  }));
}

/**
 * A cut-out as it lies on a picture of this size, which is transparent elsewhere. Bilinear; where it is reduced to less than half, means
 * over whole cells of pixels come first. At its own size, whole pixels and no angle it is an exact copy.
 */
export function placed(cutout: Cutout, placement: Placement, { width, height }: Size): Cutout {
  const { picture } = cutout;
  const { x, y, angle } = placement;
  // Pixels of the cut-out per pixel of the picture.
  const [scaleX, scaleY] = [picture.width / placement.width, picture.height / placement.height];
  const [across, down] = [Math.max(1, Math.floor(scaleX)), Math.max(1, Math.floor(scaleY))];
  const source = cells(cutout, across, down);
  const [cos, sin] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
  const [colours, alpha] = [new Uint8Array(3 * width * height), new Float32Array(width * height)];

  // An enlarged pixel fades out over half its side beyond the border.
  const margin = { width: placement.width + 2 / Math.min(scaleX, 1), height: placement.height + 2 / Math.min(scaleY, 1) };
  const corners = cornersOf({ ...placement, ...margin });
  const [xs, ys] = [corners.map((corner) => corner.x), corners.map((corner) => corner.y)];
  const [left, right] = [Math.max(0, Math.floor(Math.min(...xs))), Math.min(width, Math.ceil(Math.max(...xs)))];
  const [top, bottom] = [Math.max(0, Math.floor(Math.min(...ys))), Math.min(height, Math.ceil(Math.max(...ys)))];
  const sums = new Float64Array(CHANNELS);
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const [dx, dy] = [column + 0.5 - x, row + 0.5 - y];
      const u = ((cos * dx + sin * dy) * scaleX + picture.width / 2) / across - 0.5;
      const v = ((cos * dy - sin * dx) * scaleY + picture.height / 2) / down - 0.5;
      bilinear(source, u, v, sums);
      const share = Math.min(1, sums[3]!);
      if (share < LEAST_ALPHA) continue;
      const p = row * width + column;
      alpha[p] = share;
      for (let c = 0; c < 3; c++) colours[3 * p + c] = Math.min(255, Math.round(sums[c]! / sums[3]!));
    }
  }
  return { picture: { width, height, data: colours }, alpha: { width, height, data: alpha } };
}

/** Less can't be seen in 8 bits; rounding of the coordinates makes some. */
const LEAST_ALPHA = 1 / 512;

/** The sums of the four pixels around (u,v), where (0,0) is the middle of the first one; all is transparent outside. */
function bilinear({ width, height, data }: Weighted, u: number, v: number, sums: Float64Array): void {
  sums.fill(0);
  const [left, top] = [Math.floor(u), Math.floor(v)];
  for (let y = top; y <= top + 1; y++) {
    if (y < 0 || y >= height) continue;
    for (let x = left; x <= left + 1; x++) {
      if (x < 0 || x >= width) continue;
      const weight = (1 - Math.abs(u - x)) * (1 - Math.abs(v - y));
      for (let c = 0; c < CHANNELS; c++) sums[c]! += weight * data[CHANNELS * (y * width + x) + c]!;
    }
  }
}

/** A cut-out over a picture of its size. Where it is transparent, the picture stays to the last bit. */
export function over({ width, height, data }: Rgb8, { picture, alpha }: Cutout): Rgb8 {
  const out = data.slice();
  for (let p = 0; p < alpha.data.length; p++) {
    const share = alpha.data[p]!;
    if (share === 0) continue;
    for (let i = 3 * p; i < 3 * p + 3; i++) out[i] = Math.round((1 - share) * data[i]! + share * picture.data[i]!);
  }
  return { width, height, data: out };
}
