// "How it works": the scales and patches of sources, and scores as colours.

import { describe, expect, test } from "vitest";
import { overlaid, rangeOf, rgbOf } from "../../src/demo/features/explain/overlay.ts";
import type { Source } from "../../src/demo/features/feature.ts";
import { lessonOf, middlePatch } from "../../src/demo/how/lesson.ts";
import { type Rgb8, type Size, toPlanes, toRgb8 } from "../../src/image/planes.ts";

const picture = ({ width, height }: Size): Rgb8 => ({
  ...{ width, height },
  data: Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 37) % 256),
});
const sizes = [
  { width: 32, height: 25 },
  { width: 45, height: 36 },
  { width: 64, height: 50 },
];
const sizeOf = ({ width, height }: Size): Size => ({ width, height });

describe("lessonOf", () => {
  const model = { kind: "model", id: "m", name: "m", sizes, isSingan: true } as const;
  test("a model has its own scales and patches of 11 px", () => {
    const { patch, photos } = lessonOf({ ...model, scales: 3, photo: picture(sizes[2]!) });
    expect(patch).toBe(11);
    expect(photos.map(sizeOf)).toEqual(sizes);
    expect(toRgb8(photos[2]!)).toEqual(picture(sizes[2]!));
  });
  test("of a model in training, those that are trained", () => {
    expect(lessonOf({ ...model, scales: 2, photo: picture(sizes[1]!) }).photos.map(sizeOf)).toEqual(sizes.slice(0, 2));
  });
  test("a photo has the scales and patches of its instant pictures, coarse to fine", () => {
    const source: Source = { kind: "photo", id: "p", name: "p", photo: picture({ width: 96, height: 72 }) };
    const { patch, photos } = lessonOf(source);
    expect(patch).toBe(11);
    const [first, ...finer] = photos.map(({ height }) => height);
    expect([first, finer.at(-1)]).toEqual([15, 72]);
    expect(finer).toEqual([...finer].sort((a, b) => a - b));
  });
});

test("middlePatch is in the middle, and holds the photo's pixels", () => {
  const photo = toPlanes(picture({ width: 33, height: 25 }));
  const { seen, ...part } = middlePatch(photo, 11);
  expect(part).toEqual({ left: 11 / 33, top: 7 / 25, width: 11 / 33, height: 11 / 25 });
  expect(seen.data[0]).toBe(photo.data[7 * 33 + 11]);
});

describe("scores as colours", () => {
  const scores = (width: number, height: number, data: readonly number[]) => ({ width, height, data: Float32Array.from(data) });
  test("the centre lies between the maps' averages, whatever their sizes, and outliers do not set the range", () => {
    expect(rangeOf([scores(2, 1, [1, 3]), scores(1, 1, [6])])).toEqual({ centre: 4, reach: 2 });
    const many = Array.from({ length: 99 }, (_, i) => (i % 2 ? 1 : -1));
    const { reach } = rangeOf([scores(100, 1, [...many, 1000])]);
    expect(reach).toBeLessThan(20);
  });
  test("pixels without a score are grey, others have the colour of their side, up to the full one", () => {
    const colours = { low: rgbOf("#d55e00"), high: rgbOf("#0072b2") };
    expect(colours.low).toEqual([213, 94, 0]);
    const white: Rgb8 = { width: 5, height: 3, data: new Uint8Array(45).fill(200) };
    const { data } = overlaid({ picture: white, scores: scores(3, 1, [-9, 4, 5]) }, { centre: 4, reach: 2 }, colours);
    const at = (x: number, y: number) => [...data.subarray(3 * (5 * y + x), 3 * (5 * y + x) + 3)];
    const mixed = (share: number, colour: readonly number[]) => colour.map((v) => Math.round((1 - share) * 200 + share * v));
    expect([at(0, 1), at(4, 1), at(2, 0)]).toEqual(Array(3).fill([200, 200, 200]));
    expect(at(1, 1)).toEqual(mixed(0.85, colours.low));
    expect(at(2, 1)).toEqual([200, 200, 200]);
    expect(at(3, 1)).toEqual(mixed(0.425, colours.high));
  });
});
