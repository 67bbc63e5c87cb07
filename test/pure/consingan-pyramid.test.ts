// ConSinGAN's pyramid, options and upsampling tables: worked examples, PyTorch's tables, and properties that hold for any picture.
// test/fixtures/consingan.py has recorded consingan.safetensors.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Size } from "../../src/image/planes.ts";
import { cornerBicubicTaps, resample64 } from "../../src/image/resample.ts";
import { CONSINGAN, PRESETS } from "../../src/singan/model/config.ts";
import { concurrentPyramidSizes, type PyramidError, pyramidSizes } from "../../src/singan/model/pyramid.ts";
import { readSafetensors } from "../../src/singan/model/safetensors.ts";
import { inRecipe, pyramidOf, recipeOf, resolveOptions } from "../../src/singan/recipes.ts";

const heightByWidth = (sizes: readonly Size[]): string => sizes.map(({ width, height }) => `${height}x${width}`).join(" ");
const USUAL = { minSize: 25, maxSize: 250, stages: 6 };

describe("pyramid", () => {
  it.each([
    [250, 188, "25x34 32x42 42x56 63x84 126x167 188x250"],
    [384, 256, "25x38 31x47 41x61 60x89 115x171 167x250"],
  ])("of %ix%i", (width, height, want) => {
    expect(heightByWidth(concurrentPyramidSizes({ width, height, ...USUAL }).sizes)).toBe(want);
    expect(heightByWidth(pyramidOf({ width, height }, CONSINGAN).sizes)).toBe(want);
  });

  it.each([
    [1, "120x160"],
    [2, "25x34 120x160"],
    [3, "25x34 55x74 120x160"],
  ])("of %i stages", (stages, want) => {
    expect(heightByWidth(concurrentPyramidSizes({ ...USUAL, width: 160, height: 120, stages }).sizes)).toBe(want);
  });

  it("1,000 random settings: sizes grow from minSize to the photo's, or the picture is refused as SinGAN refuses it", () => {
    let built = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1200 }),
        fc.integer({ min: 1, max: 1200 }),
        fc.integer({ min: 12, max: 64 }),
        fc.integer({ min: 12, max: 1024 }),
        fc.integer({ min: 2, max: 20 }),
        (width, height, minSize, maxSize, stages) => {
          const settings = { width, height, minSize, maxSize };
          const build = () => concurrentPyramidSizes({ ...settings, stages });
          let usual: Size[];
          try {
            usual = [...pyramidSizes(settings).sizes];
          } catch (error) {
            expect(build).toThrow((error as PyramidError).message);
            return;
          }
          built++;
          const { sizes, factors, stopScale } = build();
          expect([sizes.length, factors.length, stopScale]).toEqual([stages, stages, stages - 1]);
          expect(sizes.at(-1)).toEqual(usual.at(-1));
          expect(Math.min(sizes[0]!.width, sizes[0]!.height)).toBe(minSize);
          for (let n = 1; n < stages; n++) {
            expect(sizes[n]!.width).toBeGreaterThanOrEqual(sizes[n - 1]!.width);
            expect(sizes[n]!.height).toBeGreaterThanOrEqual(sizes[n - 1]!.height);
            expect(factors[n]!).toBeGreaterThanOrEqual(factors[n - 1]!);
          }
        },
      ),
      { numRuns: 1000, seed: 2 },
    );
    expect(built).toBeGreaterThan(300);
  });
});

describe("bicubic with aligned corners", () => {
  const { tensors } = readSafetensors(readFileSync(new URL("../fixtures/consingan.safetensors", import.meta.url)));
  const recorded = [...tensors].filter(([name]) => name.startsWith("bicubic."));
  it.each(recorded)("PyTorch's %s", (name, { data }) => {
    const [inSize, outSize] = name.split(".").slice(1).map(Number) as [number, number];
    const taps = cornerBicubicTaps(inSize, outSize);
    const sample = (at: number) => Float32Array.from({ length: inSize }, (_, i) => Number(i === at));
    for (let at = 0; at < inSize; at++) {
      const got = resample64(sample(at), 1, taps, { ...cornerBicubicTaps(1, 1) });
      // Both sides are float64 results, rounded to float32.
      got.forEach((v, o) => {
        expect(Math.abs(v - data[at * outSize + o]!)).toBeLessThanOrEqual(2 ** -24);
      });
    }
  });

  it("was recorded", () => expect(recorded.length).toBeGreaterThan(4));
  it("by hand: halfway between samples −3/32, 19/32, 19/32, −3/32", () => {
    const { weight, index } = cornerBicubicTaps(4, 7);
    expect([...index.slice(12, 16)]).toEqual([0, 1, 2, 3]);
    expect([...weight.slice(12, 16)]).toEqual([-3 / 32, 19 / 32, 19 / 32, -3 / 32]);
  });
  it("refuses sizes that are none", () => expect(() => cornerBicubicTaps(0, 3)).toThrow(RangeError));
});

describe("options", () => {
  it("are the recipe's: 64 channels throughout", () => {
    const options = resolveOptions({ recipe: "consingan" });
    expect(options).toEqual(CONSINGAN);
    expect([0, 4, 8].map((scale) => recipeOf(options).channelsAt(scale, options))).toEqual([64, 64, 64]);
  });

  it.each([
    [{ recipe: "consingan", zStar: "fixed" }, "zStar has no meaning in the recipe consingan"],
    [{ recipe: "consingan", scaleFactor: 0.6 }, "scaleFactor has no meaning in the recipe consingan"],
    [{ recipe: "consingan", noisePadding: true }, "noisePadding has no meaning in the recipe consingan"],
    [{ stages: 7 }, "stages has no meaning in the recipe singan"],
    [{ recipe: "consingan", stages: 0 }, "stages must be a whole number from 1 to 20, not 0"],
    [{ recipe: "consingan", lrScale: 2 }, "lrScale must be a number from 0 to 1, not 2"],
    [{ recipe: "fast" }, "recipe must be singan or sr or consingan, not fast"],
  ])("%o is refused", (options, message) => {
    expect(() => resolveOptions(options as Parameters<typeof resolveOptions>[0])).toThrow(message);
  });

  it("of a preset, at the same effort", () => {
    for (const preset of Object.values(PRESETS)) {
      const options = inRecipe(preset, "consingan");
      expect(resolveOptions(options)).toEqual(options);
      const stages = preset.maxSize <= 100 ? 3 : 6;
      expect(options).toMatchObject({ maxSize: preset.maxSize, iterations: preset.iterations, stages });
      expect(options.channels).toBe(Math.min(64, preset.maxChannels));
      expect(inRecipe(preset, "singan")).toBe(preset);
    }
  });
});
