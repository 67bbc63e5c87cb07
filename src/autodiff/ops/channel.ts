// Per-channel sums, scalings and normalisation of x [n,c,…]. A per-channel tensor is [g,c]: with g = 1 the batch shares it (batch norm,
// weights γ and β), with g = n every sample has its own (n batches of one are computed as one pass).
// Ioffe & Szegedy 2015; the second-order formulas are checked against their composed forms.

import { grad } from "../grad.ts";
import {
  apply,
  type Example,
  example,
  type None,
  type Op,
  requireShape,
  type Shape,
  sameShape,
  sizeOf,
  type Tensor,
} from "../tensor.ts";
import { add, affine, mul, reciprocal, scale, sqrt, sub } from "./elementwise.ts";

type Groups = { readonly groups: number };
type Eps = { readonly eps: number };

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
  example({ groups: 1 }, image),
  example({ groups: 2 }, image),
  example({ groups: 1 }, [1, 1, 1, 1]),
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
  examples: [example({ shape: image }, [1, 3]), example({ shape: image }, [2, 3])],
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
  examples: [example({}, image, [1, 3]), example({}, image, [2, 3])],
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
  examples: [example({}, image, [1, 3], [1, 3]), example({}, image, [2, 3], [2, 3])],
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
/** A sum over the samples and positions of x as a mean; the means of x and of x·y; and x minus its mean. */
const averaged = (sum: Tensor, x: Tensor, m: Tensor): Tensor => scale(sum, 1 / perEntry(x.shape, groupsOf(m)));
const mean = (x: Tensor, m: Tensor): Tensor => averaged(channelSum(x, groupsOf(m)), x, m);
const meanProduct = (x: Tensor, y: Tensor, m: Tensor): Tensor => averaged(channelDot(x, y, groupsOf(m)), x, m);
const centred = (x: Tensor, m: Tensor): Tensor => sub(x, channelBroadcast(mean(x, m), x.shape));
/** 1/√(variance + ε) of a centred x. */
const inverseDeviation = (x: Tensor, m: Tensor, eps: number): Tensor => reciprocal(sqrt(affine(meanProduct(x, x, m), 1, eps)));

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
    const difference = centred(x!, m!);
    return channelScale(difference, inverseDeviation(difference, m!, eps));
  },
};

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
    return [channelScale(normalize(x, m, node.attrs.eps), averaged(scale(mul(g, mul(node, node)), -1), x, m)), null];
  },
  examples: derived(1, 1),
  composed: ([x, m], { eps }) => inverseDeviation(centred(x!, m!), m!, eps),
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
    const parallel = channelScale(xHat, meanProduct(g!, xHat, m!));
    return channelScale(sub(centred(g!, m!), parallel), invStd(x!, m!, eps));
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
    const xHat = normalize(x!, m!, eps);
    const s = invStd(x!, m!, eps);
    const q = meanProduct(xHat, v!, m!);
    const r = meanProduct(xHat, g!, m!);
    const [g0, v0] = [centred(g!, m!), centred(v!, m!)];
    const along = channelScale(xHat, sub(meanProduct(g0, v0, m!), scale(mul(q, r), 3)));
    return channelScale(add(add(channelScale(g0, q), channelScale(v0, r)), along), scale(mul(s, s), -1));
  },
};
