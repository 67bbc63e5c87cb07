// Problems for the denoisers of instant pictures: 20 shapes and, for each, noise levels of both ends of the schedule and between them.

import type { Planes } from "../src/image/planes.ts";
import type { PatchSource } from "../src/instant/denoiser.ts";
import { alphaAt } from "../src/instant/instant.ts";
import { denoiseAllPairs } from "../src/reference/patch-denoiser.ts";
import { Random } from "./reference/random.ts";

export interface DenoiserCase {
  readonly name: string;
  readonly source: PatchSource;
  readonly noisy: Planes;
  readonly alpha: number;
  readonly sigma: number;
}

/** Photo, second photo, sample, patch, and the axes that wrap. */
const SHAPES = [
  ...["12x10 - 12x10 3 -", "3x3 - 3x3 3 -", "9x14 - 15x11 5 xy", "15x9 - 9x12 7 y", "8x8 - 5x6 5 xy", "8x8 - 6x7 4 x"],
  ...["5x5 - 70x5 5 -", "66x7 - 7x7 3 -", "7x31 - 8x66 3 y", "13x13 - 13x13 13 -", "22x21 - 25x19 15 -", "30x21 - 22x23 21 -"],
  ...["12x10 17x12 12x10 3 -", "9x14 5x6 15x11 5 x", "16x16 9x30 17x15 9 xy", "20x12 - 12x20 11 -", "11x40 - 40x11 7 -"],
  ...["25x25 - 13x16 13 y", "5x7 - 9x4 1 x", "64x8 - 66x9 6 -"],
];
const LEVELS = [10, 9, 6, 2, 1];

const sizeOf = (text: string) => {
  const [width, height] = text.split("x").map(Number) as [number, number];
  return { width, height };
};

export const denoiserCases: readonly DenoiserCase[] = SHAPES.flatMap((shape) => {
  const [photo, second, sample, patch, wraps] = shape.split(" ") as [string, string, string, string, string];
  return LEVELS.map((t) => {
    const name = `photo ${photo}${second === "-" ? "" : ` and ${second}`}, sample ${sample}, patch ${patch}, wraps ${wraps}, step ${t}`;
    const random = new Random(name);
    // Each photo repeats itself, so that a sample of any size can be made of its patches; and some patches are equal.
    const picture = (text: string): Planes => {
      const { width, height } = sizeOf(text);
      const period = (side: number) => Math.max(1, side - Number(patch) + 1);
      const [across, down] = [period(width), period(height)];
      const tile = Array.from({ length: 3 * across * down }, () => 2 * random.unit() - 1);
      const data = Float32Array.from({ length: 3 * width * height }, (_, i) => {
        const [c, y, x] = [Math.floor(i / (width * height)), Math.floor(i / width) % height, i % width];
        return tile[(c * down + (y % down)) * across + (x % across)]!;
      });
      return { width, height, data };
    };
    const photos = [photo, second].filter((text) => text !== "-").map(picture);
    const size = sizeOf(sample);
    const [alpha, sigma] = [Math.fround(alphaAt(t)), 1 - alphaAt(t)];
    // The photo's repetition from a random place on, and noise.
    const { width, height, data: pixels } = photos[0]!;
    const [across, down] = [Math.max(1, width - Number(patch) + 1), Math.max(1, height - Number(patch) + 1)];
    const [left, top] = [random.integer(0, across - 1), random.integer(0, down - 1)];
    const area = size.width * size.height;
    const data = Float32Array.from({ length: 3 * area }, (_, i) => {
      const [c, row, column] = [Math.floor(i / area), Math.floor((i % area) / size.width), i % size.width];
      return alpha * pixels[(c * height + ((row + top) % down)) * width + ((column + left) % across)]! + sigma * random.normal();
    });
    const source = { photos, patch: Number(patch), wraps: { x: wraps.includes("x"), y: wraps.includes("y") }, size };
    return { name, source, noisy: { ...size, data }, alpha, sigma };
  });
});

/** The largest difference to the definition, as a share of the range of values, which is 2. */
export function errorOf({ source, noisy, alpha, sigma }: DenoiserCase, found: Planes): number {
  const exact = denoiseAllPairs(source, noisy, alpha, sigma);
  if (found.data.length !== exact.length) throw new Error(`${found.data.length} values in place of ${exact.length}`);
  return Math.max(...exact.map((value, i) => Math.abs(value - found.data[i]!))) / 2;
}
