// Masks, palettes and labels. Pixels outside a mask keep their exact bits.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { decodeLayer } from "../../src/image/decode.ts";
import { labelledSheet, lineOfText } from "../../src/image/labels.ts";
import { blend, blur, dilate, type Mask, maskOfDifference, maskOfPicture, pictureOfMask, soften } from "../../src/image/mask.ts";
import { flattened, type Planes, toPlanes, toRgb8 } from "../../src/image/planes.ts";
import { readPng } from "../../src/image/png.ts";
import { isStretched } from "../../src/singan/generation/applications/inject.ts";
import { paletteOf, quantized } from "../../src/singan/model/palette.ts";
import { FAULTS } from "../picture-cases.ts";
import { tinyPhoto } from "../tiny-training.ts";

const maskOf = (width: number, height: number, set: (x: number, y: number) => boolean): Mask => ({
  ...{ width, height },
  data: Float32Array.from({ length: width * height }, (_, p) => Number(set(p % width, Math.floor(p / width)))),
});

/** Encodes and decodes as a JPEG of quality 75 with colours averaged over 2x2 pixels, which is what most programs write. */
async function throughJpeg(picture: Planes): Promise<Planes> {
  const { width, height, data } = toRgb8(picture);
  const jpeg = await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 75 })
    .toBuffer();
  return toPlanes(flattened(await decodeLayer(jpeg)));
}
const key = Uint32Array.of(1, 0, 2, 3);

describe("a mask", () => {
  it.each([
    [
      "lighter than half, whatever its colour",
      [127, 127, 127, 128, 128, 128, 255, 0, 0, 0, 255, 0, 3, 2, 1, 250, 252, 251],
      [0, 1, 1, 1, 0, 1],
    ],
    ["not black, if all of it is darker: values 0 and 1", [0, 0, 0, 1, 1, 1], [0, 1]],
    ["not black, if all of it is darker: numbers of classes", [0, 0, 0, 1, 1, 1, 2, 2, 2, 0, 0, 127], [0, 1, 1, 1]],
    ["nowhere, if it is black", [0, 0, 0, 0, 0, 0], [0, 0]],
  ])("is set where a picture is %s", (_, values, expected) => {
    const picture = { width: expected.length, height: 1, data: Uint8Array.from(values) };
    expect([...maskOfPicture(picture).data]).toEqual(expected);
  });

  it.each([
    ["mask-255.png", "mask-values-0-1.png"],
    ["mask-255.png", "mask-pure-red.png"],
  ])("is the same from %s and %s", async (one, other) => {
    const [a, b] = await Promise.all(
      [one, other].map(async (name) => maskOfPicture(flattened(await decodeLayer(readFileSync(join(FAULTS, name)))))),
    );
    expect(a).toEqual(b);
    expect(new Set(a!.data)).toEqual(new Set([0, 1]));
  });

  it("is where a picture differs by more than JPEG does", () => {
    const photo = tinyPhoto(30, 20);
    const noisy = { ...photo, data: photo.data.map((v, i) => v + 0.08 * Math.sin(7 * i)) };
    expect(maskOfDifference(photo, noisy).data.every((v) => v === 0)).toBe(true);
    const moved = { ...photo, data: photo.data.map((v, i) => (i % 30 >= 10 && i % 30 < 20 ? v + 0.5 : v)) };
    const found = maskOfDifference(photo, moved);
    expect([found.data[5 * 30 + 5], found.data[5 * 30 + 15]]).toEqual([0, 1]);
    expect(() => maskOfDifference(photo, tinyPhoto(31, 20))).toThrow("30x20 and 31x20 can't be compared");
  });

  it("tells a moved patch, or another hue of the same luma, from JPEG in the most colourful photo", async () => {
    const photo = toPlanes(readPng(readFileSync(join(import.meta.dirname, "../../photos/citrus.png"))));
    expect(maskOfDifference(await throughJpeg(photo), photo).data.filter((v) => v === 1)).toHaveLength(0);
    const area = photo.width * photo.height;
    const isInside = (i: number) => i % 256 >= 160 && i % 256 < 224 && Math.floor((i % area) / 256) >= 80;
    const patched = async (value: (v: number, i: number) => number): Promise<Mask> =>
      maskOfDifference(await throughJpeg({ ...photo, data: photo.data.map((v, i) => (isInside(i) ? value(v, i) : v)) }), photo);
    // 0.299·0.3 = 0.114·0.787: more red and less blue with the same luma.
    for (const { data } of [
      await patched((_, i) => photo.data[i - 128]!),
      await patched((v, i) => v + (i < area ? 0.3 : i < 2 * area ? 0 : -0.787)),
    ]) {
      const set = [...data.keys()].filter((p) => data[p] === 1);
      const inside = set.filter((p) => isInside(p)).length;
      expect(inside / (64 * (photo.height - 80))).toBeGreaterThan(0.75);
      // The means over 7x7 pixels reach three pixels beyond the patch, and JPEG's blocks reach seven.
      for (const p of set) expect(p % 256 > 149 && p % 256 < 234 && Math.floor(p / 256) > 69).toBe(true);
    }
  });

  it("grows by a disk", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 14 }), fc.integer({ min: 0, max: 10 }), fc.integer({ min: 0, max: 6 }), (x, y, r) => {
        const grown = dilate(
          maskOf(15, 11, (i, j) => i === x && j === y),
          r,
        );
        return grown.data.every((v, p) => v === Number(((p % 15) - x) ** 2 + (Math.floor(p / 15) - y) ** 2 <= r * r));
      }),
    );
  });

  it("blurs to a Gaussian of the same sum inside, and is exactly 0 beyond four deviations", () => {
    const { data } = blur(
      maskOf(81, 61, (x, y) => x === 40 && y === 30),
      2,
    );
    expect(data.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
    expect(data[30 * 81 + 42]! / data[30 * 81 + 40]!).toBeCloseTo(Math.exp(-0.5), 5);
    expect(data[30 * 81 + 49]).toBe(0);
    expect(
      blur(
        maskOf(9, 9, () => true),
        3,
      ).data.every((v) => Math.abs(v - 1) < 1e-6),
    ).toBe(true);
  });

  it("becomes soft: radius and σ as the official code's at 250 px, in proportion elsewhere; 0 far away and 1 inside", () => {
    for (const [width, share] of [
      [250, 1],
      [125, 0.5],
    ] as const) {
      const soft = soften(
        maskOf(width, width, (x, y) => x === width / 2 - 0.5 * (width % 2) && y === x),
        20,
      );
      const centre = Math.floor(width / 2 - 0.5 * (width % 2));
      const at = (distance: number) => soft.data[centre * width + centre + Math.round(distance * share)] ?? 0;
      expect(at(0)).toBeCloseTo(1, 1);
      expect(at(20)).toBeGreaterThan(0.3);
      expect(at(20)).toBeLessThan(0.6);
      expect(at(42)).toBe(0);
    }
  });

  it("is refused where it is empty, and stays full where it is full, or full once widened", () => {
    expect(() =>
      soften(
        maskOf(20, 20, () => false),
        7,
      ),
    ).toThrow("the mask is empty, so nothing would change");
    const all = maskOf(20, 20, () => true);
    expect(soften(all, 7)).toEqual(all);
    const dense = maskOf(250, 40, (x) => x % 20 === 0);
    expect(soften(dense, 40)).toEqual(maskOf(250, 40, () => true));
  });

  it("leaves the photo's pixels as they are outside, to the last bit", () => {
    const photo = toPlanes(toRgb8(tinyPhoto(60, 50)));
    const other: Planes = { ...photo, data: photo.data.map((_, i) => Math.sin(i)) };
    const mask = soften(
      maskOf(60, 50, (x, y) => x > 40 && y > 30),
      7,
    );
    const { data } = blend(photo, other, mask);
    const area = 60 * 50;
    const outside = mask.data.filter((v) => v === 0).length;
    expect(outside).toBeGreaterThan(500);
    data.forEach((v, i) => {
      if (mask.data[i % area] === 0) expect(Object.is(v, photo.data[i])).toBe(true);
    });
    expect(data).not.toEqual(photo.data);
    expect(pictureOfMask(mask).data).toHaveLength(3 * area);
    expect(() => blend(photo, tinyPhoto(9, 9), mask)).toThrow("a mask of 60x50 does not fit a picture of 9x9");
  });
});

describe("a palette", () => {
  const coloured = (colours: readonly (readonly number[])[], width: number): Planes => {
    const data = new Float32Array(3 * width * 4);
    for (let p = 0; p < width * 4; p++)
      for (let c = 0; c < 3; c++) data[c * width * 4 + p] = colours[p % colours.length]![c]! + 0.01 * Math.sin(p + c);
    return { width, height: 4, data };
  };

  it("finds the colours of a picture of few, as RGB triples", () => {
    const colours = [
      [-0.8, -0.8, 0.6],
      [0.9, 0.9, 0.9],
      [0.1, -0.5, -0.5],
      [-0.9, 0.7, -0.9],
      [0.8, 0.1, -0.9],
    ];
    const palette = paletteOf(coloured(colours, 40), key);
    for (const colour of colours) {
      const near = [0, 1, 2, 3, 4].map((k) => Math.hypot(...colour.map((v, c) => v - palette[3 * k + c]!)));
      expect(Math.min(...near)).toBeLessThan(0.01);
    }
    expect(paletteOf(coloured(colours, 40), key)).toEqual(palette);
  });

  it("has fewer colours than asked where the picture has", () => {
    const flat: Planes = { width: 4, height: 4, data: new Float32Array(48).fill(0.25) };
    expect([...paletteOf(flat, key)]).toEqual([0.25, 0.25, 0.25]);
  });

  it("takes every pixel to the nearest of its colours", () => {
    const palette = Float32Array.of(-1, -1, -1, 1, 1, 1);
    const picture = tinyPhoto(8, 6);
    const { data } = quantized(picture, palette);
    for (let p = 0; p < 48; p++) {
      const sum = picture.data[p]! + picture.data[48 + p]! + picture.data[96 + p]!;
      expect([data[p], data[48 + p], data[96 + p]]).toEqual(sum > 0 ? [1, 1, 1] : [-1, -1, -1]);
    }
  });
});

describe("labels", () => {
  it("are lines of dots as wide as asked, or as the text", () => {
    const line = lineOfText("scale 1", 1, 10);
    expect([line.width, line.height]).toEqual([42, 13]);
    expect(line.data.some((v) => v < 100)).toBe(true);
    expect(lineOfText("§", 2, 100)).toMatchObject({ width: 100, height: 26, data: new Uint8Array(3 * 100 * 26).fill(255) });
  });

  it("stand above enlarged pictures", () => {
    const picture = toRgb8(tinyPhoto(20, 10));
    const { width, height } = labelledSheet(
      [
        [
          { picture, label: "a" },
          { picture, label: "b" },
        ],
      ],
      60,
    );
    expect([width, height]).toEqual([4 + 2 * (60 + 4), 4 + 13 + 30 + 4]);
  });
});

it.each([
  ["the photo, reduced and rounded up", [250, 188], [64, 49], false],
  ["the photo, very small", [274, 150], [27, 15], false],
  ["a square for a photo of 4:3", [100, 100], [64, 48], true],
  ["5 % too wide", [210, 100], [200, 100], true],
  ["the photo, one side of 43.008 rounded up to 44", [250, 168], [64, 44], false],
  ["the same the other way round", [64, 44], [250, 168], false],
  ["a row of pixels", [100, 1], [64, 44], true],
] as const)("tells a picture that is stretched: %s", (_, [w, h], [width, height], expected) => {
  expect(isStretched({ width: w, height: h }, { width, height })).toBe(expected);
});
