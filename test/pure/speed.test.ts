// The model behind a forecast: overhead, rate and its growth with the channels, from the times of a few iterations.

import { expect, test } from "vitest";
import { pyramidOf, recipeOf, resolveOptions } from "../../src/singan/recipes.ts";
import { chooseAuto, fitSpeed, forecastSeconds, type ProbeTime } from "../../src/singan/training/presets.ts";

const TRUE = { overhead: 0.01, rate: 4e9, growth: 0.6 };
const probe = (channels: number, macs: number): ProbeTime => ({
  ...{ channels, macs },
  seconds: TRUE.overhead + macs / (TRUE.rate * (channels / 32) ** TRUE.growth),
});
const [narrow, small, large] = [probe(16, 1e8), probe(32, 4e8), probe(32, 1e9)];

test("finds overhead, rate and growth again", () => {
  const found = fitSpeed([small, large], narrow);
  for (const key of ["overhead", "rate", "growth"] as const) expect(found[key] / TRUE[key]).toBeCloseTo(1, 9);
  expect(fitSpeed([small, large]).growth).toBe(0);
});

test("stays within what is possible where noise hides the model", () => {
  const faster = { ...large, seconds: small.seconds / 2 };
  const slower = { ...narrow, seconds: 100 };
  for (const speed of [
    fitSpeed([small, faster], narrow),
    fitSpeed([small, large], slower),
    fitSpeed([small, large], { ...narrow, seconds: 1e-6 }),
  ]) {
    expect(speed.overhead).toBeGreaterThanOrEqual(0);
    expect(speed.rate).toBeGreaterThan(0);
    expect(Number.isFinite(speed.rate)).toBe(true);
    expect(speed.growth).toBeGreaterThanOrEqual(0);
    expect(speed.growth).toBeLessThanOrEqual(1);
  }
});

const photo = { width: 250, height: 188 };

test("a training with more channels is forecast at a higher rate", () => {
  const forecast = (channels: number, growth: number) => {
    const options = resolveOptions({ maxSize: 60, iterations: 100, channels, maxChannels: channels });
    const outline = { recipe: recipeOf(options), options, pyramid: pyramidOf(photo, options) };
    return forecastSeconds({ overhead: 0, rate: 1e9, growth, compile: 0 }, outline);
  };
  expect(forecast(64, 0.5) / forecast(64, 0)).toBeCloseTo(1 / Math.SQRT2, 9);
  expect(forecast(16, 0.5) / forecast(16, 0)).toBeCloseTo(Math.SQRT2, 9);
  expect(forecast(32, 0.5)).toBe(forecast(32, 0));
});

test("a speed that is measured 10 % wrong changes auto's iterations by at most a quarter", () => {
  const recipe = recipeOf({});
  for (let rate = 3e9; rate < 3e11; rate *= 1.07) {
    const pick = (factor: number) => {
      const { options } = chooseAuto(
        recipe,
        photo,
        {},
        { overhead: 0.005, rate: rate * factor, growth: 0.3, compile: 4 },
      ).outline;
      return options;
    };
    const [a, b] = [pick(1), pick(1.1)];
    if (a.channels === b.channels && a.maxSize === b.maxSize) expect(b.iterations / a.iterations).toBeLessThanOrEqual(1.25);
  }
});
