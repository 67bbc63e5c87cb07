// Which kernels compute an op: per op a list of variants, each a function from shapes to dispatches.

import type { Margins, Taps } from "../autodiff/ops/spatial.ts";
import { type Attrs, type Shape, sizeOf, type Tensor } from "../autodiff/tensor.ts";
import { call, grid, type KernelCall } from "../gpu/pipelines.ts";
import { candidateConvolutions, chooseConvolution, convolutions } from "./convolutions.ts";
import { normalizations } from "./norms.ts";
import {
  type Device,
  input,
  layout,
  type OpCase,
  output,
  type Ref,
  scratch,
  TREE_WIDTHS,
  treeFor,
  type Variant,
  WG,
} from "./variant.ts";

const vec4s = (shape: Shape): number => Math.ceil(sizeOf(shape) / 4);
const only = (calls: Variant["calls"]): readonly Variant[] => [{ name: "plain", calls }];

/** Reductions by one workgroup each. */
const trees = (calls: (op: OpCase, WG: number) => KernelCall<Ref>[]): readonly Variant[] =>
  TREE_WIDTHS.map((width) => ({ name: `tree ${width}`, calls: (op) => calls(op, width) }));
const isTree = (all: readonly Variant[]): boolean => all[0]!.name.startsWith("tree");

function unary(op: number, constants: (attrs: Attrs) => { k: number; c: number } = () => ({ k: 0, c: 0 })): readonly Variant[] {
  return only(({ shape, attrs }) => {
    const n4 = vec4s(shape);
    return [
      call("elementwise.map1", { a: input(0), y: output }, { n4, ...constants(attrs) }, grid(n4, WG), { overrides: { OP: op } }),
    ];
  });
}
function binary(op: number, constants: (attrs: Attrs) => { k: number; c: number } = () => ({ k: 0, c: 0 })): readonly Variant[] {
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

function channelMap(op: number, bindings: { x: Ref; a: Ref; b: Ref }, perChannel: number): readonly Variant[] {
  return only(({ inputs, shape }) => {
    const { channels, positions, groups } = layout(shape, inputs[perChannel]![0]!);
    return [
      call("channel_map", { ...bindings, y: output }, { channels, positions, groups }, rowGrid(shape), { overrides: { OP: op } }),
    ];
  });
}
function channelReduce(op: number, second: Ref): readonly Variant[] {
  return trees(({ inputs: [x], shape }, width) => {
    const { channels, positions, samples } = layout(x!, shape[0]!);
    const params = { channels, positions, samples };
    return [
      call("channel_reduce", { x: input(0), y: second, s: output }, params, [channels, shape[0]!], {
        overrides: { OP: op, WG: width },
      }),
    ];
  });
}

function random(kernel: "random.uniform_" | "random.normal"): readonly Variant[] {
  return only(({ shape, attrs }) => {
    const n4 = vec4s(shape);
    const stream = attrs["stream"] as number;
    const params = { n4, stream, h: 0, w: 0, h_whole: 0, w_whole: 0, top: 0, left: 0 };
    return [call(kernel, { key: input(0), y: output }, params, grid(n4, WG))];
  });
}

const normalWindow = only(({ shape, attrs }) => {
  const n4 = vec4s(shape);
  const [, , h, w] = shape as unknown as [number, number, number, number];
  const { stream, size, top, left } = attrs as { stream: number; size: readonly [number, number]; top: number; left: number };
  const params = { n4, stream, h, w, h_whole: size[0], w_whole: size[1], top, left };
  return [call("random.window", { key: input(0), y: output }, params, grid(n4, WG))];
});

function axis(kernel: "axis.sum" | "axis.broadcast"): readonly Variant[] {
  return only(({ inputs: [x], shape, attrs }) => {
    const at = attrs["axis"] as number;
    const wide = kernel === "axis.sum" ? x! : shape;
    const params = { outer: sizeOf(wide.slice(0, at)), n: wide[at]!, inner: sizeOf(wide.slice(at + 1)) };
    return [call(kernel, { x: input(0), y: output }, params, grid(sizeOf(shape), WG))];
  });
}

function window(sign: 1 | -1): readonly Variant[] {
  return only(({ inputs: [x], shape, attrs }) => {
    const { top, left } = attrs["margins"] as Margins;
    const [h_in, w_in, h_out, w_out] = [x!.at(-2)!, x!.at(-1)!, shape.at(-2)!, shape.at(-1)!];
    const params = { rows: sizeOf(shape) / (h_out * w_out), h_in, w_in, h_out, w_out, top: sign * top, left: sign * left };
    return [call("window", { x: input(0), y: output }, params, grid(sizeOf(shape), WG))];
  });
}

const quantize = only(({ inputs: [x, palette], shape }) => {
  const [samples, , h, w] = x as unknown as [number, number, number, number];
  const params = { pixels: h * w, samples, colours: palette![0]! };
  return [call("quantize", { x: input(0), palette: input(1), y: output }, params, grid(sizeOf(shape) / 3, WG))];
});

function normalization(entry: "forward" | "grad" | "curvature"): readonly Variant[] {
  const variantsOf =
    entry === "forward" ? (calls: (op: OpCase, width: number) => KernelCall<Ref>[]) => only((op) => calls(op, WG)) : trees;
  return variantsOf(({ inputs, shape, attrs }, width) => {
    const groups = inputs.at(-1)![0]!;
    const params = { ...layout(shape, groups), eps: attrs["eps"] as number };
    const at = inputs.length - 2; // x; m follows
    const data: { x: Ref; m: Ref; y: Ref } = { x: input(at), m: input(at + 1), y: output };
    if (entry === "forward") return [call("normalize.forward", data, params, rowGrid(shape))];
    const entries = groups * shape[1]!;
    const curvature = entry === "curvature";
    const totals = scratch((curvature ? 5 : 2) * entries * 4);
    const g = input(at - 1);
    const v = curvature ? input(0) : g;
    const sums = call<"normalize.sums", Ref>("normalize.sums", { ...data, g, v, y: totals }, params, [shape[1]!, groups], {
      overrides: { CURVATURE: Number(curvature), WG: width },
    });
    if (curvature)
      return [sums, call<"normalize.curvature", Ref>("normalize.curvature", { ...data, g, v, totals }, params, rowGrid(shape))];
    return [sums, call<"normalize.grad", Ref>("normalize.grad", { ...data, g, totals }, params, rowGrid(shape))];
  });
}

/** Up to this many values one workgroup adds alone: a second dispatch costs more. */
const SUM_ALONE = 2 ** 16;
/** Workgroups that share a longer sum. */
const SUM_PARTS = 64;

function summation(kernel: "sum.plain" | "sum.squared_error"): readonly Variant[] {
  return only(({ inputs: [x], attrs }) => {
    const n = sizeOf(x!);
    const factor = (attrs["k"] as number | undefined) ?? 1;
    const first = (s: Ref, parts: number): KernelCall<Ref> =>
      kernel === "sum.plain"
        ? call<"sum.plain", Ref>(kernel, { x: input(0), s }, { n, factor }, [parts, 1])
        : call<"sum.squared_error", Ref>(kernel, { x: input(0), y: input(1), s }, { n, factor }, [parts, 1]);
    if (n <= SUM_ALONE) return [first(output, 1)];
    const partial = scratch(SUM_PARTS * 4);
    return [first(partial, SUM_PARTS), call("sum.plain", { x: partial, s: output }, { n: SUM_PARTS, factor: 1 }, [1, 1])];
  });
}

function resampling(clamps: boolean): readonly Variant[] {
  return only(({ inputs: [x], shape, attrs }) => {
    const { rows, columns, lo = 0, hi = 0 } = attrs as unknown as { rows: Taps; columns: Taps; lo?: number; hi?: number };
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

function binaryWithScalar(op: number, k: (attrs: Attrs) => number): readonly Variant[] {
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

/** Samples `first` on of x, or x placed there: cropping and padding of the batch axis. */
function batchWindow(sign: 1 | -1): readonly Variant[] {
  return only(({ inputs: [x], shape, attrs }) => {
    const params = {
      ...{ rows: 1, h_in: x![0]!, h_out: shape[0]!, w_in: sizeOf(x!.slice(1)), w_out: sizeOf(shape.slice(1)) },
      ...{ top: sign * (attrs["first"] as number), left: 0 },
    };
    return [call("window", { x: input(0), y: output }, params, grid(sizeOf(shape), WG))];
  });
}

/** Every op's variants; `choose` picks one. */
export const variants: Readonly<Record<string, readonly Variant[]>> = {
  add: binary(0),
  mul: binary(1),
  leakyReluMask: binary(2, (a) => ({ k: a["alpha"] as number, c: 0 })),
  clampMask: binary(3, (a) => ({ k: a["lo"] as number, c: a["hi"] as number })),
  affine: unary(0, (a) => ({ k: a["k"] as number, c: a["c"] as number })),
  tanh: unary(1),
  sqrt: unary(2),
  reciprocal: unary(3),
  clamp: unary(4, (a) => ({ k: a["lo"] as number, c: a["hi"] as number })),
  floor: unary(5),
  fill: only(({ shape, attrs }) => [
    call("fill", { y: output }, { n4: vec4s(shape), value: attrs["value"] as number }, grid(vec4s(shape), WG)),
  ]),
  channelScale: channelMap(0, { x: input(0), a: input(1), b: input(1) }, 1),
  channelAffine: channelMap(1, { x: input(0), a: input(1), b: input(2) }, 1),
  channelBroadcast: channelMap(2, { x: input(0), a: input(0), b: input(0) }, 0),
  channelSum: channelReduce(0, input(0)),
  channelDot: channelReduce(1, input(1)),
  moments: trees(({ inputs: [x], attrs }, width) => {
    const groups = attrs["groups"] as number;
    const params = { ...layout(x!, groups), eps: 0, alpha: 0 };
    const size: [number, number] = [x![1]!, groups];
    return [call("norm_leaky.statistics", { x: input(0), moments: output }, params, size, { overrides: { WG: width } })];
  }),
  invStd: only(({ inputs: [x, m], attrs }) => {
    const params = { ...layout(x!, m![0]!), eps: attrs["eps"] as number };
    return [call("normalize.inv_std", { m: input(1), y: output }, params, [Math.ceil((m![0]! * m![2]!) / WG), 1])];
  }),
  normalize: normalization("forward"),
  normalizeGrad: normalization("grad"),
  normalizeCurvature: normalization("curvature"),
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
  place: batchWindow(1),
  ...normalizations,
  tanhAdd: binary(4),
  tanhGrad: binary(5),
  lerp: binaryWithScalar(0, () => 0),
  squaredErrorGrad: binaryWithScalar(1, (a) => 2 * (a["k"] as number)),
  squaredError: summation("sum.squared_error"),
  normExcess: only(({ inputs: [g], shape }) => {
    const params = { samples: g![0]!, channels: g![1]!, positions: sizeOf(g!.slice(2)) };
    return [call("norm_excess.forward", { g: input(0), y: output }, params, grid(sizeOf(shape), WG))];
  }),
  normExcessGrad: only(({ inputs: [v], shape: g }) => {
    const params = { samples: g[0]!, channels: g[1]!, positions: sizeOf(g.slice(2)) };
    return [call("norm_excess.backward", { v: input(0), g: input(1), y: output }, params, grid(sizeOf(v!), WG))];
  }),
  noisyPad: only(({ inputs: [z, , x], shape: [samples, channels, h_out, w_out], attrs }) => {
    const { top, left } = attrs["margins"] as Margins;
    const sizes = { h_in: x![2]!, w_in: x![3]!, h_out: h_out!, w_out: w_out! };
    const params = { samples: samples!, z_samples: z![0]!, channels: channels!, ...sizes, top, left };
    const threads = samples! * channels! * h_out! * w_out!;
    return [call("noisy_pad", { z: input(0), a: input(1), x: input(2), y: output }, params, grid(threads, WG))];
  }),
  clampedResize: resampling(true),
  uniform: random("random.uniform_"),
  normal: random("random.normal"),
  normalWindow,
  ...convolutions,
};

/** The variant used for a case where nothing was timed: large register blocks on software, enough threads on hardware. */
export function choose(opName: string, op: OpCase, device: Device): Variant {
  const all = variants[opName];
  if (!all) throw new Error(`no kernel computes ${opName}`);
  if (isTree(all)) return all.find(({ name }) => name === treeFor(device))!;
  if (opName in convolutions) return chooseConvolution(opName as keyof typeof convolutions, op, device);
  return all[0]!;
}

/**
 * The variant that images of `size` [h,w] have for a convolution of the frozen generator, whatever the node's own size and what a tuner
 * has found, and none whose bits depend on where in the image a pixel lies: tiles and wholes of a picture are then computed alike.
 * Undefined for other ops, which have one way only.
 */
export function chooseForSize(
  { name, inputs, shape, attrs }: Tensor,
  size: readonly [number, number],
  device: Device,
): Variant | undefined {
  if (name !== "conv2d" && name !== "conv2dLeaky") return undefined;
  const resized = (s: Shape): Shape => [...s.slice(0, 2), ...size];
  const [x, ...rest] = inputs.map((t) => t.shape) as [Shape, ...Shape[]];
  const op = { inputs: [resized(x), ...rest], shape: resized(shape), attrs };
  return candidateConvolutions(name, op, device).find(({ tile }) => tile === undefined);
}
