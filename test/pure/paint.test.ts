// The tools of painting: the brush, what can be undone, and the colours of a photo.

import { expect, test } from "vitest";
import { History } from "../../src/demo/features/history.ts";
import { brush } from "../../src/demo/features/paint/brush.ts";
import { isLive, LIVE_MS } from "../../src/demo/features/paint/live.ts";
import { swatchesOf } from "../../src/demo/features/paint/swatches.ts";
import { underpaintingOf } from "../../src/demo/features/paint/underpainting.ts";
import { blank, type Rgb, type Rgb8 } from "../../src/image/planes.ts";

const BLACK: Rgb = [0, 0, 0];
const RED: Rgb = [255, 0, 0];

/** A line of text per row of a picture: `#` for red, `.` for the rest. */
function rows({ width, height, data }: Rgb8): string[] {
  return Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => (data[3 * (y * width + x)] === 255 ? "#" : ".")).join(""),
  );
}

test("the thinnest brush sets one pixel at the middle of a pixel, and leaves no gap in a line", () => {
  const picture = blank(6, 3, BLACK);
  brush(picture, { x: 1.5, y: 1.5 }, { x: 1.5, y: 1.5 }, 1, RED);
  expect(rows(picture)).toEqual(["......", ".#....", "......"]);
  brush(picture, { x: 1.5, y: 1.5 }, { x: 4.5, y: 1.5 }, 1, RED);
  expect(rows(picture)).toEqual(["......", ".####.", "......"]);
});

test("a wide brush sets a disk, and a disk along a line", () => {
  const picture = blank(7, 7, BLACK);
  brush(picture, { x: 3.5, y: 3.5 }, { x: 3.5, y: 3.5 }, 5, RED);
  expect(rows(picture)).toEqual([".......", "..###..", ".#####.", ".#####.", ".#####.", "..###..", "......."]);
  const line = blank(9, 5, BLACK);
  brush(line, { x: 2.5, y: 2.5 }, { x: 6.5, y: 2.5 }, 3, RED);
  expect(rows(line)).toEqual([".........", ".#######.", ".#######.", ".#######.", "........."]);
});

test("what lies outside the picture is left out", () => {
  const picture = blank(4, 3, BLACK);
  brush(picture, { x: -5, y: -5 }, { x: -1, y: 20 }, 1, RED);
  brush(picture, { x: 4.5, y: 1.5 }, { x: 9, y: 1.5 }, 2, RED);
  expect(rows(picture)).toEqual(["....", "...#", "...."]);
});

test("another picture as ink brings its pixels back, exactly where the brush is", () => {
  const start: Rgb8 = { width: 5, height: 4, data: Uint8Array.from({ length: 60 }, (_, i) => i) };
  const picture = blank(5, 4, RED);
  brush(picture, { x: 1.5, y: 1.5 }, { x: 2.5, y: 1.5 }, 1, start);
  const changed = [...picture.data.keys()].filter((i) => picture.data[i] !== RED[i % 3]);
  expect(changed).toEqual([18, 19, 20, 21, 22, 23]);
  expect(changed.map((i) => picture.data[i])).toEqual(changed);
});

test("undo and redo go through the states; a new one forgets those that were undone", () => {
  const history = new History("a", () => true);
  for (const state of ["b", "c", "d"]) history.push(state);
  expect([history.undo(), history.undo(), history.now, history.canRedo]).toEqual([true, true, "b", true]);
  expect([history.redo(), history.now]).toEqual([true, "c"]);
  history.push("e");
  expect([history.redo(), history.now]).toEqual([false, "e"]);
  const back: string[] = [];
  while (history.undo()) back.push(history.now);
  expect(back).toEqual(["c", "b", "a"]);
  expect(history.undo()).toBe(false);
});

test("the history forgets its oldest states when they need too much memory, but never the current one", () => {
  const history = new History(10, (states) => states.reduce((a, b) => a + b, 0) <= 50);
  history.push(20);
  history.push(15);
  expect(history.canUndo).toBe(true);
  history.push(30); // 20 + 15 + 30 is too much, 15 + 30 is not
  expect([history.undo(), history.now, history.undo()]).toEqual([true, 15, false]);
  history.push(1000);
  expect([history.now, history.canUndo]).toEqual([1000, false]);
});

test("the swatches of a photo are its main colours, the most frequent one first, the same every time", () => {
  const data = new Uint8Array(3 * 90 * 60);
  for (let p = 0; p < 90 * 60; p++) data.set(p % 90 < 60 ? [200, 30, 40] : p % 90 < 75 ? [20, 90, 200] : [250, 250, 240], 3 * p);
  const photo = { width: 90, height: 60, data };
  const swatches = swatchesOf(photo);
  expect(swatches.length).toBeLessThanOrEqual(8);
  expect(swatches[0]).toEqual([200, 30, 40]);
  const near = ([r, g, b]: Rgb) => swatches.some((s) => Math.hypot(s[0] - r, s[1] - g, s[2] - b) < 8);
  expect([near([20, 90, 200]), near([250, 250, 240])]).toEqual([true, true]);
  expect(swatchesOf(photo)).toEqual(swatches);
  expect(swatchesOf(blank(30, 30, RED))).toEqual([RED]);
});

test("the pictures of a stroke that goes on are made where the last ones took little time, and one pass at a time", () => {
  expect(isLive(LIVE_MS, false)).toBe(true);
  expect(isLive(LIVE_MS + 1, false)).toBe(false);
  expect(isLive(Number.POSITIVE_INFINITY, false)).toBe(false); // nothing was made yet
  expect(isLive(0, true)).toBe(false);
});

test("the underpainting has the photo's size and colours where they are, without its details", () => {
  // Dark on the left, bright on the right, with a fine pattern all over.
  const [width, height] = [64, 40];
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => {
    const p = Math.floor(i / 3);
    return (p % width < width / 2 ? 60 : 180) + 30 * (p % 2);
  });
  const { width: w, height: h, data: soft } = underpaintingOf({ width, height, data });
  expect([w, h]).toEqual([width, height]);
  const at = (x: number, y: number): number => soft[3 * (y * width + x)]!;
  for (const y of [3, 20, 36]) {
    expect(Math.abs(at(6, y) - 75)).toBeLessThan(12);
    expect(Math.abs(at(57, y) - 195)).toBeLessThan(12);
    for (let x = 1; x < width; x++) expect(Math.abs(at(x, y) - at(x - 1, y))).toBeLessThan(15); // no pattern, no edge
  }
});
