// Families of ops that are one multilinear form: ⟨Ax, y⟩ = ⟨x, Aᵀy⟩, and ⟨g, x∗w⟩ for the three contractions of a convolution.
// Claerbout's dot-product test, "Earth Soundings Analysis", chapter 5. Run on both executors: test/pure in f64, test/gpu in f32.

import * as channel from "../../src/autodiff/ops/channel.ts";
import { conv2d, conv2dInput, conv2dWeight } from "../../src/autodiff/ops/conv.ts";
import { clampMaskOp, leakyReluMask } from "../../src/autodiff/ops/elementwise.ts";
import { axisBroadcast, axisSum, broadcast, sum } from "../../src/autodiff/ops/reduce.ts";
import { crop2d, pad2d, resize, transposeTaps } from "../../src/autodiff/ops/spatial.ts";
import { apply, leaf, type Shape, type Tensor } from "../../src/autodiff/tensor.ts";
import { convolutionShapes, image, randomTaps, size, someMargins } from "./cases.ts";
import { dot } from "./directional.ts";
import { evaluate, evaluateBounded } from "./evaluate.ts";
import type { Random } from "./random.ts";
import { norm, UNIT_ROUNDOFF } from "./rounding.ts";

/** Pairs of tensors whose inner products are all equal. */
export interface Identity {
  readonly products: readonly (readonly [Tensor, Tensor])[];
  readonly values: ReadonlyMap<Tensor, Float64Array>;
}

/** Float32 values, so that both executors have the same inputs. */
class Leaves {
  readonly values = new Map<Tensor, Float64Array>();
  constructor(readonly random: Random) {}
  draw(shape: Shape): Tensor {
    const t = leaf(`x${this.values.size}`, shape);
    this.values.set(t, this.random.values(t.size).map(Math.fround));
    return t;
  }
  moments(x: Tensor, groups: number): Tensor {
    const made = channel.moments(x, groups);
    const t = leaf("m", made.shape);
    this.values.set(t, evaluate([made], this.values)[0]!.map(Math.fround));
    return t;
  }
}

type Make = (leaves: Leaves) => Identity["products"];

/** ⟨Ax, y⟩ = ⟨x, By⟩. */
const adjoint =
  (shapes: (r: Random) => Shape, a: (x: Tensor, r: Random) => Tensor, b: (y: Tensor, x: Tensor, ax: Tensor) => Tensor): Make =>
  (leaves) => {
    const x = leaves.draw(shapes(leaves.random));
    const ax = a(x, leaves.random);
    const y = leaves.draw(ax.shape);
    return [
      [ax, y],
      [x, b(y, x, ax)],
    ];
  };

const groupsFor = (r: Random, x: Shape): number => r.pick([1, x[0]!]);
const attrs = <T>(t: Tensor): T => t.attrs as T;

const families: Readonly<Record<string, Make>> = {
  "convolution: ⟨g, x∗w⟩": (leaves) => {
    const shapes = convolutionShapes(leaves.random);
    const [x, w, g] = [leaves.draw(shapes.x), leaves.draw(shapes.w), leaves.draw(shapes.g)];
    return [
      [conv2d(x, w), g],
      [x, conv2dInput(g, w)],
      [w, conv2dWeight(x, g)],
    ];
  },
  "per channel: Σ g·x·a[c]": (leaves) => {
    const shape = image(leaves.random);
    const groups = groupsFor(leaves.random, shape);
    const [x, g, a] = [leaves.draw(shape), leaves.draw(shape), leaves.draw([groups, shape[1]!])];
    return [
      [channel.channelScale(x, a), g],
      [channel.channelScale(g, a), x],
      [channel.channelDot(x, g, groups), a],
    ];
  },
  "channelSum, channelBroadcast": adjoint(
    image,
    (x, r) => channel.channelSum(x, groupsFor(r, x.shape)),
    (y, x) => channel.channelBroadcast(y, x.shape),
  ),
  "sum, broadcast": adjoint(
    image,
    (x) => sum(x),
    (y, x) => broadcast(y, x.shape),
  ),
  "axisSum, axisBroadcast": adjoint(
    image,
    (x, r) => axisSum(x, r.integer(0, 3)),
    (y, x, ax) => axisBroadcast(y, attrs<{ axis: number }>(ax).axis, x.shape[attrs<{ axis: number }>(ax).axis]!),
  ),
  "pad2d, crop2d": adjoint(
    image,
    (x, r) => pad2d(x, someMargins(r)),
    (y, _, ax) => crop2d(y, attrs<{ margins: Parameters<typeof crop2d>[1] }>(ax).margins),
  ),
  "resize, resize by transposeTaps": adjoint(
    (r) => [r.integer(1, 3), r.integer(1, 3), size(r), size(r)],
    (x, r) => resize(x, randomTaps(r, x.shape[2]!), randomTaps(r, x.shape[3]!)),
    (y, _, ax) => {
      const { rows, columns } = attrs<Record<"rows" | "columns", Parameters<typeof transposeTaps>[0]>>(ax);
      return resize(y, transposeTaps(rows), transposeTaps(columns));
    },
  ),
  "leakyReluMask: self-adjoint in g": (leaves) => {
    const shape = image(leaves.random);
    const [x, g, v] = [leaves.draw(shape), leaves.draw(shape), leaves.draw(shape)];
    return [
      [leakyReluMask(g, x, 0.2), v],
      [leakyReluMask(v, x, 0.2), g],
    ];
  },
  "clampMask: self-adjoint in g": (leaves) => {
    const shape = image(leaves.random);
    const [x, g, v] = [leaves.draw(shape), leaves.draw(shape), leaves.draw(shape)];
    const mask = (t: Tensor) => apply(clampMaskOp, [t, x], { lo: -0.5, hi: 0.75 });
    return [
      [mask(g), v],
      [mask(v), g],
    ];
  },
  "normalizeGrad: self-adjoint in g": (leaves) => {
    const shape = image(leaves.random);
    const [x, g, v] = [leaves.draw(shape), leaves.draw(shape), leaves.draw(shape)];
    const m = leaves.moments(x, groupsFor(leaves.random, shape));
    return [
      [channel.normalizeGrad(g, x, m), v],
      [channel.normalizeGrad(v, x, m), g],
    ];
  },
  "normalizeCurvature: symmetric in v and g": (leaves) => {
    const shape = image(leaves.random);
    const [x, g, v, h] = [leaves.draw(shape), leaves.draw(shape), leaves.draw(shape), leaves.draw(shape)];
    const m = leaves.moments(x, groupsFor(leaves.random, shape));
    return [
      [channel.normalizeCurvature(v, g, x, m), h],
      [channel.normalizeCurvature(g, v, x, m), h],
    ];
  },
};

export const identityNames: readonly string[] = Object.keys(families);

export function identity(name: string, random: Random): Identity {
  const leaves = new Leaves(random);
  return { products: families[name]!(leaves), values: leaves.values };
}

/** The bound on the spread of the inner products, from rounding by `unit` in both tensors of each product and f64 rounding of the products. */
export function identityBound({ products, values }: Identity, unit: number): number {
  const bounded = evaluateBounded(products.flat(), values);
  const normOf = (t: Tensor) => norm(bounded.get(t)?.value ?? values.get(t)!);
  const errorOf = (t: Tensor) => ((bounded.get(t)?.bound ?? 0) * unit) / UNIT_ROUNDOFF;
  const ofProduct = ([a, b]: readonly [Tensor, Tensor]) =>
    errorOf(a) * normOf(b) + errorOf(b) * normOf(a) + 2 ** -53 * a.size * normOf(a) * normOf(b);
  return products.reduce((total, product) => total + ofProduct(product), 0);
}

/** The largest minus the smallest inner product of the computed tensors. */
export function spread({ products }: Identity, read: (t: Tensor) => ArrayLike<number>): number {
  const numbers = products.map(([a, b]) => dot(read(a), read(b)));
  return Math.max(...numbers) - Math.min(...numbers);
}
