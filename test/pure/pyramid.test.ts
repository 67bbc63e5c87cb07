// Number and sizes of scales: worked examples, the official code's recorded sizes, and properties that hold for any picture.
// The official sizes depend on the last bit of pow. Ours round up only if the fraction exceeds 1e-6, so some differ, as noted below.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Planes, type Size, toPlanes } from "../../src/image/planes.ts";
import { imresize } from "../../src/image/resample.ts";
import { buildPyramid, PyramidError, type PyramidSettings, pyramidSizes } from "../../src/singan/model/pyramid.ts";

const heightByWidth = (sizes: readonly Size[]): string => sizes.map(({ width, height }) => `${height}x${width}`).join(" ");
const shortSides = (width: number, height: number): number[] =>
  pyramidSizes({ width, height }).sizes.map((size) => Math.min(size.width, size.height));

describe("worked examples (coarsest 25 where the official code has 26)", () => {
  it("384 wide, 256 high", () => {
    const pyramid = pyramidSizes({ width: 384, height: 256 });
    expect(heightByWidth(pyramid.sizes)).toBe("25x38 32x48 41x61 51x77 65x97 82x123 104x156 132x198 167x250");
    expect(pyramid.stopScale).toBe(8);
    expect(pyramid.scale1).toBeCloseTo(0.651041667, 9);
    expect(pyramid.scaleFactor).toBeCloseTo(0.7886838398, 10);
  });

  it("250 wide, 188 high, and turned", () => {
    const pyramid = pyramidSizes({ width: 250, height: 188 });
    expect(heightByWidth(pyramid.sizes)).toBe("25x34 32x42 40x53 49x66 62x82 77x102 96x128 121x160 151x200 188x250");
    expect(pyramid).toMatchObject({ stopScale: 9, scale1: 1, scaleFactor: expect.closeTo(0.7991760534, 10) });
    const turned = pyramidSizes({ width: 188, height: 250 });
    expect(turned.sizes).toEqual(pyramid.sizes.map(({ width, height }) => ({ width: height, height: width })));
  });

  it.each([
    [250, 250, [25, 32, 40, 50, 63, 80, 100, 126, 158, 199, 250]],
    [256, 256, [25, 33, 42, 54, 70, 90, 117, 150, 194, 250]],
    [512, 512, [25, 33, 42, 54, 70, 90, 117, 150, 194, 250]],
    [64, 64, [25, 31, 37, 44, 54, 64]],
    [100, 100, [25, 32, 40, 50, 63, 80, 100]], // 100·(1/4)^(3/6) is 50; CPython has 51 by one unit in the last place
  ])("%ix%i", (width, height, want) => {
    expect(shortSides(width, height)).toEqual(want);
  });

  it("1000 wide, 250 high: only 6 scales", () => {
    const { sizes, scaleFactor } = pyramidSizes({ width: 1000, height: 250 });
    expect([sizes.length, sizes[0], sizes[5]]).toEqual([6, { width: 100, height: 25 }, { width: 250, height: 63 }]);
    expect(1 / scaleFactor).toBeCloseTo(1.203, 3);
  });

  it("a long side of 297, 309, 380 or 390 becomes 250, though a plain ceiling makes it 251", () => {
    for (const width of [297, 309, 380, 390]) {
      expect(pyramidSizes({ width, height: 200 }).sizes.at(-1)!.width).toBe(250);
      expect(Math.ceil(width * (250 / width))).toBe(251);
    }
  });
});

describe("the official code's recorded sizes (d_scales.json)", () => {
  interface Recorded {
    h: number;
    w: number;
    min_size: number;
    max_size: number;
    scale_factor_init: number;
    stop_scale: number;
    scale1: number;
    scale_factor: number;
    real_size: [number, number];
    sizes: [number, number][];
  }
  const all: Recorded[] = JSON.parse(readFileSync(new URL("../golden/d_scales.json", import.meta.url), "utf8"));
  const settings = (r: Recorded): PyramidSettings => ({
    width: r.w,
    height: r.h,
    minSize: r.min_size,
    maxSize: r.max_size,
    scaleFactor: r.scale_factor_init,
  });

  it.each(all.map((r) => [`${r.w}x${r.h} between ${r.min_size} and ${r.max_size}`, r] as const))("%s", (_, r) => {
    const want = r.sizes.map(([height, width]) => `${height}x${width}`);
    const got = pyramidSizes(settings(r));
    expect(got).toMatchObject({ stopScale: r.stop_scale, scale1: r.scale1, scaleFactor: expect.closeTo(r.scale_factor, 14) });
    // Scale 0 is minSize here. In the official code rounding may make it 1 larger. All other scales agree.
    expect(heightByWidth(got.sizes.slice(1))).toBe(want.slice(1).join(" "));
    const [coarsest, recorded] = [got.sizes[0]!, r.sizes[0]!];
    expect(Math.max(coarsest.width, coarsest.height)).toBe(Math.max(...recorded));
    expect(Math.min(coarsest.width, coarsest.height)).toBe(r.min_size);
    expect([r.min_size, r.min_size + 1]).toContain(Math.min(...recorded));
  });
});

describe("pictures without a pyramid", () => {
  it.each<[string, PyramidSettings, string]>([
    [
      "smaller than the coarsest scale",
      { width: 300, height: 24 },
      "the picture is 300x24: its short side must be at least 25 pixels",
    ],
    [
      "too elongated for the limit",
      { width: 40, height: 1000 },
      "a max size of 250 reduces this picture of 40x1000 pixels to 10x250, which is too narrow to learn from: its short side must have at least 25. Choose a max size of 625, or crop the picture",
    ],
    ["a limit below the coarsest scale", { width: 99, height: 99, maxSize: 20 }, "a max size of 20 "],
    ["no width", { width: 0, height: 30 }, "width must be a positive whole number, not 0"],
    ["a broken limit", { width: 99, height: 99, maxSize: 99.5 }, "maxSize must be a positive whole number, not 99.5"],
    ["a factor of 1", { width: 99, height: 99, scaleFactor: 1 }, "the scale factor must lie between 0 and 1, not 1"],
    ["no factor", { width: 99, height: 99, scaleFactor: Number.NaN }, "the scale factor must lie between 0 and 1, not NaN"],
  ])("%s", (_, settings, message) => {
    expect(() => pyramidSizes(settings)).toThrow(PyramidError);
    expect(() => pyramidSizes(settings)).toThrow(message);
  });

  it("the size named in the refusal is enough", () => {
    expect(pyramidSizes({ width: 40, height: 1000, maxSize: 625 }).sizes).toEqual([{ width: 25, height: 625 }]);
  });

  it.each([
    [25, 25],
    [25, 200],
    [1000, 100],
  ])("%ix%i reaches exactly 25 and has one scale", (width, height) => {
    const { sizes, scaleFactor, stopScale } = pyramidSizes({ width, height });
    expect([sizes.length, stopScale, scaleFactor]).toEqual([1, 0, 1]);
    expect(Math.min(sizes[0]!.width, sizes[0]!.height)).toBe(25);
  });
});

it("1,000 random settings: sizes grow from minSize to the limit, or the picture is refused for its shape", () => {
  const side = fc.oneof(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 12_000 }));
  let built = 0;
  fc.assert(
    fc.property(
      side,
      side,
      fc.integer({ min: 1, max: 64 }),
      fc.integer({ min: 1, max: 1024 }),
      fc.double({ min: 0.05, max: 0.97, noNaN: true }),
      (width, height, minSize, maxSize, scaleFactor) => {
        const [short, long] = [Math.min(width, height), Math.max(width, height)];
        const scale = Math.min(1, maxSize / long);
        // What counts is the short side after limiting the long one, rounded up.
        const isPossible = short >= minSize && Math.ceil(short * scale - 1e-6) >= minSize;
        if (!isPossible) {
          expect(() => pyramidSizes({ width, height, minSize, maxSize, scaleFactor })).toThrow(PyramidError);
          return;
        }
        built++;
        const pyramid = pyramidSizes({ width, height, minSize, maxSize, scaleFactor });
        const { sizes } = pyramid;
        expect(sizes.length).toBe(pyramid.stopScale + 1);
        expect(Math.min(sizes[0]!.width, sizes[0]!.height)).toBe(minSize);
        expect(Math.max(sizes.at(-1)!.width, sizes.at(-1)!.height)).toBe(Math.min(maxSize, long));
        expect(pyramid.scaleFactor > 0 && pyramid.scaleFactor <= 1).toBe(true);
        for (let n = 1; n < sizes.length; n++) {
          expect(sizes[n]!.width).toBeGreaterThanOrEqual(sizes[n - 1]!.width);
          expect(sizes[n]!.height).toBeGreaterThanOrEqual(sizes[n - 1]!.height);
        }
      },
    ),
    { numRuns: 1000, seed: 1 },
  );
  expect(built).toBeGreaterThan(300);
});

describe("buildPyramid", () => {
  const width = 90;
  const height = 70;
  const photo: Planes = toPlanes({
    width,
    height,
    data: Uint8Array.from({ length: 3 * width * height }, (_, i) => 128 + 100 * Math.sin(i / 40) * Math.cos(i / 2300)),
  });
  const pyramid = pyramidSizes({ width, height, maxSize: 60 });

  it("has the sizes, and every level straight from the finest", () => {
    const pictures = buildPyramid(photo, pyramid);
    expect(pictures.map((p) => ({ width: p.width, height: p.height }))).toEqual(pyramid.sizes);
    expect(pictures.every((p) => p.data.length === 3 * p.width * p.height)).toBe(true);
    const finest = imresize(photo, 60 / 90);
    expect(pictures.at(-1)).toEqual(finest);
    expect(pictures[0]!.data).toEqual(imresize(finest, pyramid.scaleFactor ** pyramid.stopScale).data);
  });

  it("keeps the mean brightness at every scale", () => {
    const mean = (p: Planes) => p.data.reduce((sum, v) => sum + v, 0) / p.data.length;
    // Truncation to 8 bits would darken by 1/255 per call. Antialiasing changes the mean only by the weight of the cropped last pixel.
    for (const level of buildPyramid(photo, pyramid)) expect(Math.abs(mean(level) - mean(photo))).toBeLessThan(0.01);
  });

  it("takes sizes given from outside: the grid stays, a row is added", () => {
    const last = pyramid.stopScale;
    for (const forced of [0, last]) {
      const sizes = pyramid.sizes.map((s, n) => (n === forced ? { ...s, height: s.height + 1 } : s));
      const [ours, theirs] = [buildPyramid(photo, pyramid)[forced]!, buildPyramid(photo, { ...pyramid, sizes })[forced]!];
      expect(theirs.height).toBe(ours.height + 1);
      const area = ours.width * ours.height;
      expect(theirs.data.subarray(0, area)).toEqual(ours.data.subarray(0, area));
    }
  });

  it("leaves an untouched picture untouched", () => {
    expect(buildPyramid(photo, pyramidSizes({ width, height })).at(-1)!.data).toEqual(photo.data);
  });
});
