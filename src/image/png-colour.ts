// The colours of PNG files that say by numbers, and not by a profile, how they are meant: gAMA and cHRM. PNG, 3rd edition, 11.3.2.
// Chromium converts them to sRGB, and sharp does not.

import type { Layer } from "./planes.ts";
import { chunksOf } from "./png-chunks.ts";

type Vector = readonly number[];
/** Its columns. */
type Matrix = readonly Vector[];

const applied = (m: Matrix, v: Vector): Vector => [0, 1, 2].map((r) => m[0]![r]! * v[0]! + m[1]![r]! * v[1]! + m[2]![r]! * v[2]!);
const product = (a: Matrix, b: Matrix): Matrix => b.map((column) => applied(a, column));
const weighted = (m: Matrix, weights: Vector): Matrix => m.map((column, i) => column.map((x) => x * weights[i]!));
const cross = (a: Vector, b: Vector): Vector =>
  [0, 1, 2].map((i) => a[(i + 1) % 3]! * b[(i + 2) % 3]! - a[(i + 2) % 3]! * b[(i + 1) % 3]!);

function inverse([a, b, c]: Matrix): Matrix {
  const rows = [cross(b!, c!), cross(c!, a!), cross(a!, b!)];
  const volume = a!.reduce((sum, x, i) => sum + x * rows[0]![i]!, 0);
  return [0, 1, 2].map((column) => rows.map((row) => row[column]! / volume));
}

/** x and y of white, red, green and blue (CIE 1931), here those of sRGB. */
const SRGB = [0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06];
/** XYZ → the responses of the eye's three kinds of cones, by whose ratios one white is adapted to another (Bradford). */
const CONES: Matrix = [
  [0.8951, -0.7502, 0.0389],
  [0.2664, 1.7135, -0.0685],
  [-0.1614, 0.0367, 1.0296],
];

/** Linear red, green and blue → responses of the cones, relative to those to white. */
function toCones(chromaticities: Vector): Matrix {
  const [white, ...primaries] = [0, 2, 4, 6].map((at) => {
    const [x, y] = [chromaticities[at]!, chromaticities[at + 1]!];
    return applied(CONES, [x / y, 1, (1 - x - y) / y]);
  });
  const relative = primaries.map((primary) => primary.map((response, i) => response / white![i]!));
  return weighted(relative, applied(inverse(relative), [1, 1, 1]));
}

/** Numbers in a chunk are 100,000 times as large. */
const UNIT = 100_000;
/** A gamma near this one stands for sRGB, whose curve is similar to that power. "Near" is as in libpng. */
const SRGB_GAMMA = 1 / 2.2;
const NEAR = 0.05;

/** The exponent that makes stored values linear, and the matrix from linear values to those of sRGB. Null for sRGB, or where a profile says more. */
function colourOf(file: Uint8Array): { exponent: number; matrix: Matrix } | null {
  const numbers = new Map<string, readonly number[]>();
  for (const { type, data, isSound } of chunksOf(file)) {
    if (type === "IDAT") break;
    if (["sRGB", "iCCP", "cICP"].includes(type)) return null;
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    if (isSound)
      numbers.set(
        type,
        Array.from({ length: data.length >> 2 }, (_, i) => view.getUint32(4 * i) / UNIT),
      );
  }
  const gamma = numbers.get("gAMA")?.[0];
  if (!gamma) return null;
  const matrix = product(inverse(toCones(SRGB)), toCones(numbers.get("cHRM") ?? SRGB));
  const isSrgb = !numbers.has("cHRM") && Math.abs(gamma / SRGB_GAMMA - 1) < NEAR;
  return isSrgb || matrix.flat().some(Number.isNaN) ? null : { exponent: 1 / gamma, matrix };
}

/** The curve of sRGB for a linear value (IEC 61966-2-1). */
const encoded = (x: number): number => (x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055);

/** The colours of a PNG file's layer in sRGB: clip(M·vᵍ) on sRGB's curve, with v in [0,1]. The same layer if the file does not say otherwise. */
export function toSrgb(layer: Layer, file: Uint8Array): Layer {
  const colour = colourOf(file);
  if (!colour) return layer;
  const linear = Array.from({ length: 256 }, (_, v) => (v / 255) ** colour.exponent);
  const { picture, alpha } = layer;
  const data = new Uint8Array(picture.data.length);
  for (let at = 0; at < data.length; at += 3) {
    const stored = [linear[picture.data[at]!]!, linear[picture.data[at + 1]!]!, linear[picture.data[at + 2]!]!];
    applied(colour.matrix, stored).forEach((x, c) => {
      data[at + c] = Math.round(255 * encoded(Math.min(Math.max(x, 0), 1)));
    });
  }
  return { picture: { ...picture, data }, alpha };
}
