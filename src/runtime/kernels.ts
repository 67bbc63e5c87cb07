// Which kernels compute the ops that are no convolutions: per op a list of variants, each a function from shapes to dispatches.

import type { OpAttrs } from "../autodiff/ops/registry.ts";
import type { Taps } from "../autodiff/ops/spatial.ts";
import { type Attrs, type Shape, sizeOf } from "../autodiff/tensor.ts";
import { call, grid, type KernelCall } from "../gpu/pipelines.ts";
import { normalizations } from "./multi-output.ts";
import { input, layout, type OpCase, output, type PlainVariant, type Ref, reductions, scratch, WG } from "./variant.ts";

const vec4s = (shape: Shape): number => Math.ceil(sizeOf(shape) / 4);
/** The one variant of an op: several dispatches, or only one. */
const several = <A extends Attrs>(calls: PlainVariant<A>["calls"]): readonly PlainVariant<A>[] => [{ name: "plain", calls }];
const only = <A extends Attrs>(make: (op: OpCase<A>) => KernelCall<Ref>) => several<A>((op) => [make(op)]);

/** The constants of an elementwise kernel, from the attributes of its op. */
type Constants<A> = (attrs: A) => { k: number; c: number };
const none = () => ({ k: 0, c: 0 });

/** Elementwise kernels of one tensor, of two, and of two and a scalar. */
function unary<A extends Attrs>(OP: number, constants: Constants<A> = none) {
  return only<A>(({ shape, attrs }) => {
    const n4 = vec4s(shape);
    const bindings = { a: input(0), y: output };
    return call("elementwise.map1", bindings, { n4, ...constants(attrs) }, grid(n4, WG), { overrides: { OP } });
  });
}
function binary<A extends Attrs>(OP: number, constants: Constants<A> = none) {
  return only<A>(({ shape, attrs }) => {
    const n4 = vec4s(shape);
    const bindings = { a: input(0), b: input(1), y: output };
    return call("elementwise.map2", bindings, { n4, ...constants(attrs) }, grid(n4, WG), { overrides: { OP } });
  });
}
function binaryWithScalar<A extends Attrs>(OP: number, constants: Constants<A> = none) {
  return only<A>(({ shape, attrs }) => {
    const n4 = vec4s(shape);
    const bindings = { a: input(0), b: input(1), s: input(2), y: output };
    return call("elementwise.map2_scalar", bindings, { n4, ...constants(attrs) }, grid(n4, WG), { overrides: { OP } });
  });
}

const PER_THREAD = 4; // as in channel_map.wgsl and normalize.wgsl
const rowGrid = (x: Shape): [number, number] => [Math.ceil(sizeOf(x.slice(2)) / (WG * PER_THREAD)), x[0]! * x[1]!];

function channelMap<A extends Attrs>(OP: number, bindings: { x: Ref; a: Ref; b: Ref }, perChannel: number) {
  return only<A>(({ inputs, shape }) => {
    const { channels, positions, groups } = layout(shape, inputs[perChannel]![0]!);
    const params = { channels, positions, groups };
    return call("channel_map", { ...bindings, y: output }, params, rowGrid(shape), { overrides: { OP } });
  });
}
function channelReduce<A extends Attrs>(OP: number, second: Ref) {
  return reductions<A>(({ inputs: [x], shape }, width) => {
    const { channels, positions, samples, groups } = layout(x!, shape[0]!);
    const bindings = { x: input(0), y: second, s: output };
    return [
      call("channel_reduce", bindings, { channels, positions, samples }, [channels, groups], { overrides: { OP, WG: width } }),
    ];
  });
}

function random(kernel: "random.uniform_" | "random.normal") {
  return only<OpAttrs["uniform"]>(({ shape, attrs: { stream } }) => {
    const n4 = vec4s(shape);
    const params = { n4, stream, h: 0, w: 0, h_whole: 0, w_whole: 0, top: 0, left: 0 };
    return call(kernel, { key: input(0), y: output }, params, grid(n4, WG));
  });
}

const normalWindow = only<OpAttrs["normalWindow"]>(({ shape, attrs: { stream, size, top, left } }) => {
  const n4 = vec4s(shape);
  const params = { n4, stream, h: shape[2]!, w: shape[3]!, h_whole: size[0], w_whole: size[1], top, left };
  return call("random.window", { key: input(0), y: output }, params, grid(n4, WG));
});

function axis(kernel: "axis.sum" | "axis.broadcast") {
  return only<OpAttrs["axisSum"]>(({ inputs: [x], shape, attrs: { axis: at } }) => {
    const wide = kernel === "axis.sum" ? x! : shape;
    const params = { outer: sizeOf(wide.slice(0, at)), n: wide[at]!, inner: sizeOf(wide.slice(at + 1)) };
    return call(kernel, { x: input(0), y: output }, params, grid(sizeOf(shape), WG));
  });
}

function window(sign: 1 | -1) {
  return only<OpAttrs["pad2d"]>(({ inputs: [x], shape, attrs: { margins } }) => {
    const [h_in, w_in, h_out, w_out] = [x!.at(-2)!, x!.at(-1)!, shape.at(-2)!, shape.at(-1)!];
    const [top, left] = [sign * margins.top, sign * margins.left];
    const params = { rows: sizeOf(shape) / (h_out * w_out), h_in, w_in, h_out, w_out, top, left };
    return call("window", { x: input(0), y: output }, params, grid(sizeOf(shape), WG));
  });
}
/** The samples of x from `first` on, or x at that position among zeros: cropping and padding of the batch axis. */
function batchWindow(sign: 1 | -1) {
  return only<{ readonly first: number }>(({ inputs: [x], shape, attrs: { first } }) => {
    const [h_in, w_in, h_out, w_out] = [x![0]!, sizeOf(x!.slice(1)), shape[0]!, sizeOf(shape.slice(1))];
    const params = { rows: 1, h_in, w_in, h_out, w_out, top: sign * first, left: 0 };
    return call("window", { x: input(0), y: output }, params, grid(sizeOf(shape), WG));
  });
}

const quantize = only<OpAttrs["quantize"]>(({ inputs: [x, palette], shape }) => {
  const params = { pixels: sizeOf(x!.slice(2)), samples: x![0]!, colours: palette![0]! };
  return call("quantize", { x: input(0), palette: input(1), y: output }, params, grid(sizeOf(shape) / 3, WG));
});

type Normalization = OpAttrs["normalize"];

/** What the normalisation kernels have in common: the last inputs are x and its moments m. */
function normalizationCall({ inputs, shape, attrs: { eps } }: OpCase<Normalization>) {
  const groups = inputs.at(-1)![0]!;
  const at = inputs.length - 2;
  return {
    groups,
    params: { ...layout(shape, groups), eps },
    data: { x: input(at), m: input(at + 1), y: output },
    g: input(at - 1),
  };
}

const normalize = only<Normalization>((op) => {
  const { params, data } = normalizationCall(op);
  return call("normalize.forward", data, params, rowGrid(op.shape));
});

/** Sums per channel, then what is made from them. */
function normalizationGradient(kernel: "normalize.grad" | "normalize.curvature") {
  const isCurvature = kernel === "normalize.curvature";
  return reductions<Normalization>((op, width) => {
    const { groups, params, data, g } = normalizationCall(op);
    const totals = scratch((isCurvature ? 5 : 2) * groups * params.channels * 4);
    const v = isCurvature ? input(0) : g;
    const overrides = { CURVATURE: Number(isCurvature), WG: width };
    return [
      call("normalize.sums", { ...data, g, v, y: totals }, params, [params.channels, groups], { overrides }),
      isCurvature
        ? call(kernel, { ...data, g, v, totals }, params, rowGrid(op.shape))
        : call("normalize.grad", { ...data, g, totals }, params, rowGrid(op.shape)),
    ];
  });
}

/** Up to this many values one workgroup adds alone: a second dispatch costs more. */
const SUM_ALONE = 2 ** 16;
/** Workgroups that share a longer sum. */
const SUM_PARTS = 64;

function summation(kernel: "sum.plain" | "sum.squared_error") {
  return several<OpAttrs["sum"]>(({ inputs: [x], attrs: { k: factor } }) => {
    const n = sizeOf(x!);
    const first = (s: Ref, parts: number): KernelCall<Ref> =>
      kernel === "sum.plain"
        ? call(kernel, { x: input(0), s }, { n, factor }, [parts, 1])
        : call(kernel, { x: input(0), y: input(1), s }, { n, factor }, [parts, 1]);
    if (n <= SUM_ALONE) return [first(output, 1)];
    const partial = scratch(SUM_PARTS * 4);
    return [first(partial, SUM_PARTS), call("sum.plain", { x: partial, s: output }, { n: SUM_PARTS, factor: 1 }, [1, 1])];
  });
}

/** Clamped where there are bounds. */
type Resampling = { readonly rows: Taps; readonly columns: Taps; readonly lo?: number; readonly hi?: number };

function resampling(clamps: boolean) {
  return only<Resampling>(({ inputs: [x], shape, attrs: { rows, columns, lo = 0, hi = 0 } }) => {
    const table = (data: Uint32Array | Float32Array): Ref => ({ kind: "table", data });
    const vertical = { index_y: table(rows.index), weight_y: table(rows.weight) };
    const horizontal = { index_x: table(columns.index), weight_x: table(columns.weight) };
    const sizes = { h_in: rows.inSize, w_in: columns.inSize, h_out: rows.outSize, w_out: columns.outSize };
    const images = sizeOf(x!) / (rows.inSize * columns.inSize);
    const params = { rows: images, ...sizes, taps_y: rows.width, taps_x: columns.width, lo, hi };
    const bindings = { x: input(0), ...vertical, ...horizontal, y: output };
    return call("resize", bindings, params, grid(sizeOf(shape), WG), { overrides: { CLAMP: Number(clamps) } });
  });
}

const penaltyParams = (g: Shape) => ({ samples: g[0]!, channels: g[1]!, positions: sizeOf(g.slice(2)) });

/** The ops that are no convolutions (conv/families.ts). */
type Plain = Exclude<keyof OpAttrs, "conv2d" | "conv2dLeaky" | "conv2dInput" | "conv2dWeight">;

/** The variants of every other op. */
export const plainVariants: { readonly [Name in Plain]: readonly PlainVariant<OpAttrs[Name]>[] } = {
  ...normalizations,
  add: binary(0),
  mul: binary(1),
  leakyReluMask: binary(2, ({ alpha }) => ({ k: alpha, c: 0 })),
  clampMask: binary(3, ({ lo, hi }) => ({ k: lo, c: hi })),
  affine: unary(0, ({ k, c }) => ({ k, c })),
  tanh: unary(1),
  sqrt: unary(2),
  reciprocal: unary(3),
  clamp: unary(4, ({ lo, hi }) => ({ k: lo, c: hi })),
  floor: unary(5),
  fill: only(({ shape, attrs: { value } }) => call("fill", { y: output }, { n4: vec4s(shape), value }, grid(vec4s(shape), WG))),
  channelScale: channelMap(0, { x: input(0), a: input(1), b: input(1) }, 1),
  channelAffine: channelMap(1, { x: input(0), a: input(1), b: input(2) }, 1),
  channelBroadcast: channelMap(2, { x: input(0), a: input(0), b: input(0) }, 0),
  channelSum: channelReduce(0, input(0)),
  channelDot: channelReduce(1, input(1)),
  moments: reductions(({ inputs: [x], attrs: { groups } }, width) => {
    const params = { ...layout(x!, groups), eps: 0, alpha: 0 };
    const bindings = { x: input(0), moments: output };
    return [call("norm_leaky.statistics", bindings, params, [params.channels, groups], { overrides: { WG: width } })];
  }),
  invStd: only(({ inputs: [x, m], attrs: { eps } }) => {
    const params = { ...layout(x!, m![0]!), eps };
    return call("normalize.inv_std", { m: input(1), y: output }, params, [Math.ceil((m![0]! * m![2]!) / WG), 1]);
  }),
  normalize,
  normalizeGrad: normalizationGradient("normalize.grad"),
  normalizeCurvature: normalizationGradient("normalize.curvature"),
  sum: summation("sum.plain"),
  broadcast: only(({ shape }) => {
    const n = sizeOf(shape);
    return call("axis.broadcast", { x: input(0), y: output }, { outer: 1, n, inner: 1 }, grid(n, WG));
  }),
  axisSum: axis("axis.sum"),
  axisBroadcast: axis("axis.broadcast"),
  pad2d: window(1),
  crop2d: window(-1),
  quantize,
  resize: resampling(false),
  concat: only(({ inputs: [a], shape }) => {
    const params = { n_a: sizeOf(a!), n: sizeOf(shape) };
    return call("concat", { a: input(0), b: input(1), y: output }, params, grid(params.n, WG));
  }),
  take: batchWindow(-1),
  padBatch: batchWindow(1),
  tanhAdd: binary(4),
  tanhGrad: binary(5),
  lerp: binaryWithScalar(0),
  squaredErrorGrad: binaryWithScalar(1, ({ k }) => ({ k: 2 * k, c: 0 })),
  squaredError: summation("sum.squared_error"),
  penaltyIntegrand: only(({ inputs: [g], shape }) =>
    call("penalty_integrand.forward", { g: input(0), y: output }, penaltyParams(g!), grid(sizeOf(shape), WG)),
  ),
  penaltyIntegrandGrad: only(({ inputs: [v], shape: g }) =>
    call("penalty_integrand.backward", { v: input(0), g: input(1), y: output }, penaltyParams(g), grid(sizeOf(v!), WG)),
  ),
  noisyPad: only(({ inputs: [z, , x], shape, attrs: { margins } }) => {
    const [samples, channels, h_out, w_out] = shape as [number, number, number, number];
    const { top, left } = margins;
    const params = { samples, z_samples: z![0]!, channels, h_in: x![2]!, w_in: x![3]!, h_out, w_out, top, left };
    return call("noisy_pad", { z: input(0), a: input(1), x: input(2), y: output }, params, grid(sizeOf(shape), WG));
  }),
  clampedResize: resampling(true),
  uniform: random("random.uniform_"),
  normal: random("random.normal"),
  normalWindow,
};
