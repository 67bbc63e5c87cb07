// Paths through a model's generators: for any photo, options and target size every stage fits the previous one; and what is refused.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Planes } from "../../src/image/planes.ts";
import { srPath, srSize } from "../../src/singan/generation/applications/super-resolution.ts";
import {
  injectionPath,
  type Path,
  photoPath,
  quantizedPath,
  reconstructionPath,
  resultSize,
  roundHalfToEven,
  samplePath,
} from "../../src/singan/generation/path.ts";
import { bandsOf, viewOf } from "../../src/singan/generation/tile-program.ts";
import { OptionError, type Size, type TrainOptions } from "../../src/singan/model/config.ts";
import type { AnyModel, ConsinganModel, Model } from "../../src/singan/model/model.ts";
import { enlargement, type PyramidError } from "../../src/singan/model/pyramid.ts";
import { checkSample, pyramidOf, resolveOptions } from "../../src/singan/recipes.ts";

const planes = ({ width, height }: Size): Planes => ({ width, height, data: new Float32Array(3 * width * height) });

/** The part of a model that paths read. */
function modelOf(photo: Size, options: TrainOptions): Model {
  const { sizes, scaleFactor } = pyramidOf(photo, options);
  return { options, sizes, scaleFactor, scales: sizes.map(() => ({})), photo: planes(sizes.at(-1)!) } as unknown as Model;
}

/** Throws if a stage does not fit the one before it, as the generators' graphs would. */
function check({ stages, start, factor }: Path, kind: TrainOptions["upsample"]): void {
  const require = (holds: boolean, what: string) => {
    if (!holds) throw new Error(`${what}: ${JSON.stringify(stages)}`);
  };
  const first = stages[0]!.size;
  if (start) require(start.width === first.width && start.height === first.height, "the start has another size");
  for (const [i, { size }] of stages.entries()) {
    for (const side of ["width", "height"] as const) {
      require(Number.isInteger(size[side]) && size[side] >= 1, "no size");
      if (i === 0) continue;
      const taps = enlargement(kind, factor, stages[i - 1]!.size[side], size[side]);
      require(taps.outSize === size[side] && Math.max(...taps.index) < taps.inSize, "an enlargement does not fit");
    }
  }
}

const side = fc.integer({ min: 20, max: 100 });
const settings = fc.record({
  photo: fc.record({ width: side, height: side }),
  minSize: fc.integer({ min: 12, max: 25 }),
  maxSize: fc.integer({ min: 30, max: 80 }),
  scaleFactor: fc.double({ min: 0.35, max: 0.9, noNaN: true }),
  upsample: fc.constantFrom("bicubic" as const, "bilinear" as const),
  target: fc.record({ width: fc.integer({ min: 1, max: 250 }), height: fc.integer({ min: 1, max: 250 }) }),
  factor: fc.double({ min: 1.2, max: 8, noNaN: true }),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
});

describe("1,000 random settings", () => {
  it("have paths whose stages fit, or are refused in one line", () => {
    let made = 0;
    fc.assert(
      fc.property(settings, ({ photo, target, factor, at, ...wanted }) => {
        let model: Model;
        try {
          model = modelOf(photo, resolveOptions({ ...wanted, maxSize: Math.max(wanted.minSize, wanted.maxSize) }));
        } catch (error) {
          expect((error as PyramidError).message).toMatch(/^[^\n]+$/);
          return;
        }
        made++;
        const kind = model.options.upsample;
        const last = model.scales.length - 1;
        const finest = model.sizes[last]!;
        const any = samplePath(model, { size: target });
        check(any, kind);
        expect(resultSize(any)).toEqual(target);
        check(reconstructionPath(model), kind);
        expect(resultSize(reconstructionPath(model))).toEqual(finest);
        const enlarged = srPath(model, factor);
        check(enlarged, kind);
        expect(resultSize(enlarged)).toEqual(srSize(finest, factor));
        const uncropped = enlarged.stages.at(-1)!.size;
        expect(uncropped.width >= resultSize(enlarged).width && uncropped.height >= resultSize(enlarged).height).toBe(true);
        if (last === 0) return;
        const scale = 1 + Math.floor(at * (last - 1e-9));
        for (const path of [
          injectionPath(model, planes(photo), scale),
          quantizedPath(model, planes(photo), scale),
          photoPath(model, { size: target, startScale: scale }),
        ]) {
          check(path, kind);
          expect(path.stages.map((stage) => stage.scale)).toEqual(model.sizes.map((_, k) => k).slice(scale));
        }
      }),
      { numRuns: 1000, seed: 20261123 },
    );
    expect(made).toBeGreaterThan(700);
  }, 120_000);

  it("are covered by tiles once, each seen with 5 px around it", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 90 }),
        fc.integer({ min: 1, max: 90 }),
        fc.integer({ min: 16, max: 50 }),
        (width, height, most) => {
          const times = new Uint8Array(width * height);
          for (const tile of bandsOf({ width, height }, most).flat()) {
            expect(tile.width <= most && tile.height <= most).toBe(true);
            for (let y = tile.top; y < tile.top + tile.height; y++)
              for (let x = tile.left; x < tile.left + tile.width; x++) times[y * width + x]!++;
            const { inside, outside, halo } = viewOf({ width, height }, tile, false);
            expect(inside.width + outside.left + outside.right).toBe(tile.width + 10);
            expect(inside.height + outside.top + outside.bottom).toBe(tile.height + 10);
            expect([inside.left + halo.left, inside.top + halo.top]).toEqual([tile.left, tile.top]);
            expect(
              inside.left >= 0 && inside.top >= 0 && inside.left + inside.width <= width && inside.top + inside.height <= height,
            ).toBe(true);
          }
          return times.every((n) => n === 1);
        },
      ),
    );
  });
});

describe("checkSample refuses, without a GPU, what a model can't make", () => {
  const { sizes, ...rest } = modelOf({ width: 60, height: 40 }, resolveOptions({ maxSize: 60 }));
  const singan: Model = { ...rest, sizes };
  const { width, height } = sizes.at(-1)!;
  const options = resolveOptions({ recipe: "consingan" });
  const { photo, scales } = rest;
  const nets = { generator: new Map(), discriminator: new Map() };
  const consingan: ConsinganModel = { options, sizes, scales, photo, coarsest: photo, ...nets };
  const size = { width: 50, height: 50 };
  const both: [object, string][] = [
    [{ seed: -1 }, "seed must be a whole number from 0 to 4294967295, not -1"],
    [{ seed: 2 ** 32 }, "seed must be a whole number from 0 to 4294967295, not 4294967296"],
    [{ index: 0.5 }, "index must be a whole number from 0 to 4294967295, not 0.5"],
    [{ startScale: sizes.length }, `startScale must be a whole number from 0 to ${sizes.length - 1}, not ${sizes.length}`],
    [{ size: { width: 0, height: 5 } }, "a picture's size must be positive whole numbers, not 0x5"],
    [{ size: { width: 60_000, height: 60_000 } }, "60000x60000 is too large: at most 1.4 gigapixels are possible"],
  ];
  const own: [AnyModel, object, string][] = [
    [singan, { startScale: 1, below: "noise", size }, "the reconstruction's noise exists at the trained size only"],
    [singan, { below: "sea" }, 'below must be noise or photo, not "sea"'],
    [consingan, { below: "noise" }, "below has no meaning in the recipe consingan"],
    [consingan, { noise: "none" }, "noise must be random in the recipe consingan"],
    [consingan, { startScale: 1, size }, `startScale must be 0 unless the picture has the trained size, ${width}x${height},`],
    [consingan, { size: { width: 70_000, height: 9 } }, "70000x9 is too large: a side has at most 65535 px"],
  ];
  it.each([
    ...both.flatMap(([o, m]): typeof own => [
      [singan, o, m],
      [consingan, o, m],
    ]),
    ...own,
  ])("%# %j", (model, wrong, message) => {
    expect(() => checkSample(model, { seed: 0, ...wrong })).toThrow(OptionError);
    expect(() => checkSample(model, { seed: 0, ...wrong })).toThrow(message);
  });

  it("but nothing that it can make, and no model without a trained scale", () => {
    const right: [AnyModel, object][] = [
      [singan, { startScale: 1 }],
      [singan, { startScale: 1, size }],
      [singan, { startScale: 1, size, below: "photo", noise: "none" }],
      [consingan, { startScale: 1, size: { width, height } }],
      [consingan, { size, index: 3 }],
    ];
    for (const [model, options] of right) expect(() => checkSample(model, { seed: 0, ...options })).not.toThrow();
    for (const model of [singan, consingan])
      expect(() => checkSample({ ...model, scales: [] }, { seed: 0 })).toThrow("the model has no trained scale yet");
  });
});

it("rounds halves to even, as Python", () => {
  expect([24.5, 25.5, 0.5, 1.5, 2.4, 2.6].map(roundHalfToEven)).toEqual([24, 26, 0, 2, 2, 3]);
});
