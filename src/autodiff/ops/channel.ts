// Per-channel sums, scalings and normalisation of x [n,c,…]. A per-channel tensor is [g,c]: with g = 1 the batch shares it (batch norm,
// weights γ and β), with g = n every sample has its own (n batches of one are computed as one pass).
// Ioffe & Szegedy 2015; the second-order formulas are checked against their composed forms.

import { grad } from "../grad.ts";
import { apply, type Example, type Op, requireShape, type Shape, sameShape, sizeOf, type Tensor } from "../tensor.ts";
import { affine, mul, reciprocal, scale, sqrt, sub } from "./elementwise.ts";

type Groups = { readonly groups: number };
type Eps = { readonly eps: number };
type None = Record<string, never>;

/** Added to the variance, as PyTorch's BatchNorm2d. */
export const NORM_EPS = 1e-5;

function checkGroups(name: string, x: Shape, groups: number): void {
  requireShape(x.length >= 2 && (groups === 1 || groups === x[0]), `${name}: ${groups} groups do not fit [${x}]`);
}
function checkChannels(name: string, x: Shape, a: Shape): void {
  requireShape(a.length === 2 && a[1] === x[1], `${name}: per-channel [${a}] does not fit [${x}]`);
  checkGroups(name, x, a[0]!);
}
/** Values per entry of a per-channel tensor with `groups` groups. */
const perEntry = (x: Shape, groups: number): number => sizeOf(x) / (groups * x[1]!);

const image: Shape = [2, 3, 5, 4];
const sums: readonly Example<Groups>[] = [
  { inputs: [image], attrs: { groups: 1 } },
  { inputs: [image], attrs: { groups: 2 } },
  { inputs: [[1, 1, 1, 1]], attrs: { groups: 1 } },
];

/** s[g,c] = Σ x over the group's samples and positions. */
export const channelSum = (x: Tensor, groups: number): Tensor => apply(channelSumOp, [x], { groups });
export const channelSumOp: Op<Groups> = {
  name: "channelSum",
  shape: ([x], { groups }) => {
    checkGroups("channelSum", x!, groups);
    return [groups, x![1]!];
  },
  vjp: (g, { inputs: [x] }) => [channelBroadcast(g, x!.shape)],
  examples: sums,
};

/** y[n,c,…] = a[g(n),c]. */
export const channelBroadcast = (a: Tensor, shape: Shape): Tensor => apply(channelBroadcastOp, [a], { shape });
export const channelBroadcastOp: Op<{ shape: Shape }> = {
  name: "channelBroadcast",
  shape: ([a], { shape }) => {
    checkChannels("channelBroadcast", shape, a!);
    return shape;
  },
  vjp: (g, { inputs: [a] }) => [channelSum(g, a!.shape[0]!)],
  examples: [
    { inputs: [[1, 3]], attrs: { shape: image } },
    { inputs: [[2, 3]], attrs: { shape: image } },
  ],
};

/** d[g,c] = Σ x·y over the group's samples and positions. */
export const channelDot = (x: Tensor, y: Tensor, groups: number): Tensor => apply(channelDotOp, [x, y], { groups });
export const channelDotOp: Op<Groups> = {
  name: "channelDot",
  shape: ([x, y], { groups }) => {
    requireShape(sameShape(x!, y!), `channelDot: [${x}] and [${y}] differ`);
    checkGroups("channelDot", x!, groups);
    return [groups, x![1]!];
  },
  vjp: (g, { inputs: [x, y] }) => [channelScale(y!, g), channelScale(x!, g)],
  examples: sums.map(({ inputs: [x], attrs }) => ({ inputs: [x!, x!], attrs })),
};

/** y = a[g(n),c]·x. */
export const channelScale = (x: Tensor, a: Tensor): Tensor => apply(channelScaleOp, [x, a], {});
export const channelScaleOp: Op<None> = {
  name: "channelScale",
  shape: ([x, a]) => {
    checkChannels("channelScale", x!, a!);
    return x!;
  },
  vjp: (g, { inputs: [x, a] }) => [channelScale(g, a!), channelDot(x!, g, a!.shape[0]!)],
  examples: [
    { inputs: [image, [1, 3]], attrs: {} },
    { inputs: [image, [2, 3]], attrs: {} },
  ],
};

/** y = a[g(n),c]·x + b[g(n),c]. */
export const channelAffine = (x: Tensor, a: Tensor, b: Tensor): Tensor => apply(channelAffineOp, [x, a, b], {});
export const channelAffineOp: Op<None> = {
  name: "channelAffine",
  shape: ([x, a, b]) => {
    checkChannels("channelAffine", x!, a!);
    requireShape(sameShape(a!, b!), `channelAffine: [${a}] and [${b}] differ`);
    return x!;
  },
  vjp: (g, { inputs: [x, a] }) => [channelScale(g, a!), channelDot(x!, g, a!.shape[0]!), channelSum(g, a!.shape[0]!)],
  examples: [
    { inputs: [image, [1, 3], [1, 3]], attrs: {} },
    { inputs: [image, [2, 3], [2, 3]], attrs: {} },
  ],
};

// --- Normalisation. The inputs of the ops are x and m = moments(x). m only saves computing the statistics again: the cotangent of x is
// --- the total derivative, and m has none.

/** m[g,0,c] = mean, m[g,1,c] = biased variance; computed in two passes, so a large mean costs no precision. */
export const moments = (x: Tensor, groups: number): Tensor => apply(momentsOp, [x], { groups });
export const momentsOp: Op<Groups> = {
  name: "moments",
  shape: ([x], { groups }) => {
    checkGroups("moments", x!, groups);
    return [groups, 2, x![1]!];
  },
  vjp: () => {
    throw new Error("moments: a cached statistic has no derivative of its own; differentiate normalize(x, m)");
  },
  examples: sums,
};

const groupsOf = (m: Tensor): number => m.shape[0]!;
/** The shape of one value per mean (and variance) of the moments. */
const perChannel = ([groups, , channels]: Shape): Shape => [groups!, channels!];
function checkMoments(name: string, x: Shape, m: Shape): void {
  requireShape(m.length === 3 && m[1] === 2, `${name}: [${m}] are not moments`);
  checkChannels(name, x, perChannel(m));
}
const derived = (xs: number, at: number): readonly Example<Eps>[] =>
  [1, 2].map((groups) => ({
    inputs: [...Array(xs).fill(image), [groups, 2, 3]],
    attrs: { eps: NORM_EPS },
    derive: { to: at, make: (inputs) => moments(inputs[xs - 1]!, groups) },
  }));
const mean = (sum: Tensor, x: Tensor, m: Tensor): Tensor => scale(sum, 1 / perEntry(x.shape, groupsOf(m)));

/** x̂ = (x − mean)/√(variance + ε). */
export const normalize = (x: Tensor, m: Tensor, eps = NORM_EPS): Tensor => apply(normalizeOp, [x, m], { eps });
export const normalizeOp: Op<Eps> = {
  name: "normalize",
  shape: ([x, m]) => {
    checkMoments("normalize", x!, m!);
    return x!;
  },
  vjp: (g, { inputs: [x, m], attrs: { eps } }) => [normalizeGrad(g, x!, m!, eps), null],
  examples: derived(1, 1),
  composed: ([x, m], { eps }) => {
    const centred = sub(x!, channelBroadcast(mean(channelSum(x!, groupsOf(m!)), x!, m!), x!.shape));
    return channelScale(centred, deviation(centred, x!, m!, eps));
  },
};
function deviation(centred: Tensor, x: Tensor, m: Tensor, eps: number): Tensor {
  return reciprocal(sqrt(affine(mean(channelDot(centred, centred, groupsOf(m)), x, m), 1, eps)));
}

/** s[g,c] = 1/√(variance + ε). */
export const invStd = (x: Tensor, m: Tensor, eps = NORM_EPS): Tensor => apply(invStdOp, [x, m], { eps });
export const invStdOp: Op<Eps> = {
  name: "invStd",
  shape: ([x, m]) => {
    checkMoments("invStd", x!, m!);
    return perChannel(m!);
  },
  vjp: (g, node) => {
    const [x, m] = node.inputs as readonly [Tensor, Tensor];
    return [channelScale(normalize(x, m, node.attrs.eps), mean(scale(mul(g, mul(node, node)), -1), x, m)), null];
  },
  examples: derived(1, 1),
  composed: ([x, m], { eps }) => {
    const centred = sub(x!, channelBroadcast(mean(channelSum(x!, groupsOf(m!)), x!, m!), x!.shape));
    return deviation(centred, x!, m!, eps);
  },
};

/** The projection P_x[g] = s·(g − mean(g) − x̂·mean(g·x̂)): the input gradient of normalize. Linear and self-adjoint in g. */
export const normalizeGrad = (g: Tensor, x: Tensor, m: Tensor, eps = NORM_EPS): Tensor =>
  apply(normalizeGradOp, [g, x, m], { eps });
export const normalizeGradOp: Op<Eps> = {
  name: "normalizeGrad",
  shape: ([g, x, m]) => {
    requireShape(sameShape(g!, x!), `normalizeGrad: [${g}] and [${x}] differ`);
    checkMoments("normalizeGrad", x!, m!);
    return x!;
  },
  vjp: (v, { inputs: [g, x, m], attrs: { eps } }) => [
    normalizeGrad(v, x!, m!, eps),
    normalizeCurvature(v, g!, x!, m!, eps),
    null,
  ],
  examples: derived(2, 2),
  composed: ([g, x, m], { eps }) => {
    const xHat = normalize(x!, m!, eps);
    const groups = groupsOf(m!);
    const parallel = channelScale(xHat, mean(channelDot(g!, xHat, groups), x!, m!));
    const offset = channelBroadcast(mean(channelSum(g!, groups), x!, m!), x!.shape);
    return channelScale(sub(sub(g!, offset), parallel), invStd(x!, m!, eps));
  },
};

/**
 * ∂⟨v, P_x[g]⟩/∂x, symmetric in v and g:
 *   −s²·( q·(g − mean g) + r·(v − mean v) + x̂·(mean(g·v) − mean g·mean v − 3·q·r) ),  q = mean(x̂·v), r = mean(x̂·g).
 * The second-order part of batch norm in the gradient penalty.
 */
export const normalizeCurvature = (v: Tensor, g: Tensor, x: Tensor, m: Tensor, eps = NORM_EPS): Tensor =>
  apply(normalizeCurvatureOp, [v, g, x, m], { eps });
export const normalizeCurvatureOp: Op<Eps> = {
  name: "normalizeCurvature",
  shape: ([v, g, x, m]) => {
    requireShape(sameShape(v!, x!) && sameShape(g!, x!), `normalizeCurvature: [${v}], [${g}] and [${x}] differ`);
    checkMoments("normalizeCurvature", x!, m!);
    return x!;
  },
  vjp: (h, node) => {
    const [v, g, x] = node.inputs as readonly [Tensor, Tensor, Tensor, Tensor];
    return [...grad(normalizeCurvatureOp.composed!(node.inputs, node.attrs), [v, g, x], h), null];
  },
  examples: derived(3, 3),
  composed: ([v, g, x, m], { eps }) => {
    const groups = groupsOf(m!);
    const xHat = normalize(x!, m!, eps);
    const s = invStd(x!, m!, eps);
    const average = (sum: Tensor) => mean(sum, x!, m!);
    const centred = (t: Tensor) => sub(t, channelBroadcast(average(channelSum(t, groups)), t.shape));
    const q = average(channelDot(xHat, v!, groups));
    const r = average(channelDot(xHat, g!, groups));
    const product = average(channelDot(centred(g!), centred(v!), groups));
    const inner = channelScale(xHat, sub(product, scale(mul(q, r), 3)));
    const outer = [channelScale(centred(g!), q), channelScale(centred(v!), r)];
    const minusS2 = scale(mul(s, s), -1);
    return channelScale(
      [...outer, inner].reduce((a, b) => sub(a, scale(b, -1))),
      minusS2,
    );
  },
};
