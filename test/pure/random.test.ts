// Philox4x32-10: Random123's known answers, and two independent implementations.
// Known answers: kat_vectors of D. E. Shaw Research's Random123, https://github.com/DEShawResearch/random123.

import { expect, test } from "vitest";
import { normals, philox, randomBlock, uniforms } from "../../src/autodiff/philox.ts";
import { normalValues, philox4x32, uniformValues } from "../../src/reference/philox.ts";
import { Random } from "../reference/random.ts";

type Four = [number, number, number, number];
const ALL = 0xffffffff;
const KNOWN: readonly [counter: Four, key: [number, number], words: Four][] = [
  [
    [0, 0, 0, 0],
    [0, 0],
    [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  ],
  [
    [ALL, ALL, ALL, ALL],
    [ALL, ALL],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
];

test.each(KNOWN)("counter %j under key %j", (counter, key, words) => {
  expect(philox(counter, key)).toEqual(words);
  expect(philox4x32(counter, key)).toEqual(words);
});

const random = new Random("philox");
const keys = Array.from({ length: 20 }, () => Array.from({ length: 4 }, () => random.bits()) as Four);

test("both implementations give the same words, uniforms and normals", () => {
  keys.forEach((key, i) => {
    const counter: Four = [1000 + i, i, key[2], key[3]];
    expect(randomBlock(key, i, 1000 + i)).toEqual(philox4x32(counter, key));
    expect(uniforms(key, i, 50 + i)).toEqual(uniformValues(key, i, 50 + i));
    // log(1−u) and log1p(−u) differ in the last bit, and the square root amplifies this for a small radius.
    const want = normalValues(key, i, 50 + i);
    normals(key, i, 50 + i).forEach((v, k) => {
      expect(Math.abs(v - want[k]!)).toBeLessThan(1e-12);
    });
  });
});

/** Mean, variance, and third and fourth moments. */
const momentsOf = (x: Float64Array): number[] => {
  const mean = x.reduce((a, b) => a + b, 0) / x.length;
  const central = (power: number) => x.reduce((a, v) => a + (v - mean) ** power, 0) / x.length;
  return [mean, central(2), central(3), central(4)];
};

test.each([
  ["uniforms", uniforms, [1 / 2, 1 / 12, 0, 1 / 80]],
  ["normals", normals, [0, 1, 0, 3]],
] as const)("%s have their moments", (_, draw, want) => {
  const count = 2 ** 16;
  momentsOf(draw(keys[0]!, 0, count)).forEach((moment, k) => {
    // The bound is five standard errors of the least exact of them, a normal's fourth moment: √96/√count.
    expect(Math.abs(moment - want[k]!)).toBeLessThan(5 * Math.sqrt(96 / count));
  });
});

test("streams and blocks of one key have nothing in common", () => {
  const words = [0, 1, 2].flatMap((stream) => Array.from({ length: 200 }, (_, i) => randomBlock(keys[0]!, stream, i)).flat());
  expect(new Set(words).size).toBe(words.length);
});
