// What the pointer and the number fields of the page's tools do to rectangles and objects, and their Undo.

import { expect, test } from "vitest";
import { Edits } from "../../src/demo/features/edit/edits.ts";
import * as geometry from "../../src/demo/features/geometry.ts";
import { cornersOf } from "../../src/image/placement.ts";
import type { Rgb8 } from "../../src/image/planes.ts";
import { outlineOf } from "../../src/image/region.ts";

const SIZE = { width: 40, height: 30 };

test("a rectangle between two points has whole pixels, in any direction, inside the picture", () => {
  const rect = { x: 4, y: 5, width: 6, height: 7 };
  expect(geometry.rectBetween({ x: 4.2, y: 4.9 }, { x: 10.4, y: 12.1 }, SIZE)).toEqual(rect);
  expect(geometry.rectBetween({ x: 10, y: 5 }, { x: 4, y: 12 }, SIZE)).toEqual(rect);
  expect(geometry.rectBetween({ x: -9, y: -9 }, { x: 99, y: 99 }, SIZE)).toEqual({ ...SIZE, x: 0, y: 0 });
  expect(geometry.rectBetween({ x: 4, y: 5 }, { x: 4.3, y: 12 }, SIZE)).toBeNull();
  expect(geometry.insidePicture({ x: 30, y: 20, width: 30, height: 5 }, SIZE)).toEqual({ x: 30, y: 20, width: 10, height: 5 });
  expect(geometry.insidePicture({ x: 50, y: 20, width: 30, height: 5 }, SIZE)).toBeNull();
});

test("a corner scales a rectangle: the opposite one stays, and so do the proportions", () => {
  const rect = { x: 10, y: 10, width: 8, height: 4 };
  expect(geometry.scaledRect(rect, 2, { x: 26, y: 18 })).toEqual({ x: 10, y: 10, width: 16, height: 8 });
  expect(geometry.scaledRect(rect, 0, { x: 14, y: 12 })).toEqual({ x: 14, y: 12, width: 4, height: 2 });
  expect(geometry.scaledRect(rect, 1, { x: 10, y: 14 })).toEqual({ x: 10, y: 13, width: 1, height: 1 });
});

test("the nearest corner within reach", () => {
  const corners = outlineOf({ x: 0, y: 0, width: 10, height: 10 });
  expect(geometry.cornerAt(corners, { x: 9, y: 1 }, 3)).toBe(1);
  expect(geometry.cornerAt(corners, { x: 5, y: 5 }, 3)).toBeNull();
});

test("an outline follows its rectangle", () => {
  const from = { x: 2, y: 2, width: 4, height: 4 };
  const to = { x: 10, y: 0, width: 8, height: 2 };
  expect(geometry.onRect([{ x: 4, y: 3 }], from, to)).toEqual([{ x: 14, y: 0.5 }]);
});

test("an object begins in the middle, is scaled round it, and turns to the pointer", () => {
  const placement = geometry.placedInMiddle({ width: 100, height: 50 }, SIZE);
  expect(placement).toEqual({ x: 20, y: 15, width: 15, height: 7.5, angle: 0 });
  expect(geometry.scaledBy(placement, { x: 24, y: 15 }, { x: 28, y: 15 })).toEqual({ ...placement, width: 30, height: 15 });
  const angles = [
    [20, 0, 0],
    [30, 15, 90],
    [20, 30, 180],
    [10, 15, -90],
  ] as const;
  for (const [x, y, angle] of angles) expect(geometry.turnedTo(placement, { x, y }).angle).toBe(angle);
  const turned = { ...placement, angle: 90 };
  expect(geometry.turnerOf(turned, 5, SIZE).x).toBeCloseTo(20 + 3.75 + 5, 9);
  // Beyond the picture's edge nobody could press it.
  expect(geometry.turnerOf({ ...placement, y: 6 }, 5, SIZE)).toEqual({ x: 20, y: 6 - 7.5 / 2 + 7.5 / 3 });
  expect(geometry.turnerOf({ ...placement, y: 2, height: 20 }, 5, SIZE)).toEqual({ x: 20, y: 0 });
  expect(geometry.turnerOf({ ...turned, x: 34, height: 12 }, 2, SIZE).x).toBeCloseTo(34 + 6 - 2, 9);
  expect(geometry.isInPlacement({ x: 20, y: 22 }, turned)).toBe(true);
  expect(geometry.isInPlacement({ x: 27, y: 15 }, turned)).toBe(false);
  expect(cornersOf(turned)[0]!.x).toBeCloseTo(23.75, 9);
  expect(cornersOf(turned)[0]!.y).toBeCloseTo(7.5, 9);
});

test("several edits in a row: each part is taken from the result of those before, and the masks add up", () => {
  const photo: Rgb8 = { width: 12, height: 1, data: Uint8Array.from({ length: 36 }, (_, i) => 20 * Math.floor(i / 3)) };
  const square = (x: number) => outlineOf({ x, y: 0, width: 1, height: 1 });
  const reds = ({ result }: Edits) => [...result.picture.data].filter((_, i) => i % 3 === 0);
  const begun = Edits.of(photo).take(square(1), true);
  expect(begun.isChanged).toBe(false);
  expect(begun.result.picture).toBe(photo);
  const once = begun.put({ x: 5, y: 0, width: 1, height: 1 }, true);
  const twice = once.take(square(5), true).put({ x: 9, y: 0, width: 1, height: 1 }, true);
  expect(reds(twice)).toEqual([0, 20, 40, 60, 80, 20, 120, 140, 160, 20, 200, 220]);
  expect([...twice.result.mask.data]).toEqual([0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0]);
  expect(once.outline).toEqual(square(5));
  expect(once.take([], true).taken).toBeNull();
  expect(once.isChanged).toBe(true);
});
