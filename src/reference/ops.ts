// Every op as plain, deliberately simple loops in f64. The VJP rules and the kernels are checked against them: in tests, and at the start
// of a training (runtime/self-test.ts), which loads them on demand.
// The doc comments of src/autodiff/ops define the ops. This file shares only types with them.

import type { Margins, Taps } from "../autodiff/ops/spatial.ts";
import { type Attrs, type Shape, sizeOf } from "../autodiff/tensor.ts";
import { normalValues, uniformValues } from "./philox.ts";

/** Computes an op's value from the values and shapes of its inputs. Inputs of type "bits" are u32 values as numbers. */
export type Reference = (
  inputs: readonly Float64Array[],
  shapes: readonly Shape[],
  outShape: Shape,
  attrs: Attrs,
) => Float64Array;

const zeros = (shape: Shape): Float64Array => new Float64Array(sizeOf(shape));
const numbers = (attrs: Attrs) => attrs as Readonly<Record<string, number>>;

const unary =
  (f: (x: number, attrs: Readonly<Record<string, number>>) => number): Reference =>
  ([x], _, __, attrs) =>
    x!.map((v) => f(v, numbers(attrs)));
const binary =
  (f: (a: number, b: number, attrs: Readonly<Record<string, number>>) => number): Reference =>
  ([a, b], _, __, attrs) =>
    a!.map((v, i) => f(v, b![i]!, numbers(attrs)));

// --- Per channel: x [n,c,…]; entry g·c + ch of a per-channel tensor [g,c], where g is 1 or n.

/** Visits every value of x together with its entry of the per-channel tensor. */
export function forEachValue(x: Shape, groups: number, visit: (at: number, entry: number) => void): void {
  const [samples, channels] = x as [number, number];
  const positions = sizeOf(x) / (samples * channels);
  let at = 0;
  for (let n = 0; n < samples; n++) {
    for (let c = 0; c < channels; c++) {
      for (let p = 0; p < positions; p++) visit(at++, (groups === 1 ? 0 : n) * channels + c);
    }
  }
}

/** The sum of f over the values of each entry. */
function sums(x: Shape, groups: number, f: (at: number, entry: number) => number): Float64Array {
  const out = zeros([groups, x[1]!]);
  forEachValue(x, groups, (at, entry) => {
    out[entry]! += f(at, entry);
  });
  return out;
}

function means(x: Shape, groups: number, f: (at: number, entry: number) => number): Float64Array {
  const count = sizeOf(x) / (groups * x[1]!);
  return sums(x, groups, f).map((v) => v / count);
}

function perValue(x: Shape, groups: number, f: (at: number, entry: number) => number): Float64Array {
  const out = zeros(x);
  forEachValue(x, groups, (at, entry) => {
    out[at] = f(at, entry);
  });
  return out;
}

/** s = 1/√(variance + ε) per entry and x̂ = (x − mean)·s, from the given moments m [g,2,c]. */
export function normalized(x: Float64Array, m: Float64Array, shape: Shape, groups: number, eps: number) {
  const channels = shape[1]!;
  const half = (which: number) =>
    Float64Array.from(
      { length: groups * channels },
      (_, e) => m[(2 * Math.floor(e / channels) + which) * channels + (e % channels)]!,
    );
  const mean = half(0);
  const s = half(1).map((variance) => 1 / Math.sqrt(variance + eps));
  const xHat = perValue(shape, groups, (i, e) => (x[i]! - mean[e]!) * s[e]!);
  return { s, xHat };
}

const groupsOf = (moments: Shape): number => moments[0]!;

const moments: Reference = ([x], [shape], _, attrs) => {
  const { groups } = numbers(attrs) as { groups: number };
  const mean = means(shape!, groups, (i) => x![i]!);
  const variance = means(shape!, groups, (i, e) => (x![i]! - mean[e]!) ** 2);
  const channels = shape![1]!;
  const group = (values: Float64Array, g: number) => values.subarray(g * channels, (g + 1) * channels);
  return Float64Array.from(Array.from({ length: groups }, (_, g) => [...group(mean, g), ...group(variance, g)]).flat());
};

const normalizeGrad: Reference = ([g, x, m], [, shape, ofMoments], _, attrs) => {
  const groups = groupsOf(ofMoments!);
  const { s, xHat } = normalized(x!, m!, shape!, groups, attrs["eps"] as number);
  const meanG = means(shape!, groups, (i) => g![i]!);
  const meanGx = means(shape!, groups, (i) => g![i]! * xHat[i]!);
  return perValue(shape!, groups, (i, e) => s[e]! * (g![i]! - meanG[e]! - xHat[i]! * meanGx[e]!));
};

const normalizeCurvature: Reference = ([v, g, x, m], [, , shape, ofMoments], _, attrs) => {
  const groups = groupsOf(ofMoments!);
  const { s, xHat } = normalized(x!, m!, shape!, groups, attrs["eps"] as number);
  const mean = (f: (i: number) => number) => means(shape!, groups, f);
  const [meanG, meanV, product] = [mean((i) => g![i]!), mean((i) => v![i]!), mean((i) => g![i]! * v![i]!)];
  const [q, r] = [mean((i) => xHat[i]! * v![i]!), mean((i) => xHat[i]! * g![i]!)];
  return perValue(shape!, groups, (i, e) => {
    const parallel = product[e]! - meanG[e]! * meanV[e]! - 3 * q[e]! * r[e]!;
    return -(s[e]! ** 2) * (q[e]! * (g![i]! - meanG[e]!) + r[e]! * (v![i]! - meanV[e]!) + xHat[i]! * parallel);
  });
};

// --- Convolution: the three contractions of ⟨g, x∗w⟩ share the loop over (n,o,c,i,j,u,v).

type Visit = (x: number, w: number, g: number) => void;

function forEachProduct(x: Shape, w: Shape, visit: Visit): void {
  const [samples, inputs, height, width] = x as [number, number, number, number];
  const [outputs, , rows, columns] = w as [number, number, number, number];
  const [h, k] = [height - rows + 1, width - columns + 1];
  for (let n = 0; n < samples; n++)
    for (let o = 0; o < outputs; o++)
      for (let i = 0; i < h; i++)
        for (let j = 0; j < k; j++)
          for (let c = 0; c < inputs; c++)
            for (let u = 0; u < rows; u++)
              for (let v = 0; v < columns; v++)
                visit(
                  ((n * inputs + c) * height + i + u) * width + j + v,
                  ((o * inputs + c) * rows + u) * columns + v,
                  ((n * outputs + o) * h + i) * k + j,
                );
}

const conv2d: Reference = ([x, w, b], [ofX, ofW], outShape) => {
  const area = outShape[2]! * outShape[3]!;
  const y = zeros(outShape).map((_, i) => b?.[Math.floor(i / area) % outShape[1]!] ?? 0);
  forEachProduct(ofX!, ofW!, (atX, atW, atG) => {
    y[atG]! += x![atX]! * w![atW]!;
  });
  return y;
};
const conv2dInput: Reference = ([g, w], [, ofW], outShape) => {
  const x = zeros(outShape);
  forEachProduct(outShape, ofW!, (atX, atW, atG) => {
    x[atX]! += g![atG]! * w![atW]!;
  });
  return x;
};
const conv2dWeight: Reference = ([x, g], [ofX], outShape) => {
  const w = zeros(outShape);
  forEachProduct(ofX!, outShape, (atX, atW, atG) => {
    w[atW]! += x![atX]! * g![atG]!;
  });
  return w;
};

// --- One axis, and the last two.

/** Visits every value of x with the index of its sum over `axis`. */
function forEachAlong(x: Shape, axis: number, visit: (at: number, sum: number) => void): void {
  const inner = sizeOf(x.slice(axis + 1));
  for (let at = 0; at < sizeOf(x); at++) visit(at, Math.floor(at / (x[axis]! * inner)) * inner + (at % inner));
}

/** y[r,i,j] = f(r,i,j) over rows of images. */
function images(outShape: Shape, f: (row: number, i: number, j: number) => number): Float64Array {
  const [height, width] = [outShape.at(-2)!, outShape.at(-1)!];
  return zeros(outShape).map((_, at) => f(Math.floor(at / (height * width)), Math.floor(at / width) % height, at % width));
}

const shifted =
  (sign: number): Reference =>
  ([x], [shape], outShape, attrs) => {
    const { top, left } = attrs["margins"] as Margins;
    const [height, width] = [shape!.at(-2)!, shape!.at(-1)!];
    return images(outShape, (row, i, j) => {
      const [k, l] = [i - sign * top, j - sign * left];
      return k >= 0 && k < height && l >= 0 && l < width ? x![(row * height + k) * width + l]! : 0;
    });
  };

const resize: Reference = ([x], _, outShape, attrs) => {
  const { rows, columns } = attrs as { rows: Taps; columns: Taps };
  return images(outShape, (image, i, j) => {
    let sum = 0;
    for (let a = i * rows.width; a < (i + 1) * rows.width; a++) {
      for (let b = j * columns.width; b < (j + 1) * columns.width; b++) {
        const at = (image * rows.inSize + rows.index[a]!) * columns.inSize + columns.index[b]!;
        sum += rows.weight[a]! * columns.weight[b]! * x![at]!;
      }
    }
    return sum;
  });
};

export const reference: Readonly<Record<string, Reference>> = {
  add: binary((a, b) => a + b),
  mul: binary((a, b) => a * b),
  affine: unary((x, { k, c }) => k! * x + c!),
  tanh: unary(Math.tanh),
  sqrt: unary(Math.sqrt),
  reciprocal: unary((x) => (x === 0 ? 0 : 1 / x)),
  clamp: unary((x, { lo, hi }) => Math.min(Math.max(x, lo!), hi!)),
  clampMask: binary((g, x, { lo, hi }) => (x > lo! && x < hi! ? g : 0)),
  floor: unary(Math.floor),
  leakyReluMask: binary((g, x, { alpha }) => (x > 0 ? g : alpha! * g)),
  fill: (_, __, outShape, { value }) => zeros(outShape).fill(value as number),

  channelSum: ([x], [shape], [groups]) => sums(shape!, groups!, (i) => x![i]!),
  channelDot: ([x, y], [shape], [groups]) => sums(shape!, groups!, (i) => x![i]! * y![i]!),
  channelBroadcast: ([a], [ofA], outShape) => perValue(outShape, ofA![0]!, (_, e) => a![e]!),
  channelScale: ([x, a], [shape, ofA]) => perValue(shape!, ofA![0]!, (i, e) => a![e]! * x![i]!),
  channelAffine: ([x, a, b], [shape, ofA]) => perValue(shape!, ofA![0]!, (i, e) => a![e]! * x![i]! + b![e]!),
  moments,
  normalize: ([x, m], [shape, ofMoments], _, { eps }) => normalized(x!, m!, shape!, groupsOf(ofMoments!), eps as number).xHat,
  invStd: ([x, m], [shape, ofMoments], _, { eps }) => normalized(x!, m!, shape!, groupsOf(ofMoments!), eps as number).s,
  normalizeGrad,
  normalizeCurvature,

  conv2d,
  conv2dInput,
  conv2dWeight,

  sum: ([x], _, __, { k }) => Float64Array.of((k as number) * x!.reduce((a, b) => a + b, 0)),
  broadcast: ([a], _, outShape) => zeros(outShape).fill(a![0]!),
  axisSum: ([x], [shape], outShape, { axis }) => {
    const y = zeros(outShape);
    forEachAlong(shape!, axis as number, (at, sum) => {
      y[sum]! += x![at]!;
    });
    return y;
  },
  axisBroadcast: ([x], _, outShape, { axis }) => {
    const y = zeros(outShape);
    forEachAlong(outShape, axis as number, (at, sum) => {
      y[at] = x![sum]!;
    });
    return y;
  },
  quantize: ([x, palette], [shape]) => {
    const [n, , h, w] = shape as [number, number, number, number];
    const y = zeros(shape!);
    for (let i = 0; i < n; i++) {
      for (let p = 0; p < h * w; p++) {
        const at = (c: number) => (3 * i + c) * h * w + p;
        const distances = Array.from({ length: palette!.length / 3 }, (_, k) =>
          [0, 1, 2].reduce((sum, c) => sum + (x![at(c)]! - palette![3 * k + c]!) ** 2, 0),
        );
        const best = distances.indexOf(Math.min(...distances));
        for (let c = 0; c < 3; c++) y[at(c)] = palette![3 * best + c]!;
      }
    }
    return y;
  },
  pad2d: shifted(1),
  crop2d: shifted(-1),
  resize,

  concat: ([a, b]) => Float64Array.of(...a!, ...b!),
  take: ([x], [shape], outShape, { first }) => {
    const sample = sizeOf(shape!.slice(1));
    return x!.slice((first as number) * sample, (first as number) * sample + sizeOf(outShape));
  },
  padBatch: ([x], [shape], outShape, { first }) => {
    const y = zeros(outShape);
    y.set(x!, (first as number) * sizeOf(shape!.slice(1)));
    return y;
  },

  uniform: ([key], _, outShape, { stream }) => uniformValues(key!, stream as number, sizeOf(outShape)),
  normal: ([key], _, outShape, { stream }) => normalValues(key!, stream as number, sizeOf(outShape)),
};
