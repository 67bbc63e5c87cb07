// The cases on which generic tests run an op: its examples, and random shapes (odd, 1x1, not multiples of a tile, several samples).

import { moments } from "../../src/autodiff/ops/channel.ts";
import type { Margins, Taps } from "../../src/autodiff/ops/spatial.ts";
import { type Attrs, apply, type Example, leaf, type Op, type Shape, type Tensor } from "../../src/autodiff/tensor.ts";
import { evaluate } from "./evaluate.ts";
import type { Random } from "./random.ts";

export function describeCase({ inputs, attrs }: Example): string {
  const compact = (_: string, value: unknown) =>
    typeof value === "object" && value !== null && "index" in value
      ? `${(value as Taps).inSize}→${(value as Taps).outSize}`
      : value;
  const shown = JSON.stringify(attrs, compact);
  return `${inputs.map((s) => `[${s}]`).join(" ")}${shown === "{}" ? "" : ` ${shown}`}`;
}

/** An op applied to leaves, and the values of the leaves. */
export interface Applied {
  readonly node: Tensor;
  readonly leaves: readonly Tensor[];
  readonly values: ReadonlyMap<Tensor, Float64Array>;
}

/**
 * Applies the op to leaves with f64 values, optionally rounded to float32 (except u32 keys). A derived input (cached moments) is computed
 * in the graph if `derive` is "graph", so that it depends on the others; if it is "leaf", its value is bound to a leaf.
 */
export function applied(op: Op, example: Example, random: Random, how: { derive: "graph" | "leaf"; float32: boolean }): Applied {
  const { inputs: shapes, attrs, domain, derive } = example;
  const round = (x: Float64Array) => (how.float32 && domain !== "bits" ? x.map(Math.fround) : x);
  const inputs = shapes.map((shape, i) => leaf(`x${i}`, shape));
  const values = new Map<Tensor, Float64Array>();
  inputs.forEach((x, i) => {
    if (i !== derive?.to) values.set(x, round(random.values(x.size, domain)));
  });
  if (derive) {
    const made = derive.make(inputs);
    if (how.derive === "graph") inputs[derive.to] = made;
    else values.set(inputs[derive.to]!, round(evaluate([made], values)[0]!));
  }
  return { node: apply(op, inputs, attrs), leaves: [...values.keys()], values };
}

// --- Random shapes, per family.

const SIZES = [1, 2, 3, 4, 5, 7, 9, 13, 17] as const;
export const size = (r: Random): number => r.pick(SIZES);
const samples = (r: Random): number => r.integer(1, 3);
/** An image or a batch, sometimes larger than one workgroup covers in one stride. */
export const image = (r: Random): Shape => {
  const [h, w] = r.integer(0, 3) === 0 ? [r.integer(30, 45), r.integer(30, 45)] : [size(r), size(r)];
  return [samples(r), r.integer(1, 9), h!, w!];
};
const anyRank = (r: Random): Shape => Array.from({ length: r.integer(1, 4) }, () => size(r));
const same =
  (count: number, attrs: (r: Random) => Attrs = () => ({}), domain?: "positive") =>
  (r: Random): Example => {
    const shape = anyRank(r);
    return { inputs: Array<Shape>(count).fill(shape), attrs: attrs(r), ...(domain && { domain }) };
  };
const range = (r: Random): Attrs => ({ lo: -r.unit(), hi: r.unit() });
const groupsFor = (r: Random, x: Shape): number => r.pick([1, x[0]!]);
const reduced =
  (count: number) =>
  (r: Random): Example => {
    const x = image(r);
    return { inputs: Array<Shape>(count).fill(x), attrs: { groups: groupsFor(r, x) } };
  };
const perChannel =
  (count: number) =>
  (r: Random): Example => {
    const x = image(r);
    return { inputs: [x, ...Array<Shape>(count).fill([groupsFor(r, x), x[1]!])], attrs: {} };
  };
const normalization =
  (count: number) =>
  (r: Random): Example => {
    const x = image(r);
    const groups = groupsFor(r, x);
    return {
      inputs: [...Array<Shape>(count).fill(x), [groups, 2, x[1]!]],
      attrs: { eps: 1e-5 },
      derive: { to: count, make: (inputs) => moments(inputs[count - 1]!, groups) },
    };
  };

/** Inputs of a fused normalisation: `before` images, then x, m, γ, and β or y. */
const fusedNorm =
  (before: number) =>
  (r: Random): Example => {
    const { inputs, derive } = normalization(before + 1)(r);
    const perChannel: Shape = [1, inputs[0]![1]!];
    const last = before === 0 ? perChannel : inputs[0]!; // β, or y
    return { inputs: [...inputs, perChannel, last], attrs: { eps: 1e-5, alpha: r.unit() }, derive: derive! };
  };

/** Shapes of an image x, weights w and result g = x∗w. Some images are so large that weight gradients split them into chunks. */
export function convolutionShapes(r: Random): { x: Shape; w: Shape; g: Shape } {
  const isLarge = r.integer(0, 4) === 0;
  const [inputs, outputs] = isLarge ? [r.integer(1, 3), r.integer(1, 3)] : [r.integer(1, 11), r.integer(1, 11)];
  const [n, h, k] = isLarge ? [1, r.integer(40, 60), r.integer(40, 60)] : [samples(r), size(r), size(r)];
  return { x: [n!, inputs!, h! + 2, k! + 2], w: [outputs!, inputs!, 3, 3], g: [n!, outputs!, h!, k!] };
}

export const someMargins = (r: Random): Margins => {
  const [top, bottom, left, right] = Array.from({ length: 4 }, () => r.integer(0, 4)) as [number, number, number, number];
  return { top, bottom, left, right };
};

/** A random sparse matrix as a table: some weights are 0, and some inputs occur twice or never. */
export function randomTaps(r: Random, inSize: number): Taps {
  const [outSize, width] = [size(r), r.integer(1, 5)];
  return {
    inSize,
    outSize,
    width,
    index: Uint32Array.from({ length: outSize * width }, () => r.integer(0, inSize - 1)),
    weight: Float32Array.from({ length: outSize * width }, () => (r.integer(0, 4) === 0 ? 0 : r.normal())),
  };
}

const generators: Readonly<Record<string, (r: Random) => Example>> = {
  add: same(2),
  mul: same(2),
  affine: same(1, (r) => ({ k: r.normal(), c: r.normal() })),
  tanh: same(1),
  sqrt: same(1, undefined, "positive"),
  reciprocal: same(1, undefined, "positive"),
  clamp: same(1, range),
  clampMask: same(2, range),
  floor: same(1),
  leakyReluMask: same(2, (r) => ({ alpha: r.unit() })),
  fill: (r) => ({ inputs: [], attrs: { shape: anyRank(r), value: r.normal() } }),

  channelSum: reduced(1),
  channelDot: reduced(2),
  moments: reduced(1),
  channelBroadcast: (r) => {
    const shape = image(r);
    return { inputs: [[groupsFor(r, shape), shape[1]!]], attrs: { shape } };
  },
  channelScale: perChannel(1),
  channelAffine: perChannel(2),
  normalize: normalization(1),
  invStd: normalization(1),
  normalizeGrad: normalization(2),
  normalizeCurvature: normalization(3),

  conv2d: (r) => {
    const { x, w } = convolutionShapes(r);
    return { inputs: r.integer(0, 1) ? [x, w] : [x, w, [1, w[0]!]], attrs: {} };
  },
  conv2dInput: (r) => {
    const { g, w } = convolutionShapes(r);
    return { inputs: [g, w], attrs: {} };
  },
  conv2dWeight: (r) => {
    const { x, g } = convolutionShapes(r);
    return { inputs: [x, g], attrs: {} };
  },

  sum: (r) => ({ inputs: [r.integer(0, 1) ? anyRank(r) : image(r)], attrs: { k: r.normal() } }),
  broadcast: (r) => ({ inputs: [[1]], attrs: { shape: anyRank(r) } }),
  axisSum: (r) => {
    const x = anyRank(r);
    return { inputs: [x], attrs: { axis: r.integer(0, x.length - 1) } };
  },
  axisBroadcast: (r) => {
    const x = anyRank(r);
    const axis = r.integer(0, x.length - 1);
    return { inputs: [x.map((n, i) => (i === axis ? 1 : n))], attrs: { axis, size: size(r) } };
  },
  pad2d: (r) => ({ inputs: [image(r)], attrs: { margins: someMargins(r) } }),
  crop2d: (r) => {
    const margins = someMargins(r);
    const [n, c, h, w] = image(r) as [number, number, number, number];
    return { inputs: [[n, c, h + margins.top + margins.bottom, w + margins.left + margins.right]], attrs: { margins } };
  },
  resize: (r) => {
    const x = image(r);
    return { inputs: [x], attrs: { rows: randomTaps(r, x[2]!), columns: randomTaps(r, x[3]!) } };
  },

  concat: (r) => {
    const [, ...sample] = anyRank(r);
    return {
      inputs: [
        [samples(r), ...sample],
        [samples(r), ...sample],
      ],
      attrs: {},
    };
  },
  take: (r) => {
    const [n, ...sample] = [r.integer(1, 4), ...anyRank(r)] as [number, ...number[]];
    const first = r.integer(0, n - 1);
    return { inputs: [[n, ...sample]], attrs: { first, count: r.integer(1, n - first) } };
  },
  padBatch: (r) => {
    const [n, ...sample] = [samples(r), ...anyRank(r)] as [number, ...number[]];
    const first = r.integer(0, 2);
    return { inputs: [[n, ...sample]], attrs: { first, of: first + n + r.integer(0, 2) } };
  },

  normLeaky: fusedNorm(0),
  normLeakyGrad: fusedNorm(1),
  normLeakyScaleGrad: fusedNorm(1),
  normLeakyShiftGrad: fusedNorm(1),
  normLeakyTangent: fusedNorm(1),
  normLeakyCurvature: fusedNorm(2),
  normLeakyScaleCurvature: fusedNorm(2),
  conv2dLeaky: (r) => {
    const { x, w } = convolutionShapes(r);
    return { inputs: [x, w, [1, w[0]!]], attrs: { alpha: r.unit() } };
  },
  tanhAdd: same(2),
  tanhGrad: same(2),
  noisyPad: (r) => {
    const y = image(r);
    return { inputs: [[r.pick([1, y[0]!]), ...y.slice(1)], [1, y[1]!], y], attrs: { margins: someMargins(r) } };
  },
  clampedResize: (r) => {
    const x = image(r);
    return { inputs: [x], attrs: { rows: randomTaps(r, x[2]!), columns: randomTaps(r, x[3]!), ...range(r) } };
  },
  lerp: (r) => {
    const shape = anyRank(r);
    return { inputs: [shape, shape, [1]], attrs: {} };
  },
  squaredError: (r) => {
    const shape = r.integer(0, 1) ? anyRank(r) : image(r);
    return { inputs: [shape, shape], attrs: { k: r.normal() } };
  },
  squaredErrorGrad: (r) => {
    const shape = anyRank(r);
    return { inputs: [shape, shape, [1]], attrs: { k: r.normal() } };
  },
  penaltyIntegrand: (r) => ({ inputs: [image(r)], attrs: {} }),
  penaltyIntegrandGrad: (r) => {
    const g = image(r);
    return { inputs: [[g[0]!, 1, ...g.slice(2)], g], attrs: {} };
  },

  uniform: (r) => ({ inputs: [[4]], attrs: { shape: anyRank(r), stream: r.integer(0, 99) }, domain: "bits" }),
  normal: (r) => ({ inputs: [[4]], attrs: { shape: anyRank(r), stream: r.integer(0, 99) }, domain: "bits" }),
  quantize: (r) => {
    const [n, , h, w] = image(r) as [number, number, number, number];
    return {
      inputs: [
        [n, 3, h, w],
        [r.integer(1, 6), 3],
      ],
      attrs: {},
    };
  },
  normalWindow: (r) => {
    const [h, w, top, left] = [r.integer(1, 9), r.integer(1, 9), r.integer(0, 5), r.integer(0, 5)];
    const size: [number, number] = [top + h + r.integer(0, 4), left + w + r.integer(0, 4)];
    return {
      inputs: [[4]],
      attrs: { shape: [1, r.integer(1, 3), h, w], stream: r.integer(0, 99), size, top, left },
      domain: "bits",
    };
  },
};

/** Random cases of an op. Throws if the op has no generator. */
export function randomExamples(op: Op, random: Random, count: number): Example[] {
  const generate = generators[op.name];
  if (!generate) throw new Error(`no random shapes for ${op.name}: add a generator to test/reference/cases.ts`);
  return Array.from({ length: count }, () => generate(random));
}

/** Special values of elementwise ops: zeros of both signs, kinks and bounds, overflow of e^x, tiny numbers. */
const EDGES = [0, -0, 0.5, -0.5, 0.75, 1e-30, -1e-30, 1e-3, -1e-3, 0.625, -0.625, 1, -1, 9.5, -9.5, 30, -30, 200, -200, 1e30];
const EDGE_OPS: Readonly<Record<string, Attrs>> = {
  affine: { k: 2, c: 0.5 },
  tanh: {},
  sqrt: {},
  reciprocal: {},
  floor: {},
  clamp: { lo: -0.5, hi: 0.75 },
  clampMask: { lo: -0.5, hi: 0.75 },
  leakyReluMask: { alpha: 0.2 },
  mul: {},
  add: {},
};

/** Elementwise ops on special values. Every value is its own case, because a large value would hide a small one's error. */
export function edgeCases(op: Op): (Applied & { readonly label: string })[] {
  const attrs = EDGE_OPS[op.name];
  if (!attrs) return [];
  return EDGES.filter((v) => op.name !== "sqrt" || v >= 0).map((edge) => {
    const leaves = op.examples[0]!.inputs.map((_, i) => leaf(`x${i}`, [1]));
    const values = new Map(
      leaves.map((t, i) => [t, Float64Array.of(i === leaves.length - 1 ? Math.fround(edge) : 0.3).map(Math.fround)]),
    );
    return { node: apply(op, leaves, attrs), leaves, values, label: `${edge} ${JSON.stringify(attrs)}` };
  });
}
