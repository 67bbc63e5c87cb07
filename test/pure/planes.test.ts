// Conversion of 8-bit pixels to float planes and back, cropping, and contact sheets.
// All 256 levels are checked.

import { describe, expect, it } from "vitest";
import {
  channelsOf,
  crop,
  flattened,
  inChannels,
  type Layer,
  type Planes,
  photoPlanes,
  type Rgb8,
  sheet,
  toLayer,
  toPlanes,
  toRgb8,
} from "../../src/image/planes.ts";

const allLevels: Rgb8 = { width: 16, height: 16, data: Uint8Array.from({ length: 768 }, (_, i) => (i * 85 + 3) % 256) };

const flat = (width: number, height: number, rgb: readonly number[]): Rgb8 => ({
  width,
  height,
  data: Uint8Array.from({ length: 3 * width * height }, (_, i) => rgb[i % 3]!),
});

const pixel = (picture: Rgb8, x: number, y: number): number[] =>
  Array.from(picture.data.subarray(3 * (y * picture.width + x)).subarray(0, 3));

describe("toPlanes and toRgb8", () => {
  it("maps 0..255 onto [-1,1], channel planes one after the other", () => {
    const planes = toPlanes({ width: 2, height: 1, data: Uint8Array.of(0, 255, 51, 255, 0, 204) });
    expect(Array.from(planes.data)).toEqual([-1, 1, 1, -1, Math.fround(-0.6), Math.fround(0.6)].map((v) => expect.closeTo(v, 6)));
    expect([planes.data[0], planes.data[1]]).toEqual([-1, 1]);
  });

  it("gives every level back", () => {
    expect(new Set(allLevels.data).size).toBe(256);
    expect(toRgb8(toPlanes(allLevels))).toEqual(allLevels);
  });

  it("rounds to the nearest level and clamps", () => {
    const at = (level: number) => (level / 255) * 2 - 1;
    const data = Float32Array.of(at(99.6), at(100.4), -3, 3, Number.NaN, 0);
    expect(Array.from(toRgb8({ width: 2, height: 1, data }).data)).toEqual([100, 0, 0, 100, 255, 128]);
  });
});

describe("channels of a photo", () => {
  const grey: Rgb8 = { width: 16, height: 16, data: Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3)) };
  const alpha = Uint8Array.from({ length: 256 }, (_, p) => 255 - p);
  const layer: Layer = { picture: allLevels, alpha };

  it("are one where it is grey, three where it has colours, and four with transparency", () => {
    const count = (picture: Rgb8, opacity: Uint8Array | null = null) => channelsOf(photoPlanes({ picture, alpha: opacity }));
    expect([count(grey), count(allLevels), count(allLevels, alpha), count(grey, alpha)]).toEqual([1, 3, 4, 4]);
    expect(toRgb8(photoPlanes({ picture: grey, alpha: null }))).toEqual(grey);
    const nearlyGrey = { ...grey, data: grey.data.map((v, i) => (i === 767 ? v - 1 : v)) };
    expect(count(nearlyGrey)).toBe(3);
  });

  it("with transparency, the colours are those on white, and come back as far as alpha lets them", () => {
    const planes = photoPlanes(layer);
    expect(toRgb8(planes)).toEqual(flattened(layer));
    const back = toLayer(planes);
    expect(back.alpha).toEqual(alpha);
    const seen = flattened(back).data.map((v, i) => Math.abs(v - flattened(layer).data[i]!));
    expect(Math.max(...seen)).toBe(0);
    const sharp = back.picture.data.map((v, i) => Math.abs(v - allLevels.data[i]!) * (alpha[Math.floor(i / 3)]! / 255));
    expect(Math.max(...sharp)).toBeLessThanOrEqual(1);
    expect(toLayer(toPlanes(allLevels))).toEqual({ picture: allLevels, alpha: null });
  });

  it("change: colours to grey by their brightness, grey to colours, and alpha can be left out", () => {
    const one = photoPlanes({ picture: grey, alpha: null });
    expect(toRgb8(inChannels(one, 3))).toEqual(grey);
    expect(toRgb8(inChannels(toPlanes(grey), 1))).toEqual(grey);
    const green = inChannels(toPlanes(flat(1, 1, [0, 255, 0])), 1);
    expect(green.data[0]).toBeCloseTo(2 * 0.587 - 1, 6);
    expect(inChannels(photoPlanes(layer), 3)).toEqual(toPlanes(flattened(layer)));
  });
});

describe("crop", () => {
  const numbered: Planes = { width: 4, height: 3, data: Float32Array.from({ length: 36 }, (_, i) => i) };

  it("cuts the same rectangle out of all channels", () => {
    expect(crop(numbered, 1, 1, 2, 2)).toEqual({
      width: 2,
      height: 2,
      data: Float32Array.of(5, 6, 9, 10, 17, 18, 21, 22, 29, 30, 33, 34),
    });
    expect(crop(numbered, 0, 0, 4, 3)).toEqual(numbered);
  });

  it.each([
    [-1, 0, 2, 2],
    [0, 2, 2, 2],
    [3, 0, 2, 2],
    [0, 0, 0, 1],
  ])("refuses (%i, %i) %i x %i of 4x3", (left, top, width, height) => {
    expect(() => crop(numbered, left, top, width, height)).toThrow(RangeError);
  });
});

describe("sheet", () => {
  const [red, green, blue] = [[200, 0, 0] as const, [0, 200, 0] as const, [0, 0, 200] as const];
  const grey = [9, 9, 9] as const;

  it("enlarges by whole factors to the largest cell, centres, and fills the rest with the background", () => {
    const rows = [[flat(2, 2, red), flat(5, 4, green)], [flat(1, 3, blue)]];
    const got = sheet(rows, { gap: 1, background: grey });
    expect([got.width, got.height]).toEqual([1 + 2 * 6, 1 + 2 * 5]);
    const map = Array.from({ length: got.height }, (_, y) =>
      Array.from(
        { length: got.width },
        (_, x) => ".RGB"[[grey, red, green, blue].findIndex((c) => `${c}` === `${pixel(got, x, y)}`)],
      ).join(""),
    );
    expect(map).toEqual([
      ".............",
      ".RRRR..GGGGG.", // 2x2 is doubled to 4x4, which leaves one column of the 5x4 cell
      ".RRRR..GGGGG.",
      ".RRRR..GGGGG.",
      ".RRRR..GGGGG.",
      ".............",
      "...B.........", // 1x3 does not fit twice
      "...B.........",
      "...B.........",
      ".............",
      ".............",
    ]);
  });

  it("repeats pixels, inventing none", () => {
    const small: Rgb8 = { width: 2, height: 1, data: Uint8Array.of(1, 2, 3, 4, 5, 6) };
    const got = sheet([[small, flat(4, 2, grey)]], { gap: 0 });
    expect([0, 1, 2, 3].map((x) => pixel(got, x, 1))).toEqual([
      [1, 2, 3],
      [1, 2, 3],
      [4, 5, 6],
      [4, 5, 6],
    ]);
  });

  it("refuses to be empty", () => {
    expect(() => sheet([[]])).toThrow(RangeError);
  });
});
