// A convolution's result compared with plain sums in f64, and the small cases on which a variant is compared.

import type { Shape } from "../../autodiff/tensor.ts";
import type { OpCase, Variant } from "../variant.ts";
import { type Contraction, contractionOf, type Image, multiplyAdds } from "./problem.ts";

/** Heights and widths of small results: several tiles of every variant with a rest, even and odd numbers of them, and room for chunks. */
const SIZES = [
  [13, 17],
  [25, 33],
  [29, 37],
  [61, 67],
] as const;

const kernelsOf = (variant: Variant, op: OpCase): string[] =>
  variant.calls(op).map(({ kernel, template, overrides }) => JSON.stringify([kernel, template, overrides]));

/** A batch of two: kernels know the number of samples as a parameter only. */
const SAMPLES = 2;

/** Cases with the channels of `op`, as small as possible, that together need exactly its pipelines; else `op` itself. */
export function smallCases(opName: string, op: OpCase, variant: Variant): OpCase[] {
  const wanted = new Set(kernelsOf(variant, op));
  const open = new Set(wanted);
  const found: OpCase[] = [];
  for (const [h, w] of SIZES) {
    const small = resized(contractionOf(opName)!, op, h, w);
    const kernels = kernelsOf(variant, small);
    if (!kernels.every((one) => wanted.has(one)) || !kernels.some((one) => open.has(one))) continue;
    found.push(small);
    for (const one of kernels) open.delete(one);
  }
  return open.size > 0 ? [...found, op] : found;
}

/** The case with a picture of another size on the side of c_out (see Problem). */
function resized(contraction: Contraction, op: OpCase, h: number, w: number): OpCase {
  const sized = ([, c]: Shape, border: number): Shape => [SAMPLES, c!, h + border, w + border];
  const [first, second, ...rest] = op.inputs as [Shape, Shape, ...Shape[]];
  if (contraction === "conv2dWeight") return { ...op, inputs: [sized(first, 2), sized(second, 0)] };
  const border = contraction === "conv2d" ? 2 : -2;
  return { ...op, inputs: [sized(first, border), second, ...rest], shape: sized(op.shape, 0) };
}

/** Terms to add per case: less than a millisecond. Where a result has more, only some of its values are compared, from all over it. */
const MOST_TERMS = 2 ** 18;

/**
 * Largest distance between a value and its plain sum: this times √L·2⁻²⁴ times the largest Σ|terms|, L the number of terms. A direct sum
 * needs a factor of 1 to 4 (Higham 2002, section 3.1); F(4x4, 3x3), whose transforms amplify rounding errors, needs up to about 10 (Lavin &
 * Gray 2016, Vincent et al. 2017). A wrong kernel exceeds the whole by a factor of 1000: its values differ by as much as they have.
 */
const SAFETY = 64;

/** Whether a convolution's result is right. `inputs` are the values of the op's inputs. */
export function isRight(
  { opName, op }: { readonly opName: string; readonly op: OpCase },
  inputs: readonly Float32Array[],
  result: Float32Array,
): boolean {
  if (!result.every(Number.isFinite)) return false;
  const count = op.shape.reduce((a, b) => a * b, 1);
  const terms = multiplyAdds(opName, op) / count;
  let step = Math.max(1, Math.ceil((count * terms) / MOST_TERMS));
  while (greatestCommonDivisor(step, count) > 1) step++; // else some columns or channels would never be compared
  const sumAt = sumsOf(contractionOf(opName)!, op, inputs);
  let [error, magnitude] = [0, 0];
  for (let at = 0; at < count; at += step) {
    const sum = sumAt(at);
    error = Math.max(error, Math.abs(result[at]! - withEpilogue(op, inputs[2], at, sum.value)));
    magnitude = Math.max(magnitude, sum.magnitude);
  }
  return error <= SAFETY * Math.sqrt(terms) * 2 ** -24 * magnitude;
}

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b));

/** A value with the bias of its channel and LeakyReLU, where the op has them. */
function withEpilogue({ shape, attrs }: OpCase, bias: Float32Array | undefined, at: number, value: number): number {
  const [, c, h, w] = shape as unknown as Image;
  const sum = value + (bias?.[Math.floor(at / (h * w)) % c] ?? 0);
  const { alpha } = attrs as { readonly alpha?: number };
  return alpha === undefined || sum > 0 ? sum : alpha * sum;
}

/** The at-th value of a contraction of ⟨g, x∗w⟩ and the sum of its terms' magnitudes; the one object is used again. */
function sumsOf(contraction: Contraction, { inputs: shapes, shape }: OpCase, [a, b]: readonly Float32Array[]) {
  const [first, second] = [a!, b!];
  const [n, channels, height, width] = shapes[0] as unknown as Image;
  const of = { value: 0, magnitude: 0 };
  const add = (i: number, j: number): void => {
    const term = first[i]! * second[j]!;
    of.value += term;
    of.magnitude += Math.abs(term);
  };
  return (at: number) => {
    of.value = 0;
    of.magnitude = 0;
    const [, c, h, w] = shape as unknown as Image;
    const [column, row, channel, sample] = [
      at % w,
      Math.floor(at / w) % h,
      Math.floor(at / (w * h)) % c,
      Math.floor(at / (w * h * c)),
    ];
    if (contraction === "conv2dWeight") {
      // x [n,c,·,·], g [n,o,·,·]; the value is dw[sample,channel,row,column].
      const [, outputs, rows, columns] = shapes[1] as unknown as Image;
      for (let k = 0; k < n; k++)
        for (let i = 0; i < rows; i++) {
          const [x, g] = [
            ((k * channels + channel) * height + i + row) * width + column,
            ((k * outputs + sample) * rows + i) * columns,
          ];
          for (let j = 0; j < columns; j++) add(x + j, g + j);
        }
    } else if (contraction === "conv2d") {
      for (let k = 0; k < channels; k++)
        for (let u = 0; u < 3; u++)
          for (let v = 0; v < 3; v++)
            add(((sample * channels + k) * height + row + u) * width + column + v, ((channel * channels + k) * 3 + u) * 3 + v);
    } else {
      for (let k = 0; k < channels; k++)
        for (let u = 0; u < 3; u++)
          for (let v = 0; v < 3; v++) {
            const [i, j] = [row - u, column - v];
            if (i < 0 || i >= height || j < 0 || j >= width) continue;
            add(((sample * channels + k) * height + i) * width + j, ((k * c + channel) * 3 + u) * 3 + v);
          }
    }
    return of;
  };
}
