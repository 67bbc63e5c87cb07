// How a tiny training of another WebGPU is compared with Node's: by its bits on a software driver, by its losses on hardware.

import { expect, test } from "vitest";
import { differenceOf, type Fingerprint } from "../tiny-training.ts";

const of = (reconstruction: number, sample: number): Fingerprint => ({
  losses: [{ dReal: 0, dFake: 0, gradientPenalty: 0, gAdversarial: 0, reconstruction }],
  weights: [1],
  sample,
});

test("the same fingerprint is no difference anywhere; other bits are one on a software driver only; other losses everywhere", () => {
  const ours = of(0.5, 7);
  for (const isSoftware of [true, false]) expect(differenceOf(of(0.5, 7), ours, isSoftware)).toBeNull();
  expect(differenceOf(of(0.5, 8), ours, true)).toContain('"sample":8} instead of {');
  expect(differenceOf(of(0.5001, 8), ours, false)).toBeNull();
  for (const wrong of [of(0.51, 7), of(Number.NaN, 7), { ...ours, losses: [] }])
    for (const isSoftware of [true, false]) expect(differenceOf(wrong, ours, isSoftware)).not.toBeNull();
});
