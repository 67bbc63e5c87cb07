// Tap tables and resizing: numbers computed by hand, recorded results of PyTorch and the official code, and properties of the grid.
// Both the recorded results and ours are float64 values rounded to float32, so they may differ in the last bit, 2⁻²³ of the largest value.

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { levels, type Planes, toPlanes } from "../../src/image/planes.ts";
import {
  bicubicTaps,
  bilinearTaps,
  float32Taps,
  imresize,
  imresizeTo,
  periodicTaps,
  resample,
  resample64,
  type Taps,
} from "../../src/image/resample.ts";
import { readSafetensors } from "../../src/singan/model/safetensors.ts";
import { BILINEAR, imresizeOfficial, officialTaps, truncateToLevels } from "../reference/resampling.ts";

const folder = new URL("../golden/", import.meta.url);
const LAST_BIT = 2 ** -23;

function golden(name: string) {
  const { tensors, metadata } = readSafetensors(readFileSync(new URL(`${name}.safetensors`, folder)));
  const tensor = (key: string) => tensors.get(key)!;
  const planes = (key: string): Planes => {
    const { shape, data } = tensor(key);
    return { width: shape.at(-1)!, height: shape.at(-2)!, data: Float32Array.from(data) };
  };
  const photo = (): Planes => {
    const { shape, data } = tensor("image_u8_hwc");
    return toPlanes({ width: shape[1]!, height: shape[0]!, data: data as Uint8Array });
  };
  return { tensor, planes, photo, has: (key: string) => tensors.has(key), params: JSON.parse(metadata["params"] ?? "{}") };
}

const cases = (prefix: string): string[] => {
  const names = readdirSync(folder).filter((file) => file.startsWith(prefix) && file.endsWith(".safetensors"));
  if (names.length === 0) throw new Error(`no golden files ${prefix}*`);
  return names.map((file) => file.slice(0, -".safetensors".length)).sort();
};

const largest = (values: ArrayLike<number>): number => Array.from(values).reduce((max, v) => Math.max(max, Math.abs(v)), 0);

function expectNear(got: ArrayLike<number>, want: ArrayLike<number>): void {
  expect(got.length).toBe(want.length);
  expect(largest(Array.from(got, (v, i) => v - want[i]!))).toBeLessThanOrEqual(LAST_BIT * largest(want));
}

/** [h,w,3] → [3,h,w]. */
const planar = (hwc: ArrayLike<number>): Float32Array =>
  Float32Array.from({ length: hwc.length }, (_, i) => hwc[(i % (hwc.length / 3)) * 3 + Math.floor(i / (hwc.length / 3))]!);

/** The weight of each input in one output: the sum over its taps. */
function weights(taps: Taps, o: number): Record<number, number> {
  const sums: Record<number, number> = {};
  for (let k = o * taps.width; k < (o + 1) * taps.width; k++) {
    if (taps.weight[k] !== 0) sums[taps.index[k]!] = (sums[taps.index[k]!] ?? 0) + taps.weight[k]!;
  }
  return sums;
}

function expectWeights(taps: Taps, o: number, want: Record<number, number>): void {
  const got = weights(taps, o);
  expect(Object.keys(got)).toEqual(Object.keys(want));
  // The tables below have four decimals, and a reflected tap adds two such numbers.
  for (const [i, weight] of Object.entries(want)) expect(Math.abs(got[Number(i)]! - weight)).toBeLessThanOrEqual(1.01e-4);
}

const picture = (width: number, height: number, f: (x: number, y: number, c: number) => number): Planes => ({
  width,
  height,
  data: Float32Array.from({ length: 3 * width * height }, (_, i) =>
    f(i % width, Math.floor(i / width) % height, Math.floor(i / (width * height))),
  ),
});

const BORDERS = [
  ["mirror", bicubicTaps],
  ["official", officialTaps],
] as const;

describe("bicubic tables", () => {
  it.each(BORDERS)("factor 1.25, 10 to 13, border %s", (border, tapsOf) => {
    const taps = tapsOf(10, 1.25);
    expect(taps.outSize).toBe(13);
    expect(taps.width).toBeLessThanOrEqual(4);
    expectWeights(taps, 2, { 0: -0.0625, 1: 0.5625, 2: 0.5625, 3: -0.0625 });
    expectWeights(taps, 11, { 7: -0.0315, 8: 0.2895, 9: 0.8155 - 0.0735 });
    expectWeights(taps, 12, { 8: -0.0625 - 0.0625, 9: 0.5625 + 0.5625 });
    if (border === "official") {
      expectWeights(taps, 0, { 0: 1.0433, 1: -0.0433 });
      expectWeights(taps, 1, { 0: 0.2807, 1: 0.7906, 2: -0.0713 });
    }
  });

  it.each(BORDERS)("factor 0.75 antialiased, 20 to 15, border %s", (border, tapsOf) => {
    const taps = tapsOf(20, 0.75);
    expect(taps.outSize).toBe(15);
    expectWeights(taps, 7, { 7: -0.0051, 8: -0.0356, 9: 0.5406, 10: 0.5406, 11: -0.0356, 12: -0.0051 });
    expectWeights(taps, 14, { 17: -0.0552, 18: 0.2936 - 0.0331, 19: 0.7263 + 0.0684 });
    if (border === "official") expectWeights(taps, 0, { 0: 0.7529, 1: 0.3043, 2: -0.0572 });
    else expectWeights(taps, 0, { 0: 0.7263 + 0.0684, 1: 0.2936 - 0.0331, 2: -0.0552 });
  });

  it("sums to 1, pads with index 0, and has 16 taps at a quarter", () => {
    const taps = bicubicTaps(40, 0.25);
    expect(taps.width).toBe(16);
    for (let o = 0; o < taps.outSize; o++) {
      const row = taps.weight.subarray(o * taps.width, (o + 1) * taps.width);
      expect(row.reduce((sum, w) => sum + w)).toBeCloseTo(1, 14);
      row.forEach((w, k) => {
        if (w === 0) expect(taps.index[o * taps.width + k]).toBe(0);
      });
    }
  });

  it("rounds lengths up, but not for an ulp", () => {
    expect(bicubicTaps(33, 4 / 3).outSize).toBe(44);
    expect(bicubicTaps(10, 1.25).outSize).toBe(13);
    expect(bicubicTaps(36, 25.000000000000004 / 36).outSize).toBe(25);
  });

  it("outSize crops and extends without moving the grid", () => {
    const whole = bicubicTaps(20, 1.3);
    for (const outSize of [24, 26, 29]) {
      const other = bicubicTaps(20, 1.3, outSize);
      expect(other.outSize).toBe(outSize);
      for (let o = 0; o < Math.min(outSize, whole.outSize); o++) expect(weights(other, o)).toEqual(weights(whole, o));
      expect(largest(other.index)).toBe(19);
    }
  });

  it("mirrors more than once when the kernel is wider than the axis", () => {
    const taps = bicubicTaps(2, 0.1, 1);
    expect(largest(taps.index)).toBe(1);
    expect(taps.weight.reduce((sum, w) => sum + w)).toBeCloseTo(1, 14);
  });

  it.each([
    [0, 1],
    [5, 0],
    [5, Number.NaN],
    [5, Infinity],
    [2.5, 2],
  ])("refuses size %s and factor %s", (size, scale) => {
    expect(() => bicubicTaps(size, scale)).toThrow(RangeError);
  });
});

describe("bilinear tables", () => {
  it("with scale: imresize's grid, cropped, clamped at the ends", () => {
    const taps = bilinearTaps(10, 12, 1.25); // 13 outputs without cropping
    expect(taps.outSize).toBe(12);
    expect(weights(taps, 0)).toEqual({ 0: 1 });
    expectWeights(taps, 1, { 0: 0.3, 1: 0.7 });
    expectWeights(taps, 2, { 1: 0.5, 2: 0.5 });
    expectWeights(taps, 11, { 8: 0.3, 9: 0.7 });
    expect(weights(bilinearTaps(10, 16, 1.25), 15)).toEqual({ 9: 1 });
  });

  it("one sample stays one sample", () => {
    for (const taps of Object.values(BILINEAR)) expect(weights(taps(1, 3), 2)).toEqual({ 0: 1 });
    expect(weights(BILINEAR.corners(5, 1), 0)).toEqual({ 0: 1 });
  });
});

describe.each(cases("d_bilinear"))("%s: F.interpolate", (name) => {
  it.each(Object.entries(BILINEAR))("%s", (kind, tapsOf) => {
    const { tensor } = golden(name);
    const x = tensor("x");
    const y = tensor(`${kind}.y`);
    const taps = (axis: number) => tapsOf(x.shape.at(axis)!, y.shape.at(axis)!);
    expectNear(Float32Array.from(resample64(x.data, x.shape[1]!, taps(-2), taps(-1))), y.data);
  });
});

describe.each(cases("d_imresize"))("%s: the official imresize", (name) => {
  const { tensor, planes, photo, has, params } = golden(name);
  const x = has("x") ? planes("x") : photo();

  it("truncates to 8 bits", () => {
    expect(truncateToLevels(x.data)).toEqual(Uint8Array.from(planar(tensor("x_u8_hwc").data)));
  });

  it.each((params.scales as number[]).map((scale, k) => [k, scale] as const))("y.%i, factor %f", (k, scale) => {
    const want = planes(`y.${k}`);
    const got = imresizeOfficial(x, scale);
    expect(got).toEqual(want); // the float32 steps are the official ones, so all bits agree
    if (!has(`y_raw_hwc.${k}`)) return;
    const taps = (size: number) => officialTaps(size, scale);
    const raw = resample64(truncateToLevels(x.data), 3, taps(x.height), taps(x.width));
    expectNear(Float32Array.from(raw), planar(tensor(`y_raw_hwc.${k}`).data));
  });
});

describe.each([...cases("d_pyramid"), ...cases("h_trace_").filter((n) => n.endsWith("inputs"))])(
  "%s: the official pyramid",
  (name) => {
    it("gives the recorded pictures", () => {
      const { planes, photo, params } = golden(name);
      const stop: number = params.stop_scale;
      const size = ([height, width]: [number, number]) => ({ width, height });
      const real = imresizeOfficial(photo(), params.scale1, size(params.real_size));
      for (let n = 0; n <= stop; n++) {
        const got = imresizeOfficial(real, params.scale_factor ** (stop - n), size(params.sizes[n]));
        expect(got).toEqual(planes(`real.${n}`));
      }
    });
  },
);

describe("imresize", () => {
  const wavy = picture(20, 16, (x, y, c) => 0.6 * Math.sin(1 + 0.9 * x + 0.2 * c) * Math.cos(0.7 * y));
  const flipped = (p: Planes): Planes =>
    picture(p.width, p.height, (x, y, c) => p.data[(c * p.height + p.height - 1 - y) * p.width + p.width - 1 - x]!);

  it("treats both ends alike; the official border does not", () => {
    expectNear(imresize(flipped(wavy), 0.75).data, flipped(imresize(wavy, 0.75)).data);
    expect(() => expectNear(imresizeOfficial(flipped(wavy), 0.75).data, flipped(imresizeOfficial(wavy, 0.75)).data)).toThrow();
  });

  it("follows a ramp on its grid, whatever the size asked for", () => {
    const ramp = picture(20, 16, (x, y) => 0.04 * x - 0.02 * y);
    const got = imresize(ramp, 1.3, { width: 25, height: 22 });
    for (let y = 3; y < 18; y++) {
      // At least 2 samples from the border, cubic interpolation of a straight line is exact up to the rounding of the float32 input.
      for (let x = 3; x < 22; x++)
        expect(got.data[y * 25 + x]).toBeCloseTo(0.04 * ((x + 0.5) / 1.3 - 0.5) - 0.02 * ((y + 0.5) / 1.3 - 0.5), 6);
    }
  });

  it("is clamped to [-1,1] where resample overshoots", () => {
    const step = picture(12, 12, (x) => (x < 6 ? -1 : 1));
    const taps = bicubicTaps(12, 1.5);
    expect(largest(resample(step, taps, taps).data)).toBeGreaterThan(1.01);
    expect(largest(imresize(step, 1.5).data)).toBe(1);
  });

  it("factor 1 changes nothing, except through the official 8 bits", () => {
    expect(imresize(wavy, 1)).toEqual(wavy);
    const grey = picture(1, 1, () => levels[50]!);
    expect(imresizeOfficial(grey, 1).data[0]).toBe(levels[49]);
  });

  it("imresizeTo: exact sizes, and each axis decides about antialiasing", () => {
    const stripes = picture(32, 8, (x) => (x % 2 ? 1 : -1));
    const got = imresizeTo(stripes, { width: 9, height: 17 });
    expect([got.width, got.height, got.data.length]).toEqual([9, 17, 3 * 9 * 17]);
    // Stripes of one pixel must vanish at 9/32. An amplitude of 0.03 remains inside and 0.16 at the mirrored ends; without antialiasing 0.98.
    expect(largest(got.data)).toBeLessThan(0.2);
  });

  it("refuses tables of another size", () => {
    const taps = bicubicTaps(16, 0.5);
    expect(() => resample(wavy, taps, taps)).toThrow(RangeError);
  });

  it("float32Taps only rounds", () => {
    const taps = bicubicTaps(20, 1.3);
    const rounded = float32Taps(taps);
    expect(rounded.weight).toBeInstanceOf(Float32Array);
    expect(rounded.weight).toEqual(Float32Array.from(taps.weight));
    expect(rounded.index).toBe(taps.index);
  });
});

describe("periodicTaps", () => {
  it.each(["bicubic", "bilinear"] as const)("makes periodic results of periodic inputs: %s", (kind) => {
    const x = Float64Array.from({ length: 7 }, (_, i) => Math.cos(i * i));
    const wrapped = (i: number) => x[((i % 7) + 7) % 7]!;
    const valuesFrom = (first: number, count: number): number[] => {
      const { taps, start } = periodicTaps(kind, 7, 10, first, count);
      return Array.from({ length: count }, (_, o) => {
        let sum = 0;
        for (let k = 0; k < taps.width; k++)
          sum += taps.weight[o * taps.width + k]! * wrapped(start + taps.index[o * taps.width + k]!);
        return sum;
      });
    };
    const period = valuesFrom(0, 10);
    expect(valuesFrom(-13, 33)).toEqual(Array.from({ length: 33 }, (_, i) => period[(((i - 13) % 10) + 10) % 10]!));
    // Inside, these are the values of the usual table by the same factor.
    const usual = resample64(
      x,
      1,
      bicubicTaps(1, 1),
      kind === "bicubic" ? bicubicTaps(7, 10 / 7, 10) : bilinearTaps(7, 10, 10 / 7),
    );
    for (let o = 3; o < 7; o++) expect(period[o]).toBeCloseTo(usual[o]!, 12);
  });
});
