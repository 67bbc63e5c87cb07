// Parts of a picture: outlines as masks, parts put elsewhere, and cut-out pictures placed at any size and angle.

import { expect, test } from "vitest";
import type { Mask } from "../../src/image/mask.ts";
import { type Cutout, over, placed } from "../../src/image/placement.ts";
import type { Rgb8, Size } from "../../src/image/planes.ts";
import { boundsOf, cut, filled, maskOfOutline, outlineOf, Part, type Rect } from "../../src/image/region.ts";

/** No two pixels have one colour. */
const speckled = (width: number, height: number): Rgb8 => ({
  width,
  height,
  data: Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 37 + (i % 3) * 11) % 256),
});
const pixel = ({ width, data }: Rgb8, x: number, y: number): number[] => [
  ...data.slice(3 * (y * width + x), 3 * (y * width + x) + 3),
];
const rows = ({ width, height, data }: Mask): string[] =>
  Array.from({ length: height }, (_, y) => [...data.slice(y * width, (y + 1) * width)].map((v) => (v > 0 ? "#" : ".")).join(""));
const maskOf = (size: Size, rect: Rect): Mask => maskOfOutline(size, outlineOf(rect));

test("a rectangle's mask has its pixels, also where it goes beyond the picture", () => {
  const size = { width: 5, height: 3 };
  expect(rows(maskOf(size, { x: 1, y: 1, width: 3, height: 1 }))).toEqual([".....", ".###.", "....."]);
  expect(rows(maskOf(size, { x: -2, y: -1, width: 4, height: 3 }))).toEqual(["##...", "##...", "....."]);
  expect(rows(maskOf(size, { x: 7, y: 0, width: 4, height: 3 }))).toEqual([".....", ".....", "....."]);
});

test("a lasso's mask has the pixels whose middle is inside; what it goes round twice is inside, too", () => {
  const triangle = [
    { x: 0, y: 0 },
    { x: 4, y: 0 },
    { x: 0, y: 4 },
  ];
  expect(rows(maskOfOutline({ width: 4, height: 4 }, triangle))).toEqual(["###.", "##..", "#...", "...."]);
  const square = outlineOf({ x: 0, y: 0, width: 3, height: 3 });
  expect(rows(maskOfOutline({ width: 4, height: 3 }, [...square, ...square]))).toEqual(["###.", "###.", "###."]);
  expect(maskOfOutline({ width: 4, height: 4 }, []).data.every((v) => v === 0)).toBe(true);
});

test("the bounds of a mask", () => {
  const rect = { x: 1, y: 2, width: 3, height: 1 };
  expect(boundsOf(maskOf({ width: 6, height: 4 }, rect))).toEqual(rect);
  expect(boundsOf(maskOf({ width: 6, height: 4 }, { ...rect, x: 9 }))).toBeNull();
});

test("a moved part is copied to the bit, its hole takes the colours around it, and the mask has both places", () => {
  const picture = speckled(12, 8);
  const from = { x: 1, y: 1, width: 3, height: 2 };
  const part = Part.of(picture, maskOf(picture, from))!;
  const to = { ...from, x: 7, y: 4 };
  const moved = part.put(to, false);
  const hole = filled(picture, maskOf(picture, from));
  for (let y = 0; y < 8; y++) {
    for (let x = 0; x < 12; x++) {
      const [u, v] = [x - to.x, y - to.y];
      const isInTo = u >= 0 && v >= 0 && u < 3 && v < 2;
      expect(pixel(moved.picture, x, y)).toEqual(isInTo ? pixel(picture, from.x + u, from.y + v) : pixel(hole, x, y));
    }
  }
  expect(rows(moved.mask)).toEqual([
    "............",
    ".###........",
    ".###........",
    "............",
    ".......###..",
    ".......###..",
    "............",
    "............",
  ]);
  const copied = part.put(to, true);
  expect(pixel(copied.picture, 2, 2)).toEqual(pixel(picture, 2, 2));
  expect(rows(copied.mask)[1]).toBe("............");
  expect(part.put(from, false).picture).toBe(picture);
});

test("only what a lasso has taken is moved", () => {
  const picture = speckled(10, 6);
  const triangle = maskOfOutline(picture, [
    { x: 0, y: 0 },
    { x: 5, y: 0 },
    { x: 0, y: 5 },
  ]);
  const part = Part.of(picture, triangle)!;
  const { mask } = part.put({ ...part.bounds, x: part.bounds.x + 5 }, true);
  expect(rows(mask).map((row) => row.slice(5))).toEqual(rows(triangle).map((row) => row.slice(0, 5)));
});

test("a scaled part covers its rectangle, and one of one colour keeps the colour", () => {
  const picture = { ...speckled(20, 20), data: new Uint8Array(1200).fill(90) };
  const part = Part.of(picture, maskOf(picture, { x: 2, y: 2, width: 4, height: 4 }))!;
  for (const to of [
    { x: 8, y: 8, width: 9, height: 6 },
    { x: 10, y: 3, width: 2, height: 1 },
  ]) {
    const { picture: scaled, mask } = part.put(to, false);
    expect([...new Set(scaled.data)]).toEqual([90]);
    for (let y = to.y; y < to.y + to.height; y++)
      for (let x = to.x; x < to.x + to.width; x++) expect(mask.data[20 * y + x]).toBe(1);
  }
});

test("a hole takes the nearest colours around it: between black and white it is grey, and darker near the black", () => {
  const width = 9;
  const data = Uint8Array.from({ length: 27 }, (_, i) => (i < 3 ? 0 : 255));
  const hole = maskOf({ width, height: 1 }, { x: 1, y: 0, width: 7, height: 1 });
  const { data: result } = filled({ width, height: 1, data }, hole);
  const reds = [...result].filter((_, i) => i % 3 === 0);
  expect(reds[0]).toBe(0);
  expect(reds[8]).toBe(255);
  expect(reds[4]).toBe(128);
  expect(reds).toEqual([...reds].sort((a, b) => a - b));
});

const cutoutOf = (picture: Rgb8, alpha = 1): Cutout => ({
  picture,
  alpha: { width: picture.width, height: picture.height, data: new Float32Array(picture.width * picture.height).fill(alpha) },
});

test("an object at its own size is an exact copy; a quarter turn turns it clockwise", () => {
  const object = speckled(3, 2);
  const size = { width: 8, height: 8 };
  const plain = placed(cutoutOf(object), { x: 3.5, y: 3, width: 3, height: 2, angle: 0 }, size);
  expect(rows(plain.alpha).slice(1, 5)).toEqual(["........", "..###...", "..###...", "........"]);
  for (let y = 0; y < 2; y++) for (let x = 0; x < 3; x++) expect(pixel(plain.picture, 2 + x, 2 + y)).toEqual(pixel(object, x, y));
  const turned = placed(cutoutOf(object), { x: 4, y: 3.5, width: 3, height: 2, angle: 90 }, size);
  expect(rows(turned.alpha).slice(1, 6)).toEqual(["........", "...##...", "...##...", "...##...", "........"]);
  // Its upper left pixel is on the upper right now.
  for (let y = 0; y < 2; y++)
    for (let x = 0; x < 3; x++) expect(pixel(turned.picture, 4 - y, 2 + x)).toEqual(pixel(object, x, y));
});

test("a reduced object is the mean of its pixels; what is transparent has no influence on colours", () => {
  const board: Rgb8 = { width: 16, height: 16, data: new Uint8Array(768) };
  const alpha = new Float32Array(256);
  for (let p = 0; p < 256; p++) {
    const isOpaque = (p + Math.floor(p / 16)) % 2 === 0;
    alpha[p] = Number(isOpaque);
    board.data.set(isOpaque ? [200, 100, 40] : [0, 255, 255], 3 * p);
  }
  const object = { picture: board, alpha: { width: 16, height: 16, data: alpha } };
  const { picture, alpha: share } = placed(object, { x: 2, y: 2, width: 4, height: 4, angle: 0 }, { width: 4, height: 4 });
  for (let p = 0; p < 16; p++) {
    expect([...picture.data.slice(3 * p, 3 * p + 3)]).toEqual([200, 100, 40]);
    expect(share.data[p]).toBeCloseTo(0.5, 6);
  }
});

test("an object over a picture: opaque, half transparent, and beside it", () => {
  const below = cutoutOf({ width: 3, height: 1, data: new Uint8Array(9).fill(100) }).picture;
  const object: Cutout = {
    picture: { width: 3, height: 1, data: new Uint8Array(9).fill(200) },
    alpha: { width: 3, height: 1, data: Float32Array.of(1, 0.5, 0) },
  };
  expect([...over(below, object).data]).toEqual([200, 200, 200, 150, 150, 150, 100, 100, 100]);
});

test("an object is cropped to what is not transparent", () => {
  const picture = speckled(6, 5);
  const found = cut(picture, maskOf(picture, { x: 2, y: 1, width: 3, height: 2 }))!;
  expect(found.bounds).toEqual({ x: 2, y: 1, width: 3, height: 2 });
  expect(pixel(found.cutout.picture, 1, 1)).toEqual(pixel(picture, 3, 2));
  expect(found.cutout.alpha.data).toEqual(new Float32Array(6).fill(1));
});
