// The random walk of the noise: the official recurrence, loops checked by an independent formula, and invalid options.

import { describe, expect, it, test } from "vitest";
import { normals } from "../../src/autodiff/philox.ts";
import { ANIMATION, noiseWalk, type WalkOptions } from "../../src/singan/generation/applications/animation.ts";
import { OptionError } from "../../src/singan/model/config.ts";
import { PURPOSE, randomKey } from "../../src/singan/networks/noise.ts";

const COUNT = 7;
const Z = Float32Array.from({ length: COUNT }, (_, i) => Math.sin(3 * i));

/** The first frames, each a row. */
function walk(length: number, options: Partial<WalkOptions>, { scale = 0, count = COUNT, z = Z as Float32Array | null } = {}) {
  const steps = noiseWalk({ scale, count, z }, { ...ANIMATION, ...options });
  return Array.from({ length }, () => steps.next().value);
}
const innovations = (seed: number, t: number, count = COUNT) => normals(randomKey(seed, PURPOSE.animation, 0, t), 0, count);

const rms = (x: ArrayLike<number>) => Math.sqrt(Array.from(x).reduce((sum, v) => sum + v * v, 0) / x.length);
const difference = (a: Float32Array, b: Float32Array) => a.map((v, i) => v - b[i]!);

describe("an open walk", () => {
  it.each([
    [0.1, 0.9],
    [0.3, 0],
    [0, 0.5],
    [1, 1],
  ])("follows the official recurrence, alpha %f and beta %f", (alpha, beta) => {
    let [before, now] = [Array.from(Z), Array.from(Z, (z, i) => 0.95 * z + 0.05 * innovations(4, 0)[i]!)];
    for (const [t, frame] of walk(20, { seed: 4, alpha, beta }).entries()) {
      const n = innovations(4, t + 1);
      const next = now.map((z, i) => alpha * Z[i]! + (1 - alpha) * (z + beta * (z - before[i]!) + (1 - beta) * n[i]!));
      [before, now] = [now, next];
      // The frames are float32, the walk is not: half a unit in the last place.
      next.forEach((z, i) => {
        expect(Math.abs(frame[i]! - z)).toBeLessThanOrEqual(2 ** -24 * Math.abs(z) + 1e-12);
      });
    }
  });

  it("is a function of seed and scale, and longer ones only go on", () => {
    expect(walk(9, { frames: 9 }).slice(0, 4)).toEqual(walk(4, { frames: 4 }));
    expect(walk(1, { seed: 1 })).not.toEqual(walk(1, { seed: 2 }));
    expect(walk(1, {}, { scale: 1 })).not.toEqual(walk(1, {}));
  });

  it("goes around 0 without a centre", () => {
    const frames = walk(3, {}, { z: null });
    const around = walk(3, {}, { z: new Float32Array(COUNT) });
    expect(frames).toEqual(around);
  });
});

describe("a loop", () => {
  it.each([1, 2, 5, 30])("of %i frames goes on as it began, bit for bit", (frames) => {
    const rows = walk(2 * frames + 1, { frames, loop: true });
    expect(rows.slice(frames, 2 * frames)).toEqual(rows.slice(0, frames));
    expect(rows[2 * frames]).toEqual(rows[0]);
  });

  it.each([
    [0.1, 0.9, 40],
    [0.01, 0.95, 12],
    [0.5, 0.3, 3],
    [1, 1, 4],
  ])(
    "is the circular convolution of its noise with the impulse response, alpha %f, beta %f, %i frames",
    (alpha, beta, frames) => {
      // u after one unit of noise at t = −1, until nothing of it is left, folded into one round.
      const response = new Float64Array(frames);
      let [before, now] = [0, (1 - alpha) * (1 - beta)];
      for (let t = 0; t < 20_000; t++) {
        response[t % frames]! += now;
        [before, now] = [now, (1 - alpha) * (now + beta * (now - before))];
      }
      const noise = Array.from({ length: frames }, (_, t) => innovations(2, t));
      const rows = walk(frames, { seed: 2, alpha, beta, frames, loop: true });
      for (const [t, row] of rows.entries()) {
        for (let i = 0; i < COUNT; i++) {
          const u = noise.reduce((sum, n, s) => sum + response[(t - 1 - s + 2 * frames) % frames]! * n[i]!, 0);
          expect(Math.abs(row[i]! - Z[i]! - u)).toBeLessThan(1e-5 * (1 + Math.abs(u)));
        }
      }
    },
  );

  it("moves as fast from the last frame to the first as between others", () => {
    const rows = walk(50, { frames: 50, loop: true }, { count: 2000, z: null });
    const steps = rows.map((row, t) => rms(difference(rows[(t + 1) % 50]!, row)));
    // Each is a root mean square of 2000 values: 1.6 % by chance.
    const mean = steps.reduce((a, b) => a + b) / 50;
    for (const step of steps) expect(Math.abs(step / mean - 1)).toBeLessThan(0.1);
  });
});

describe("what the numbers do", () => {
  const spread = (alpha: number) => rms(walk(60, { alpha, frames: 60, loop: true }, { count: 500, z: null }).at(-1)!);
  const speed = (beta: number) => {
    const [a, b] = walk(60, { beta, frames: 60, loop: true }, { count: 500, z: null }).slice(-2) as [Float32Array, Float32Array];
    return rms(difference(b, a));
  };
  test("a larger alpha stays nearer to the photo, a larger beta moves more smoothly", () => {
    expect(spread(0.05)).toBeGreaterThan(1.2 * spread(0.1));
    expect(spread(0.1)).toBeGreaterThan(1.2 * spread(0.3));
    expect(speed(0.5)).toBeGreaterThan(1.2 * speed(0.8));
    expect(speed(0.8)).toBeGreaterThan(1.2 * speed(0.95));
  });

  test("the spread is that of the stationary process", () => {
    // AR(2) x = φ1·x' + φ2·x'' + s·n has variance s²·(1−φ2) / ((1+φ2)·((1−φ2)²−φ1²)).
    const [alpha, beta] = [0.1, 0.9];
    const [one, two, s] = [(1 - alpha) * (1 + beta), -(1 - alpha) * beta, (1 - alpha) * (1 - beta)];
    const variance = (s * s * (1 - two)) / ((1 + two) * ((1 - two) ** 2 - one ** 2));
    const rows = walk(400, { alpha, beta, frames: 400, loop: true }, { count: 200, z: null });
    const measured = rows.reduce((sum, row) => sum + rms(row) ** 2, 0) / 400;
    expect(Math.abs(measured / variance - 1)).toBeLessThan(0.1);
  });
});

it.each([
  [{ frames: 0 }, "frames must be a whole number from 1 to 4294967295, not 0"],
  [{ frames: 2.5 }, "frames must be a whole number from 1 to 4294967295, not 2.5"],
  [{ seed: -1 }, "seed must be a whole number from 0 to 4294967295, not -1"],
  [{ alpha: 1.1 }, "alpha must be a number from 0 to 1, not 1.1"],
  [{ alpha: 0, loop: true }, "alpha must be a number from 0.01 to 1 in a loop, not 0"],
  [{ beta: Number.NaN }, "beta must be a number from 0 to 1, not NaN"],
])("refuses %j", (options, message) => {
  expect(() => walk(1, options)).toThrow(new OptionError(message));
});
