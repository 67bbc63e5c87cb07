// The pure parts of the view Train: what a scale learns in words, what a card says, and how a picture is coloured by its scores.

import { describe, expect, test } from "vitest";
import { factsOf, refusalOf } from "../../src/demo/cards.ts";
import { judged } from "../../src/demo/judged.ts";
import { narrationOf, PATCH } from "../../src/demo/narration.ts";
import { explain, RECOVERING } from "../../src/demo/problems.ts";
import { PADDING } from "../../src/singan/model/config.ts";

describe("narration", () => {
  const sizes = [25, 34, 46, 64].map((width) => ({ width, height: width }));

  test("the receptive field is that of the networks", () => {
    expect(PATCH).toBe(2 * PADDING + 1);
  });

  test("each scale has its sentence, in pixels of the finest", () => {
    expect(sizes.map((_, scale) => narrationOf(scale, sizes))).toEqual([
      "Now it learns what lies where: areas, about 28 px wide of 64.",
      "Now it learns large shapes, about 21 px wide of 64.",
      "Now it learns shapes, about 15 px wide of 64.",
      "Now it learns the finest details, about 11 px wide of 64.",
    ]);
  });

  test("a single scale learns everything at once; no area is wider than the picture", () => {
    expect(narrationOf(0, [{ width: 25, height: 25 }])).toBe("Now it learns the finest details, about 11 px wide of 25.");
    expect(narrationOf(0, [{ width: 8, height: 25 }, ...sizes])).toContain("about 64 px wide of 64");
  });
});

describe("cards", () => {
  const size = { width: 160, height: 120 };
  const fits = { preset: "balanced", size, bytes: 120.5e6, seconds: 480 } as const;

  test("size, time and memory; without the time while it is not known", () => {
    expect(factsOf(fits)).toBe("160×120 px · about 8 min · 121 MB");
    expect(factsOf({ ...fits, seconds: null })).toBe("160×120 px · 121 MB");
    expect([refusalOf(fits), refusalOf({ ...fits, seconds: null })]).toEqual([null, null]);
  });

  test("longer than a day, or more memory than there is: refused with the reason", () => {
    expect(refusalOf({ ...fits, seconds: 24 * 3600 })).toBeNull();
    expect(refusalOf({ ...fits, seconds: 60 * 3600 })).toBe("Too slow here: it would take about 60 h.");
    const reason = "this training takes 9 MB of GPU memory, and 3 MB are free: the largest maxSize that fits is 90";
    expect(refusalOf({ preset: "full", reason, isTooHeavy: true })).toMatch(/^This training takes 9 MB .* is 90\.$/);
  });

  test("what is wrong with the photo or the options is said, but Start tells it, too", () => {
    const wrong = { preset: "full", reason: "a max size of 30 is too small", isTooHeavy: false } as const;
    expect(refusalOf(wrong)).toBeNull();
    expect(factsOf(wrong)).toBe("A max size of 30 is too small.");
  });

  test("automatic is never refused for its time", () => {
    expect(refusalOf({ ...fits, preset: "auto", seconds: 1e9 })).toBeNull();
  });
});

describe("judged pictures", () => {
  const picture = { width: 13, height: 12, data: new Uint8Array(3 * 13 * 12).fill(100) };
  // Middle between D(photo) = 3 and D(fake) = 1.
  const losses = { dReal: -3, dFake: 1 };
  const pixel = (data: Uint8Array, x: number, y: number) => [...data.subarray(3 * (13 * y + x), 3 * (13 * y + x) + 3)];

  test("blue above the middle of both means, orange below it, grey at it and on the border", () => {
    const scores = { width: 3, height: 2, data: Float32Array.of(2, 5, -1, 2, 2, 2) };
    const { data } = judged(picture, scores, losses);
    expect(pixel(data, 5, 5)).toEqual([100, 100, 100]);
    expect(pixel(data, 0, 0)).toEqual([100, 100, 100]);
    const [real, fake] = [pixel(data, 6, 5), pixel(data, 7, 5)];
    expect(real[2]! - real[0]!).toBeGreaterThan(50);
    expect(fake[0]! - fake[2]!).toBeGreaterThan(50);
  });

  test("scores that are all the same leave the picture grey where they are the middle", () => {
    const scores = { width: 3, height: 2, data: new Float32Array(6).fill(2) };
    expect(judged(picture, scores, losses).data).toEqual(picture.data);
  });
});

describe("a lost GPU: three messages by what helps, and what was learnt is safe before anything else", () => {
  test.each([
    ["lostUntilReload", true, null, "The training is saved: reload the page, then choose Continue."],
    ["lostUntilRestart", true, null, "The training is saved: restart the browser, then choose Continue."],
    [
      "lostUntilReload",
      true,
      "tulips",
      "The training is saved: download the model of tulips, reload the page, then choose Continue.",
    ],
    ["lostUntilReload", false, "tulips", "Download the model of tulips, which this tab still has, then reload the page."],
    ["lostUntilRestart", false, null, "Download what you want to keep, then restart the browser."],
  ] as const)("%s, kept: %s, unsaved: %s", (problem, isKept, unsaved, end) => {
    expect(explain(problem, "", "", isKept, unsaved).endsWith(` ${end}`)).toBe(true);
  });

  test("while there is hope, the page says that it goes on by itself", () => {
    expect(RECOVERING).toBe("The GPU was lost. The training goes on by itself within moments.");
  });
});
