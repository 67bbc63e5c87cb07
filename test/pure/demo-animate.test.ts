// The pure parts of the page's tools Animate and Enlarge, and of the names in its zip.

import { describe, expect, it } from "vitest";
import { animationName, frameAfter, stepped } from "../../src/demo/features/animate/playback.ts";
import { enlargedNames, largestFactor } from "../../src/demo/features/enlarge/factor.ts";
import { uniqueNames } from "../../src/demo/file-names.ts";

describe("playback", () => {
  it("waits for a frame that is not made yet, and begins anew behind the last one", () => {
    const seen = [0];
    for (const made of [1, 2, 2, 3, 4, 4, 4]) seen.push(frameAfter(seen.at(-1)!, made, 4));
    expect(seen).toEqual([0, 0, 1, 1, 2, 3, 0, 1]);
    expect(frameAfter(0, 0, 4)).toBe(0);
  });

  it("steps around both ends", () => {
    expect([stepped(0, -1, 5), stepped(4, 1, 5), stepped(2, 1, 5), stepped(0, -6, 5)]).toEqual([4, 0, 3, 4]);
  });

  it("names files by what differs", () => {
    const plain = { frames: 40, seed: 3, alpha: 0.1, beta: 0.9, startScale: 0, loop: true };
    expect(animationName("reef", plain, plain)).toBe("reef-animation-seed-3");
    const other = { ...plain, alpha: 0.2, beta: 0.5, startScale: 2, loop: false };
    expect(animationName("reef", other, plain)).toBe("reef-animation-seed-3-from-scale-2-alpha-0.2-beta-0.5-open");
  });
});

describe("enlargement", () => {
  it("has results of at most 4096 px where there is much memory, else of 2048 px, and factors of at most 8", () => {
    const factors = (memory?: number) =>
      [64, 250, 256, 300, 1024, 2000].map((width) => largestFactor({ width, height: 40 }, memory));
    for (const memory of [undefined, 0.5, 2]) expect(factors(memory)).toEqual([8, 8, 8, 6.8, 2, 1]);
    for (const memory of [4, 8]) expect(factors(memory)).toEqual([8, 8, 8, 8, 4, 2]);
    expect(largestFactor({ width: 40, height: 300 }, undefined)).toBe(6.8);
  });

  it("names both files", () => {
    expect(enlargedNames("reef", { factor: 2, seed: 1, noise: "random" })).toEqual(["reef-x2-seed-1", "reef-x2-bicubic"]);
    expect(enlargedNames("reef", { factor: 2.5, seed: 1, noise: "none" })).toEqual(["reef-x2.5-no-noise", "reef-x2.5-bicubic"]);
  });
});

describe("names in a zip", () => {
  it("are unique, whatever the case", () => {
    expect(uniqueNames(["a.png", "b.png", "A.png", "a.png", "a-2.png", "a", "a"])).toEqual([
      ...["a.png", "b.png", "A-2.png", "a-3.png", "a-2-2.png", "a", "a-2"],
    ]);
  });
});
