// Fused ops: what the five-layer nets and their losses compute again and again, with one kernel each (docs/adr/0006). Each has a form
// `composed` of plain ops, against which it is tested, and through which it is differentiated where it has no derivative of its own. The
// derivatives of batch norm, up to the second order that the gradient penalty needs, are fused ops too.

import { grad } from "../grad.ts";
import {
  type Attrs,
  apply,
  commonShape,
  type Example,
  example,
  type None,
  type Op,
  requireShape,
  type Shape,
  sameShape,
  type Tensor,
} from "../tensor.ts";
import {
  channelAffine,
  channelDot,
  channelScale,
  channelSum,
  moments,
  NORM_EPS,
  normalize,
  normalizeCurvature,
  normalizeGrad,
} from "./channel.ts";
import { conv2d, conv2dOp, convolutionVjp } from "./conv.ts";
import { add, addScalar, affine, clamp, leakyRelu, leakyReluMask, mul, scale, sqrt, sub, tanh } from "./elementwise.ts";
import { axisBroadcast, axisSum, broadcast, sum } from "./reduce.ts";
import { type Margins, pad2d, resize, resizeOp, type Taps } from "./spatial.ts";

/** The derivative of the composed form; none for the inputs at `constants`. */
function throughComposed<A extends Attrs>(g: Tensor, node: Tensor<A>, constants: readonly number[] = []): (Tensor | null)[] {
  const { op, inputs, attrs } = node;
  const cotangents = grad(op!.composed!(inputs, attrs), inputs, g);
  return cotangents.map((t, i) => (constants.includes(i) ? null : t));
}

// --- Batch norm and LeakyReLU. x [n,c,h,w], its moments m, γ and β [1,c]; with x̂ normalised by m,
// ---   y = LeakyReLU(γ·x̂ + β),  k = 1 where y > 0, α elsewhere,  P_x as in channel.ts.
// --- As there, m only saves computing the statistics again. The derivatives read y only for k, which is locally constant: where a program
// --- backpropagates through a pass later, with other γ and β, the pass keeps its kinks.

type Norm = { readonly eps: number; readonly alpha: number };

const image: Shape = [2, 3, 5, 4];
const channels: Shape = [1, 3];

function checkNorm(name: string, images: readonly Shape[], m: Shape, perChannel: readonly Shape[]): void {
  const x = images[0]!;
  requireShape(
    images.every((s) => sameShape(s, x)),
    `${name}: images [${images.join("], [")}] differ`,
  );
  const fits = m.length === 3 && m[1] === 2 && (m[0] === 1 || m[0] === x[0]) && m[2] === x[1];
  requireShape(fits, `${name}: moments [${m}] do not fit [${x}]`);
  for (const a of perChannel) requireShape(sameShape(a, [1, x[1]!]), `${name}: [${a}] is not one value per channel`);
}

/** Examples of an op whose inputs are `before` images, then x, m, γ and `last`. */
const normExamples = (before: number, last: Shape): readonly Example<Norm>[] =>
  [1, 2].map((groups) => ({
    inputs: [...Array<Shape>(before + 1).fill(image), [groups, 2, 3], channels, last],
    attrs: { eps: NORM_EPS, alpha: 0.2 },
    derive: { to: before + 1, make: (inputs) => moments(inputs[before]!, groups) },
  }));

/** y = LeakyReLU(γ·x̂ + β). */
export const normLeaky = (x: Tensor, m: Tensor, gamma: Tensor, beta: Tensor, alpha: number, eps = NORM_EPS): Tensor =>
  apply(normLeakyOp, [x, m, gamma, beta], { eps, alpha });
export const normLeakyOp: Op<Norm> = {
  name: "normLeaky",
  shape: ([x, m, gamma, beta]) => {
    checkNorm("normLeaky", [x!], m!, [gamma!, beta!]);
    return x!;
  },
  vjp: (g, node) => {
    const [x, m, gamma] = node.inputs as readonly [Tensor, Tensor, Tensor];
    const of = [g, x, m, gamma, node];
    return [
      apply(normLeakyGradOp, of, node.attrs),
      null,
      apply(normLeakyScaleGradOp, of, node.attrs),
      apply(normLeakyShiftGradOp, of, node.attrs),
    ];
  },
  examples: normExamples(0, channels),
  composed: ([x, m, gamma, beta], { eps, alpha }) => leakyRelu(channelAffine(normalize(x!, m!, eps), gamma!, beta!), alpha),
};

/** x, m, γ, y and k·g. */
type Normed = { readonly x: Tensor; readonly m: Tensor; readonly gamma: Tensor; masked(g: Tensor): Tensor } & Norm;

/** A derivative: its inputs are `before` images, then x, m, γ, y. */
function derivative(
  name: string,
  before: number,
  perChannel: boolean,
  composed: (images: readonly Tensor[], of: Normed) => Tensor,
  vjp?: Op<Norm>["vjp"],
): Op<Norm> {
  return {
    name,
    shape: (inputs) => {
      const [m, gamma, y] = inputs.slice(before + 1) as [Shape, Shape, Shape];
      checkNorm(name, [...inputs.slice(0, before + 1), y], m, [gamma]);
      return perChannel ? gamma : y;
    },
    vjp: vjp ?? ((g, node) => throughComposed(g, node, [before + 1, before + 3])),
    examples: normExamples(before, image),
    composed: (inputs, attrs) => {
      const [x, m, gamma, y] = inputs.slice(before) as [Tensor, Tensor, Tensor, Tensor];
      const masked = (g: Tensor) => leakyReluMask(g, y, attrs.alpha);
      return composed(inputs.slice(0, before), { x, m, gamma, masked, ...attrs });
    },
  };
}

/** The input gradient h = γ·P_x[k·g]. */
export const normLeakyGradOp = derivative(
  "normLeakyGrad",
  1,
  false,
  ([g], { x, m, gamma, masked, eps }) => normalizeGrad(channelScale(masked(g!), gamma), x, m, eps),
  (v, { inputs: [g, ...of], attrs }) => [
    apply(normLeakyTangentOp, [v, ...of], attrs),
    apply(normLeakyCurvatureOp, [v, g!, ...of], attrs),
    null,
    apply(normLeakyScaleCurvatureOp, [v, g!, ...of], attrs),
    null,
  ],
);
/** ∂⟨g, y⟩/∂γ = Σ k·g·x̂, over samples and positions. */
export const normLeakyScaleGradOp = derivative("normLeakyScaleGrad", 1, true, ([g], { x, m, masked, eps }) =>
  channelDot(masked(g!), normalize(x, m, eps), 1),
);
/** ∂⟨g, y⟩/∂β = Σ k·g. */
export const normLeakyShiftGradOp = derivative("normLeakyShiftGrad", 1, true, ([g], { masked }) => channelSum(masked(g!), 1));

/** ∂⟨v, h⟩/∂g = k·γ·P_x[v]: the tangent of the forward pass. */
export const normLeakyTangentOp = derivative("normLeakyTangent", 1, false, ([v], { x, m, gamma, masked, eps }) =>
  masked(channelScale(normalizeGrad(v!, x, m, eps), gamma)),
);
/** ∂⟨v, h⟩/∂x: normalizeCurvature of v and γ·k·g. */
export const normLeakyCurvatureOp = derivative("normLeakyCurvature", 2, false, ([v, g], { x, m, gamma, masked, eps }) =>
  normalizeCurvature(v!, channelScale(masked(g!), gamma), x, m, eps),
);
/** ∂⟨v, h⟩/∂γ = Σ k·g·P_x[v]. */
export const normLeakyScaleCurvatureOp = derivative("normLeakyScaleCurvature", 2, true, ([v, g], { x, m, masked, eps }) =>
  channelDot(masked(g!), normalizeGrad(v!, x, m, eps), 1),
);

/** LeakyReLU(x∗w + b), a block without norm. The slope α is positive, so that the sign of the result is that of x∗w + b. */
export const conv2dLeaky = (x: Tensor, w: Tensor, b: Tensor, alpha: number): Tensor => apply(conv2dLeakyOp, [x, w, b], { alpha });
export const conv2dLeakyOp: Op<{ alpha: number }> = {
  name: "conv2dLeaky",
  shape: (inputs) => conv2dOp.shape(inputs, {}),
  vjp: (g, node) => convolutionVjp(leakyReluMask(g, node, node.attrs.alpha), node.inputs),
  examples: conv2dOp.examples
    .filter(({ inputs }) => inputs.length === 3)
    .map(({ inputs }) => ({ inputs, attrs: { alpha: 0.2 } })),
  composed: ([x, w, b], { alpha }) => leakyRelu(conv2d(x!, w!, b), alpha),
};

/** tanh x + y: how a generator ends. */
export const tanhAdd = (x: Tensor, y: Tensor): Tensor => apply(tanhAddOp, [x, y], {});
export const tanhAddOp: Op<None> = {
  name: "tanhAdd",
  shape: (inputs) => commonShape("tanhAdd", inputs),
  vjp: (g, { inputs: [x] }) => [apply(tanhGradOp, [g, x!], {}), g],
  examples: [example({}, image, image)],
  composed: ([x, y]) => add(tanh(x!), y!),
};
/** g·(1 − tanh²x). */
export const tanhGradOp: Op<None> = {
  name: "tanhGrad",
  shape: (inputs) => commonShape("tanhGrad", inputs),
  vjp: (v, node) => throughComposed(v, node),
  examples: [example({}, image, image)],
  composed: ([g, x]) => {
    const y = tanh(x!);
    return mul(g!, affine(mul(y, y), -1, 1));
  },
};

/** a[c]·z + y, zero-padded: the input of a generator. y [n,c,h,w]; z [n,c,h,w], or [1,c,h,w] for all samples; a [1,c]. */
export const noisyPad = (z: Tensor, a: Tensor, y: Tensor, m: Margins): Tensor => apply(noisyPadOp, [z, a, y], { margins: m });
export const noisyPadOp: Op<{ margins: Margins }> = {
  name: "noisyPad",
  shape: ([z, a, y], { margins: { top, bottom, left, right } }) => {
    const [n, c, h, w] = y as [number, number, number, number];
    requireShape(
      (z![0] === n || z![0] === 1) && sameShape(z!.slice(1), y!.slice(1)) && sameShape(a!, [1, c]),
      `noisyPad: noise [${z}], amplitudes [${a}] and image [${y}] do not fit`,
    );
    return [n, c, h + top + bottom, w + left + right];
  },
  vjp: (g, node) => throughComposed(g, node),
  examples: [
    example({ margins: { top: 1, bottom: 2, left: 3, right: 0 } }, image, [1, 3], image),
    example({ margins: { top: 5, bottom: 5, left: 5, right: 5 } }, [1, 3, 5, 4], [1, 3], image),
  ],
  composed: ([z, a, y], { margins }) => {
    const [n] = y!.shape as [number];
    const spread = z!.shape[0] === n ? z! : axisBroadcast(z!, 0, n);
    return pad2d(add(channelScale(spread, a!), y!), margins);
  },
};

/** clamp(resize(clamp x)), both to [lo,hi]. */
export const clampedResize = (x: Tensor, rows: Taps, columns: Taps, lo: number, hi: number): Tensor =>
  apply(clampedResizeOp, [x], { rows, columns, lo, hi });
export const clampedResizeOp: Op<{ rows: Taps; columns: Taps; lo: number; hi: number }> = {
  name: "clampedResize",
  shape: (inputs, attrs) => resizeOp.shape(inputs, attrs),
  vjp: (g, node) => throughComposed(g, node),
  examples: resizeOp.examples.map(({ inputs, attrs }) => ({ inputs, attrs: { ...attrs, lo: -0.75, hi: 0.5 } })),
  composed: ([x], { rows, columns, lo, hi }) => clamp(resize(clamp(x!, lo, hi), rows, columns), lo, hi),
};

// --- Losses.

/** t·a + (1−t)·b with one t [1]. */
export const lerp = (a: Tensor, b: Tensor, t: Tensor): Tensor => apply(lerpOp, [a, b, t], {});
export const lerpOp: Op<None> = {
  name: "lerp",
  shape: ([a, b, t]) => {
    requireShape(sameShape(a!, b!) && sameShape(t!, [1]), `lerp: [${a}], [${b}] and [${t}] do not fit`);
    return a!;
  },
  vjp: (g, node) => throughComposed(g, node),
  examples: [example({}, image, image, [1])],
  composed: ([a, b, t]) => add(mul(broadcast(t!, a!.shape), a!), mul(broadcast(affine(t!, -1, 1), b!.shape), b!)),
};

/** k·Σ(x − y)² as [1]. */
export const squaredError = (x: Tensor, y: Tensor, k: number): Tensor => apply(squaredErrorOp, [x, y], { k });
export const squaredErrorOp: Op<{ k: number }> = {
  name: "squaredError",
  shape: ([x, y]) => {
    requireShape(sameShape(x!, y!), `squaredError: [${x}] and [${y}] differ`);
    return [1];
  },
  vjp: (g, { inputs: [x, y], attrs }) => [
    apply(squaredErrorGradOp, [x!, y!, g], attrs),
    apply(squaredErrorGradOp, [y!, x!, g], attrs),
  ],
  examples: [example({ k: 0.3 }, image, image), example({ k: 2 }, [1], [1])],
  composed: ([x, y], { k }) => {
    const difference = sub(x!, y!);
    return scale(sum(mul(difference, difference)), k);
  },
};
/** 2·k·g·(x − y), g [1]. */
export const squaredErrorGradOp: Op<{ k: number }> = {
  name: "squaredErrorGrad",
  shape: ([x, y, g]) => {
    requireShape(sameShape(x!, y!) && sameShape(g!, [1]), `squaredErrorGrad: [${x}], [${y}] and [${g}] do not fit`);
    return x!;
  },
  vjp: (v, node) => throughComposed(v, node),
  examples: [example({ k: 0.3 }, image, image, [1])],
  composed: ([x, y, g], { k }) => mul(broadcast(scale(g!, 2 * k), x!.shape), sub(x!, y!)),
};

/** (ν − 1)² per pixel, ν = √(Σ over channels of g²): [n,c,h,w] → [n,1,h,w]. The gradient penalty's integrand. */
export const penaltyIntegrand = (g: Tensor): Tensor => apply(penaltyIntegrandOp, [g], {});
export const penaltyIntegrandOp: Op<None> = {
  name: "penaltyIntegrand",
  shape: ([g]) => [g![0]!, 1, ...g!.slice(2)],
  vjp: (v, { inputs: [g] }) => [apply(penaltyIntegrandGradOp, [v, g!], {})],
  examples: [example({}, image)],
  composed: ([g]) => {
    const excess = addScalar(pixelNorm(g!), -1);
    return mul(excess, excess);
  },
};
/** 2·v·(1 − 1/ν)·g, and 0 where ν is 0. v [n,1,h,w], g [n,c,h,w]. */
export const penaltyIntegrandGradOp: Op<None> = {
  name: "penaltyIntegrandGrad",
  shape: ([v, g]) => {
    requireShape(sameShape(v!, [g![0]!, 1, ...g!.slice(2)]), `penaltyIntegrandGrad: [${v}] does not fit [${g}]`);
    return g!;
  },
  vjp: (h, node) => throughComposed(h, node),
  examples: [example({}, [2, 1, 5, 4], image)],
  composed: ([v, g]) => grad(penaltyIntegrandOp.composed!([g!], {}), [g!], v)[0]!,
};
const pixelNorm = (g: Tensor): Tensor => sqrt(axisSum(mul(g, g), 1));
