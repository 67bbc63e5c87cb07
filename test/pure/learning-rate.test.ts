// The learning rate's schedule: the official code's MultiStepLR, milestone 1600 of 2000, factor 0.1.

import { expect, it } from "vitest";
import { learningRate } from "../../src/singan/model/config.ts";

/** The rates of all iterations, counted from 0. */
const rates = (iterations: number, lrDropAt: number): number[] =>
  Array.from({ length: iterations }, (_, at) => learningRate({ lr: 1, lrDropAt, iterations }, at));
const fullRates = (iterations: number, lrDropAt: number): number =>
  rates(iterations, lrDropAt).filter((rate) => rate === 1).length;

it("is lr up to the milestone and a tenth of it afterwards", () => {
  expect(rates(5, 0.6)).toEqual([1, 1, 1, 0.1, 0.1]);
  expect(learningRate({ lr: 5e-4, lrDropAt: 0.8, iterations: 2000 }, 1599)).toBe(5e-4);
  expect(learningRate({ lr: 5e-4, lrDropAt: 0.8, iterations: 2000 }, 1600)).toBeCloseTo(5e-5, 18);
});

it("rounds the milestone down, and may lie at either end", () => {
  expect(fullRates(13, 0.8)).toBe(10); // of 10.4
  expect(fullRates(4, 1)).toBe(4);
  expect(fullRates(4, 0)).toBe(0);
});
