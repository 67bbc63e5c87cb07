// Super-resolution's pyramid, steps and sizes: the official code's worked examples (except its bug for portraits), and any setting.
// Unlike the official sizes, ours do not depend on the last bit of pow: they are ⌈x − 10⁻⁶⌉.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Size } from "../../src/image/planes.ts";
import { srOptions, srPath, srSize, srSteps } from "../../src/singan/generation/applications/super-resolution.ts";
import { OptionError, type TrainOptions } from "../../src/singan/model/config.ts";
import type { Model } from "../../src/singan/model/model.ts";
import { PyramidError } from "../../src/singan/model/pyramid.ts";
import { pyramidOf, resolveOptions } from "../../src/singan/recipes.ts";

const heightByWidth = (sizes: readonly Size[]): string => sizes.map(({ width, height }) => `${height}x${width}`).join(" ");
const turned = (sizes: readonly Size[]): Size[] => sizes.map(({ width, height }) => ({ width: height, height: width }));

describe("the pyramid", () => {
  const pyramid = (width: number, height: number, more: Partial<TrainOptions> = {}) =>
    pyramidOf({ width, height }, resolveOptions({ ...srOptions(4), ...more }));

  it("80 high, 120 wide: the official 8 scales", () => {
    const { sizes, scaleFactor } = pyramid(120, 80);
    expect(heightByWidth(sizes)).toBe("18x27 23x34 28x42 35x52 43x64 53x79 65x97 80x120");
    expect(scaleFactor).toBeCloseTo(0.808, 3);
  });

  it("120 high, 80 wide: the same turned, where the official code has 9 scales by its mix-up of axes", () => {
    expect(pyramid(80, 120).sizes).toEqual(turned(pyramid(120, 80).sizes));
  });

  it("188 high, 250 wide: 12 scales", () => {
    const { sizes } = pyramid(250, 188);
    expect(sizes).toHaveLength(12);
    expect([sizes[0], sizes[11]]).toEqual([
      { width: 24, height: 18 },
      { width: 250, height: 188 },
    ]);
  });

  it("counts whole steps down to the last bit: 36 is 18 after exactly 3 of 2^(1/3)", () => {
    expect(pyramid(48, 36).sizes).toHaveLength(5);
  });

  it("comes with its own values", () => {
    expect(srOptions(4)).toEqual({
      recipe: "sr",
      alphaRec: 100,
      averageOver: 0,
      alphaShare: 1,
      minSize: 18,
      scaleFactor: expect.closeTo(2 ** (-1 / 3), 12),
    });
  });
});

describe("steps", () => {
  it.each([
    [2, 3, 1.259921],
    [3, 5, 1.245731],
    [4, 6, 1.259921],
    [8, 9, 1.259921],
    [1.5, 2, 1.224745],
    [1.2, 1, 1.2],
  ])("x%s takes %i", (factor, count, step) => {
    expect(srSteps(factor)).toEqual({ count, factor: expect.closeTo(step, 6) });
  });

  it.each([0, -2, 1, 1.19, 8.01, 1e9, Number.NaN, Number.POSITIVE_INFINITY])("refuses %s", (factor) => {
    expect(() => srSteps(factor)).toThrow(new OptionError(`factor must be a number from 1.2 to 8, not ${factor}`));
  });
});

/** The part of a model on which sizes depend. */
function model(width: number, height: number, trained = 2): Model {
  const sizes = [
    { width: 18, height: 18 },
    { width, height },
  ];
  const photo = { width, height, data: new Float32Array(3 * width * height) };
  return { sizes, scales: sizes.slice(0, trained), photo } as unknown as Model;
}

describe("the path", () => {
  it("80 high, 120 wide, x4: the official sizes, the first noise grey", () => {
    const { stages, start, factor } = srPath(model(120, 80), 4);
    expect(heightByWidth(stages.map(({ size }) => size))).toBe("101x152 128x192 162x242 205x305 259x385 327x486");
    expect(stages.map(({ grey }) => grey)).toEqual([true, false, false, false, false, false]);
    expect([start!.height, start!.width]).toEqual([101, 152]);
    expect(1 / factor).toBeCloseTo(1.259921, 6);
    expect(srSize({ width: 120, height: 80 }, 4)).toEqual({ width: 480, height: 320 });
  });

  it("needs the finest scale", () => {
    expect(() => srPath(model(120, 80, 1), 4)).toThrow(
      "the model is trained to scale 0 of 1 only: super-resolution needs the finest",
    );
  });
});

it("1,000 random settings: sound pyramids, portrait as landscape, and steps that cover the exact size", () => {
  const side = fc.integer({ min: 12, max: 400 });
  const factor = fc.oneof(fc.constantFrom(2, 3, 4, 8), fc.double({ min: 1.2, max: 8, noNaN: true }));
  const recipe = fc.constantFrom("sr" as const, "singan" as const);
  let trained = 0;
  fc.assert(
    fc.property(side, side, factor, recipe, fc.integer({ min: 24, max: 100 }), (width, height, s, kind, maxSize) => {
      const options = resolveOptions({ ...srOptions(s), recipe: kind, minSize: 12, maxSize });
      const sizesOf = (w: number, h: number) => {
        try {
          return pyramidOf({ width: w, height: h }, options).sizes;
        } catch (error) {
          if (error instanceof PyramidError) return null;
          throw error;
        }
      };
      const sizes = sizesOf(width, height);
      expect(sizesOf(height, width)).toEqual(sizes && turned(sizes));
      if (!sizes) return;
      trained++;
      const [first, finest] = [sizes[0]!, sizes.at(-1)!];
      expect(Math.min(first.width, first.height)).toBe(12);
      expect(Math.max(finest.width, finest.height)).toBe(Math.min(maxSize, Math.max(width, height)));
      for (const [k, { width: w, height: h }] of sizes.entries()) {
        expect(k === 0 || (w >= sizes[k - 1]!.width && h >= sizes[k - 1]!.height)).toBe(true);
      }
      const { stages } = srPath(model(finest.width, finest.height), s);
      const [last, wanted] = [stages.at(-1)!.size, srSize(finest, s)];
      expect(last.width >= wanted.width && last.height >= wanted.height).toBe(true);
      // Every step rounds up by less than a pixel, and later steps enlarge the excess of earlier ones.
      const most = stages.reduce((sum, _, i) => sum + srSteps(s).factor ** i, 1);
      expect(Math.max(last.width - wanted.width, last.height - wanted.height)).toBeLessThan(most);
    }),
    { numRuns: 1000 },
  );
  expect(trained).toBeGreaterThan(500);
});
