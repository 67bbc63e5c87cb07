// 16-bit floats against a search through all of them.

import fc from "fast-check";
import { expect, it } from "vitest";
import { fromHalf, toHalf } from "../../src/singan/model/half.ts";

const ALL = Uint16Array.from({ length: 2 ** 16 }, (_, i) => i);
/** The values of the positive ones, in their order; behind the largest stands the one that infinity has the place of. */
const POSITIVE = [...fromHalf(ALL.subarray(0, 0x7c00)), 2 ** 16];

/** By IEEE 754: the nearest one, of two the even one. */
function nearest(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const after = POSITIVE.findIndex((one) => one >= Math.abs(value));
  if (after <= 0) return sign | (after === 0 ? 0 : 0x7c00);
  const [below, above] = [Math.abs(value) - POSITIVE[after - 1]!, POSITIVE[after]! - Math.abs(value)];
  return sign | (below < above || (below === above && after % 2 === 1) ? after - 1 : after);
}

it("has the values of the format", () => {
  const [zero, least, lastSmall, firstNormal, one, third, largest] = fromHalf(
    Uint16Array.of(0, 1, 0x3ff, 0x400, 0x3c00, 0x3555, 0x7bff),
  );
  expect([zero, least, lastSmall, firstNormal, one, third, largest]).toEqual([
    ...[0, 2 ** -24, 1023 * 2 ** -24, 2 ** -14, 1],
    ...[0.333251953125, 65504],
  ]);
  expect(fromHalf(Uint16Array.of(0x8000, 0xfc00, 0x7e00))).toEqual(Float32Array.of(-0, Number.NEGATIVE_INFINITY, Number.NaN));
});

it("returns every value that it has", () => {
  const numbers = ALL.filter((half) => (half & 0x7c00) !== 0x7c00 || (half & 1023) === 0);
  expect(toHalf(fromHalf(numbers))).toEqual(numbers);
  expect(fromHalf(toHalf(Float32Array.of(Number.NaN)))).toEqual(Float32Array.of(Number.NaN));
});

it("rounds to the nearest, ties to even", () => {
  const ties = [...POSITIVE.keys()].slice(1).map((i) => (POSITIVE[i - 1]! + POSITIVE[i]!) / 2);
  expect(toHalf(Float32Array.from(ties))).toEqual(Uint16Array.from(ties, (_, i) => (i % 2 === 0 ? i : i + 1)));
  fc.assert(
    fc.property(fc.float({ noNaN: true }), fc.double({ min: -25, max: 17, noNaN: true }), (any, exponent) => {
      const values = Float32Array.of(any, 2 ** exponent, -(2 ** exponent));
      expect(toHalf(values)).toEqual(Uint16Array.from(values, nearest));
    }),
  );
});
