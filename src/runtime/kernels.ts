// Which kernels compute the ops that are no convolutions: per op a list of variants, each a function from shapes to dispatches.

import type { OpAttrs } from "../autodiff/ops/registry.ts";
import type { Taps } from "../autodiff/ops/spatial.ts";
import { type Attrs, type Shape, sizeOf } from "../autodiff/tensor.ts";
import { call, grid, type KernelCall } from "../gpu/pipelines.ts";
import { normalizations } from "./multi-output.ts";
import {
  input,
  layout,
  type OpCase,
  output,
  REDUCTION_WIDTHS,
  type Ref,
  reductionName,
  reductionWidth,
  scratch,
  type Variant,
  WG,
} from "./variant.ts";

const vec4s = (shape: Shape): number => Math.ceil(sizeOf(shape) / 4);
const only = <A extends Attrs>(calls: Variant<A>["calls"]): readonly Variant<A>[] => [{ name: "plain", calls }];

/** Reductions by one workgroup each, of as many threads as suit the device. */
const reductions = <A extends Attrs>(calls: (op: OpCase<A>, width: number) => KernelCall<Ref>[]): readonly Variant<A>[] =>
  REDUCTION_WIDTHS.map((width) => ({
    name: reductionName(width),
    suits: (profile) => width === reductionWidth(profile),
    calls: (op) => calls(op, width),
  }));

/** The constants of an elementwise kernel, from the attributes of its op. */
type Constants<A> = (attrs: A) => { k: number; c: number };
const none = () => ({ k: 0, c: 0 });

function unary<A extends Attrs>(op: number, constants: Constants<A> = none): readonly Variant<A>[] {
  return only(({ shape, attrs }) => {
    const n4 = vec4s(shape);
    return [
      call("elementwise.map1", { a: input(0), y: output }, { n4, ...constants(attrs) }, grid(n4, WG), { overrides: { OP: op } }),
    ];
  });
}
function binary<A extends Attrs>(op: number, constants: Constants<A> = none): readonly Variant<A>[] {
  return only(({ shape, attrs }) => {
    const n4 = vec4s(shape);
    return [
      call("elementwise.map2", { a: input(0), b: input(1), y: output }, { n4, ...constants(attrs) }, grid(n4, WG), {
        overrides: { OP: op },
      }),
    ];
  });
}

const PER_THREAD = 4; // as in channel_map.wgsl and normalize.wgsl
const rowGrid = (x: Shape): [number, number] => [Math.ceil(sizeOf(x.slice(2)) / (WG * PER_THREAD)), x[0]! * x[1]!];

function channelMap<A extends Attrs>(
  op: number,
  bindings: { x: Ref; a: Ref; b: Ref },
  perChannel: number,
): readonly Variant<A>[] {
  return only(({ inputs, shape }) => {
    const { channels, positions, groups } = layout(shape, inputs[perChannel]![0]!);
    return [
      call("channel_map", { ...bindings, y: output }, { channels, positions, groups }, rowGrid(shape), { overrides: { OP: op } }),
    ];
  });
}
function channelReduce<A extends Attrs>(op: number, second: Ref): readonly Variant<A>[] {
  return reductions(({ inputs: [x], shape }, width) => {
    const { channels, positions, samples } = layout(x!, shape[0]!);
    const params = { channels, positions, samples };
    return [
      call("channel_reduce", { x: input(0), y: second, s: output }, params, [channels, shape[0]!], {
        overrides: { OP: op, WG: width },
      }),
    ];
  });
}

function random(kernel: "random.uniform_" | "random.normal"): readonly Variant<OpAttrs["uniform"]>[] {
  return only(({ shape, attrs: { stream } }) => {
    const n4 = vec4s(shape);
    const params = { n4, stream, h: 0, w: 0, h_whole: 0, w_whole: 0, top: 0, left: 0 };
    return [call(kernel, { key: input(0), y: output }, params, grid(n4, WG))];
  });
}

const normalWindow = only<OpAttrs["normalWindow"]>(({ shape, attrs: { stream, size, top, left } }) => {
  const n4 = vec4s(shape);
  const params = { n4, stream, h: shape[2]!, w: shape[3]!, h_whole: size[0], w_whole: size[1], top, left };
  return [call("random.window", { key: input(0), y: output }, params, grid(n4, WG))];
});

function axis(kernel: "axis.sum" | "axis.broadcast"): readonly Variant<OpAttrs["axisSum"]>[] {
  return only(({ inputs: [x], shape, attrs: { axis: at } }) => {
    const wide = kernel === "axis.sum" ? x! : shape;
    const params = { outer: sizeOf(wide.slice(0, at)), n: wide[at]!, inner: sizeOf(wide.slice(at + 1)) };
    return [call(kernel, { x: input(0), y: output }, params, grid(sizeOf(shape), WG))];
  });
}

function window(sign: 1 | -1): readonly Variant<OpAttrs["pad2d"]>[] {
  return only(({ inputs: [x], shape, attrs: { margins } }) => {
    const { top, left } = margins;
    const [h_in, w_in, h_out, w_out] = [x!.at(-2)!, x!.at(-1)!, shape.at(-2)!, shape.at(-1)!];
    const params = { rows: sizeOf(shape) / (h_out * w_out), h_in, w_in, h_out, w_out, top: sign * top, left: sign * left };
    return [call("window", { x: input(0), y: output }, params, grid(sizeOf(shape), WG))];
  });
}

const quantize = only<OpAttrs["quantize"]>(({ inputs: [x, palette], shape }) => {
  const params = { pixels: sizeOf(x!.slice(2)), samples: x![0]!, colours: palette![0]! };
  return [call("quantize", { x: input(0), palette: input(1), y: output }, params, grid(sizeOf(shape) / 3, WG))];
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
  return [call("normalize.forward", data, params, rowGrid(op.shape))];
});

/** Sums per channel, then what is made from them. */
function normalizationGradient(kernel: "normalize.grad" | "normalize.curvature"): readonly Variant<Normalization>[] {
  return reductions((op, width) => {
    const { groups, params, data, g } = normalizationCall(op);
    const channels = op.shape[1]!;
    const isCurvature = kernel === "normalize.curvature";
    const totals = scratch((isCurvature ? 5 : 2) * groups * channels * 4);
    const v = isCurvature ? input(0) : g;
    const overrides = { CURVATURE: Number(isCurvature), WG: width };
    return [
      call("normalize.sums", { ...data, g, v, y: totals }, params, [channels, groups], { overrides }),
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

function summation(kernel: "sum.plain" | "sum.squared_error"): readonly Variant<OpAttrs["sum"]>[] {
  return only(({ inputs: [x], attrs: { k: factor } }) => {
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

function resampling(clamps: boolean): readonly Variant<Resampling>[] {
  return only(({ inputs: [x], shape, attrs: { rows, columns, lo = 0, hi = 0 } }) => {
    const table = (data: Uint32Array | Float32Array): Ref => ({ kind: "table", data });
    const tables = {
      index_y: table(rows.index),
      weight_y: table(rows.weight),
      index_x: table(columns.index),
      weight_x: table(columns.weight),
    };
    const sizes = { h_in: rows.inSize, w_in: columns.inSize, h_out: rows.outSize, w_out: columns.outSize };
    const images = sizeOf(x!) / (rows.inSize * columns.inSize);
    const params = { rows: images, ...sizes, taps_y: rows.width, taps_x: columns.width, lo, hi };
    return [
      call("resize", { x: input(0), ...tables, y: output }, params, grid(sizeOf(shape), WG), {
        overrides: { CLAMP: Number(clamps) },
      }),
    ];
  });
}

function binaryWithScalar<A extends Attrs>(op: number, k: (attrs: A) => number): readonly Variant<A>[] {
  return only(({ shape, attrs }) => {
    const n4 = vec4s(shape);
    return [
      call(
        "elementwise.map2_scalar",
        { a: input(0), b: input(1), s: input(2), y: output },
        { n4, k: k(attrs), c: 0 },
        grid(n4, WG),
        {
          overrides: { OP: op },
        },
      ),
    ];
  });
}

/** The samples of x from `first` on, or x at that position among zeros: cropping and padding of the batch axis. */
function batchWindow(sign: 1 | -1): readonly Variant<{ readonly first: number }>[] {
  return only(({ inputs: [x], shape, attrs: { first } }) => {
    const params = {
      ...{ rows: 1, h_in: x![0]!, h_out: shape[0]!, w_in: sizeOf(x!.slice(1)), w_out: sizeOf(shape.slice(1)) },
      ...{ top: sign * first, left: 0 },
    };
    return [call("window", { x: input(0), y: output }, params, grid(sizeOf(shape), WG))];
  });
}

/** The ops that are no convolutions (conv/families.ts). */
type Plain = Exclude<keyof OpAttrs, "conv2d" | "conv2dLeaky" | "conv2dInput" | "conv2dWeight">;

/** The variants of every other op. */
export const plainVariants: { readonly [Name in Plain]: readonly Variant<OpAttrs[Name]>[] } = {
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
  fill: only(({ shape, attrs: { value } }) => [call("fill", { y: output }, { n4: vec4s(shape), value }, grid(vec4s(shape), WG))]),
  channelScale: channelMap(0, { x: input(0), a: input(1), b: input(1) }, 1),
  channelAffine: channelMap(1, { x: input(0), a: input(1), b: input(2) }, 1),
  channelBroadcast: channelMap(2, { x: input(0), a: input(0), b: input(0) }, 0),
  channelSum: channelReduce(0, input(0)),
  channelDot: channelReduce(1, input(1)),
  moments: reductions(({ inputs: [x], attrs: { groups } }, width) => {
    const params = { ...layout(x!, groups), eps: 0, alpha: 0 };
    const size: [number, number] = [x![1]!, groups];
    return [call("norm_leaky.statistics", { x: input(0), moments: output }, params, size, { overrides: { WG: width } })];
  }),
  invStd: only(({ inputs: [x, m], attrs: { eps } }) => {
    const params = { ...layout(x!, m![0]!), eps };
    return [call("normalize.inv_std", { m: input(1), y: output }, params, [Math.ceil((m![0]! * m![2]!) / WG), 1])];
  }),
  normalize,
  normalizeGrad: normalizationGradient("normalize.grad"),
  normalizeCurvature: normalizationGradient("normalize.curvature"),
  sum: summation("sum.plain"),
  broadcast: only(({ shape }) => [
    call("axis.broadcast", { x: input(0), y: output }, { outer: 1, n: sizeOf(shape), inner: 1 }, grid(sizeOf(shape), WG)),
  ]),
  axisSum: axis("axis.sum"),
  axisBroadcast: axis("axis.broadcast"),
  pad2d: window(1),
  crop2d: window(-1),
  quantize,
  resize: resampling(false),
  concat: only(({ inputs: [a], shape }) => [
    call("concat", { a: input(0), b: input(1), y: output }, { n_a: sizeOf(a!), n: sizeOf(shape) }, grid(sizeOf(shape), WG)),
  ]),
  take: batchWindow(-1),
  padBatch: batchWindow(1),
  tanhAdd: binary(4),
  tanhGrad: binary(5),
  lerp: binaryWithScalar(0, () => 0),
  squaredErrorGrad: binaryWithScalar(1, ({ k }) => 2 * k),
  squaredError: summation("sum.squared_error"),
  penaltyIntegrand: only(({ inputs: [g], shape }) => {
    const params = { samples: g![0]!, channels: g![1]!, positions: sizeOf(g!.slice(2)) };
    return [call("penalty_integrand.forward", { g: input(0), y: output }, params, grid(sizeOf(shape), WG))];
  }),
  penaltyIntegrandGrad: only(({ inputs: [v], shape: g }) => {
    const params = { samples: g[0]!, channels: g[1]!, positions: sizeOf(g.slice(2)) };
    return [call("penalty_integrand.backward", { v: input(0), g: input(1), y: output }, params, grid(sizeOf(v!), WG))];
  }),
  noisyPad: only(({ inputs: [z, , x], shape: [samples, channels, h_out, w_out], attrs: { margins } }) => {
    const { top, left } = margins;
    const sizes = { h_in: x![2]!, w_in: x![3]!, h_out: h_out!, w_out: w_out! };
    const params = { samples: samples!, z_samples: z![0]!, channels: channels!, ...sizes, top, left };
    const threads = samples! * channels! * h_out! * w_out!;
    return [call("noisy_pad", { z: input(0), a: input(1), x: input(2), y: output }, params, grid(threads, WG))];
  }),
  clampedResize: resampling(true),
  uniform: random("random.uniform_"),
  normal: random("random.normal"),
  normalWindow,
};
