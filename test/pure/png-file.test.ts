// PNGs written row by row: decoding returns the written pixels, and rows that do not fit are refused.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { PngFile } from "../../src/cli/png-file.ts";
import { decodePng, encodeLayer, readPng } from "../../src/image/png.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "singan-png-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const noise = (width: number, height: number) => ({
  ...{ width, height },
  data: Uint8Array.from({ length: 3 * width * height }, (_, i) => (Math.imul(i + 1, 0x9e3779b1) >>> 21) & 0xff),
});
const rowsOf = ({ width, data }: ReturnType<typeof noise>, top: number, height: number) => ({
  ...{ width, height },
  data: data.subarray(3 * width * top, 3 * width * (top + height)),
});

it.each([
  [1, 1, 1],
  [7, 5, 2],
  [300, 400, 37],
])("writes %ix%i in bands of %i rows", async (width, height, band) => {
  const path = join(folder, `${width}.png`);
  const picture = noise(width, height);
  const file = new PngFile(path, width, height);
  for (let top = 0; top < height; top += band) await file.add(rowsOf(picture, top, Math.min(band, height - top)));
  await file.end();
  expect(readPng(readFileSync(path))).toEqual(picture);
});

it("refuses rows that are too many, too few or of another width", async () => {
  const file = new PngFile(join(folder, "wrong.png"), 4, 4);
  await expect(file.add(noise(5, 1))).rejects.toThrow("5x1 more does not fit a PNG of 4x4 with 0 rows");
  await file.add(noise(4, 3));
  await expect(file.add(noise(4, 2))).rejects.toThrow("4x2 more does not fit");
  await expect(file.end()).rejects.toThrow("a PNG of 4 rows has only 3");
});

it("writes transparency, as encodeLayer does, also after a file that was given up", async () => {
  const path = join(folder, "layer.png");
  const picture = noise(7, 5);
  const alpha = Uint8Array.from({ length: 35 }, (_, p) => (p * 50) % 256);
  const file = new PngFile(path, 7, 5, true);
  await file.add(rowsOf(picture, 0, 3), alpha.subarray(0, 21));
  await file.add(rowsOf(picture, 3, 2), alpha.subarray(21));
  await file.end();
  expect(decodePng(readFileSync(path))).toEqual({ picture, alpha });
  expect(decodePng(encodeLayer({ picture, alpha }))).toEqual({ picture, alpha });
  expect(decodePng(encodeLayer({ picture, alpha: null }))).toEqual({ picture, alpha: null });
});
