// The bound on the error of a float32 kernel: ‖got − want‖ ≤ 4·√L·2⁻²⁴·‖op(abs inputs)‖, where L is the reduction length.
// After Higham, "Accuracy and Stability of Numerical Algorithms", section 3.1, with √L instead of L because rounding errors are nearly random.

import type { Taps } from "../../src/autodiff/ops/spatial.ts";
import { type Attrs, type Shape, sizeOf } from "../../src/autodiff/tensor.ts";
import { forEachValue, normalized, reference } from "../../src/reference/ops.ts";
import { normalRadii } from "../../src/reference/philox.ts";
import type { Random } from "./random.ts";

/** The unit roundoff u: half the distance from 1 to the next float32. */
export const UNIT_ROUNDOFF = 2 ** -24;
/** The constant of the bound. It covers the roundings of a product, of a final scaling and of a tree reduction. */
const SAFETY = 4;

/** Ops that only move values and therefore do not round. */
const EXACT = new Set([
  "concat",
  "take",
  "padBatch",
  "channelBroadcast",
  "broadcast",
  "axisBroadcast",
  "pad2d",
  "crop2d",
  "floor",
  "uniform",
]);

/** The number of terms that an output value sums; 0 for exact ops. */
export function reductionLength(op: string, shapes: readonly Shape[], outShape: Shape, attrs: Attrs): number {
  if (EXACT.has(op)) return 0;
  const perEntry = (x: Shape, groups: number): number => sizeOf(x) / (groups * x[1]!);
  switch (op) {
    case "conv2d": // the bias is one more term
      return sizeOf(shapes[1]!.slice(1)) + shapes.length - 2;
    case "conv2dInput":
      return sizeOf(shapes[1]!) / shapes[1]![1]!;
    case "conv2dWeight":
      return sizeOf(shapes[1]!) / shapes[1]![1]!;
    case "channelSum":
    case "channelDot":
      return perEntry(shapes[0]!, outShape[0]!);
    case "moments":
      return perEntry(shapes[0]!, outShape[1]!);
    case "normalizeGrad":
    case "normalizeCurvature":
      return perEntry(outShape, shapes.at(-1)![0]!);
    case "sum":
      return sizeOf(shapes[0]!);
    case "axisSum":
      return shapes[0]![attrs["axis"] as number]!;
    case "resize":
      return (attrs["rows"] as Taps).width * (attrs["columns"] as Taps).width;
    default:
      return 1;
  }
}

/**
 * The quantity to which the rounding error of an output value is proportional: op(abs inputs) for ops that are linear in every input. For others
 * |value| times the error, in units of 4u, that WGSL's accuracy table allows for their operations ("WebGPU Shading Language", 15.7.4.1).
 */
export function magnitude(
  op: string,
  inputs: readonly Float64Array[],
  shapes: readonly Shape[],
  outShape: Shape,
  attrs: Attrs,
): Float64Array {
  const run = (values: readonly Float64Array[], withAttrs = attrs) =>
    reference[op]!(values, shapes, outShape, withAttrs).map(Math.abs);
  const absolute = inputs.map((x) => x.map(Math.abs));
  const times = (factor: number) => run(inputs).map((v) => factor * v);
  switch (op) {
    case "affine":
      return run(absolute, { k: Math.abs(attrs["k"] as number), c: Math.abs(attrs["c"] as number) });
    case "sum":
      return run(absolute, { k: Math.abs(attrs["k"] as number) });
    case "leakyReluMask": // linear in g only; x decides the piece
    case "clampMask":
      return run([absolute[0]!, inputs[1]!]);
    case "clamp":
    case "floor":
      return run(inputs);
    case "resize": {
      const { rows, columns } = attrs as { rows: Taps; columns: Taps };
      const positive = (taps: Taps): Taps => ({ ...taps, weight: taps.weight.map(Math.abs) });
      return run(absolute, { rows: positive(rows), columns: positive(columns) });
    }
    case "reciprocal": // a division: 2.5 ulp = 5u
      return times(2);
    case "sqrt": // 1/inverseSqrt: 2 ulp, and a division: 9u
      return times(3);
    case "tanh": // 1 − 2/(e^{2|x|}+1) from |x| = 0.625 on, where it is ≥ 0.55: (0.45·(4u of e^x + 5u of the division) + u)/0.55 < 10u
      return times(3);
    case "normal": // radius · cos: √ 9u, ln and cos 3u each, relative to the radius
      return normalRadii(inputs[0]!, attrs["stream"] as number, sizeOf(outShape)).map((r) => 4 * r);
    case "moments": // [g,2,c], mean and variance: the two-pass variance is as accurate as a sum of squares
      return run([absolute[0]!]).map((v, i) => (Math.floor(i / outShape[2]!) % 2 === 0 ? v : run(inputs)[i]!));
    case "invStd":
      return times(withFactors(1));
    case "normalize":
      return times(withFactors(1));
    case "normalizeGrad":
      return gradMagnitude(inputs, shapes, attrs);
    case "normalizeCurvature":
      return curvatureMagnitude(inputs, shapes, attrs);
    default:
      return run(absolute);
  }
}

/** Error of a product of n factors s = 1/√(variance+ε). Each has 9u from √, 5u from the division, 1u from the sum and 1u from the product. */
const withFactors = (n: number): number => 4 * n + 1;

/** Weight of terms with `sums` nested sums over L values (√L each) and n factors s (which no sum amplifies). */
const weight = (sums: number, factors: number, length: number): number => sums + withFactors(factors) / Math.sqrt(length);

/** Parts of the derivatives of normalize: means over each entry of |terms|, and |x̂| and s for each value. */
function parts(x: Float64Array, m: Float64Array, shape: Shape, groups: number, eps: number) {
  const { s, xHat } = normalized(x, m, shape, groups, eps);
  const length = sizeOf(shape) / s.length;
  const entryOf = new Uint32Array(sizeOf(shape));
  forEachValue(shape, groups, (at, entry) => {
    entryOf[at] = entry;
  });
  const mean = (f: (i: number) => number): ((i: number) => number) => {
    const total = new Float64Array(s.length);
    entryOf.forEach((entry, i) => {
      total[entry]! += Math.abs(f(i)) / length;
    });
    return (i) => total[entryOf[i]!]!;
  };
  return { length, mean, sOf: (i: number) => s[entryOf[i]!]!, xHat: xHat.map(Math.abs) };
}

/** s·(|g| + mean|g| + |x̂|·mean|g·x̂|). A term has at most one sum and three factors s. */
function gradMagnitude([g, x, m]: readonly Float64Array[], [, shape, ofMoments]: readonly Shape[], attrs: Attrs): Float64Array {
  const { length, mean, sOf, xHat } = parts(x!, m!, shape!, ofMoments![0]!, attrs["eps"] as number);
  const [meanG, meanGx] = [mean((i) => g![i]!), mean((i) => g![i]! * xHat[i]!)];
  return xHat.map((h, i) => weight(1, 3, length) * sOf(i) * (Math.abs(g![i]!) + meanG(i) + h * meanGx(i)));
}

/** The formula of normalizeCurvature with positive signs only. A term has at most two sums and five factors s. */
function curvatureMagnitude(
  [v, g, x, m]: readonly Float64Array[],
  [, , shape, ofMoments]: readonly Shape[],
  attrs: Attrs,
): Float64Array {
  const { length, mean, sOf, xHat } = parts(x!, m!, shape!, ofMoments![0]!, attrs["eps"] as number);
  const [meanG, meanV, product] = [mean((i) => g![i]!), mean((i) => v![i]!), mean((i) => g![i]! * v![i]!)];
  const [q, r] = [mean((i) => xHat[i]! * v![i]!), mean((i) => xHat[i]! * g![i]!)];
  return xHat.map((h, i) => {
    const parallel = product(i) + meanG(i) * meanV(i) + 3 * q(i) * r(i);
    const across = q(i) * (Math.abs(g![i]!) + meanG(i)) + r(i) * (Math.abs(v![i]!) + meanV(i));
    return weight(2, 5, length) * sOf(i) ** 2 * (across + h * parallel);
  });
}

export const norm = (x: Float64Array): number => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));

/** The bound on ‖got − want‖. */
export function errorBound(
  op: string,
  inputs: readonly Float64Array[],
  shapes: readonly Shape[],
  outShape: Shape,
  attrs: Attrs,
): number {
  const length = reductionLength(op, shapes, outShape, attrs);
  return SAFETY * Math.sqrt(length) * UNIT_ROUNDOFF * norm(magnitude(op, inputs, shapes, outShape, attrs));
}

/** Adds random errors of the size of the bound to a value. */
export function rounded(
  random: Random,
  value: Float64Array,
  ...[op, inputs, shapes, outShape, attrs]: Parameters<typeof errorBound>
): Float64Array {
  const scale = Math.sqrt(reductionLength(op, shapes, outShape, attrs)) * UNIT_ROUNDOFF;
  const size = magnitude(op, inputs, shapes, outShape, attrs);
  return value.map((v, i) => v + scale * size[i]! * (2 * random.unit() - 1));
}
