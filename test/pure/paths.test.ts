// Paths through a model's generators: for any photo, options and target size every stage fits the one before.

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
import { bandsOf, viewOf } from "../../src/singan/generation/view.ts";
import type { Size, TrainOptions } from "../../src/singan/model/config.ts";
import type { Model } from "../../src/singan/model/model.ts";
import type { PyramidError } from "../../src/singan/model/pyramid.ts";
import { enlargement } from "../../src/singan/model/upsampling.ts";
import { pyramidOf, resolveOptions } from "../../src/singan/recipes.ts";

const planes = ({ width, height }: Size): Planes => ({ width, height, data: new Float32Array(3 * width * height) });

/** Only what paths read of a model. */
function modelOf(photo: Size, options: TrainOptions): Model {
  const { sizes, scaleFactor } = pyramidOf(photo, options);
  return { options, sizes, scaleFactor, scales: sizes.map(() => ({})), photo: planes(sizes.at(-1)!) } as unknown as Model;
}

/** Throws where a stage does not follow from the one before, as the generators' graphs would. */
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
            const { inside, outside, surplus } = viewOf({ width, height }, tile, false);
            expect(inside.width + outside.left + outside.right).toBe(tile.width + 10);
            expect(inside.height + outside.top + outside.bottom).toBe(tile.height + 10);
            expect([inside.left + surplus.left, inside.top + surplus.top]).toEqual([tile.left, tile.top]);
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

it("rounds halves to even, as Python", () => {
  expect([24.5, 25.5, 0.5, 1.5, 2.4, 2.6].map(roundHalfToEven)).toEqual([24, 26, 0, 2, 2, 3]);
});
