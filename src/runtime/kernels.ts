// Which kernels compute an op: per op a list of variants, each a function from shapes to dispatches.

import type { Margins, Taps } from "../autodiff/ops/spatial.ts";
import { type Attrs, type Shape, sizeOf } from "../autodiff/tensor.ts";
import { call, grid, type KernelCall } from "../gpu/pipelines.ts";
import { chooseConvolution, convolutions } from "./convolutions.ts";
import { type Device, input, type OpCase, output, type Ref, scratch, type Variant, WG } from "./variant.ts";

const vec4s = (shape: Shape): number => Math.ceil(sizeOf(shape) / 4);
const only = (calls: Variant["calls"]): readonly Variant[] => [{ name: "plain", calls }];

/**
 * Reductions by one workgroup each: a wide tree for hardware, one of 4 lanes for software, where every barrier costs a coroutine
 * switch per lane quad.
 */
const TREE_WIDTHS = [64, 4] as const;
const trees = (calls: (op: OpCase, WG: number) => KernelCall<Ref>[]): readonly Variant[] =>
  TREE_WIDTHS.map((width) => ({ name: `tree ${width}`, calls: (op) => calls(op, width) }));
const isTree = (all: readonly Variant[]): boolean => all[0]!.name.startsWith("tree");

function unary(op: number, constants: (attrs: Attrs) => { k: number; c: number } = () => ({ k: 0, c: 0 })): readonly Variant[] {
  return only(({ shape, attrs }) => {
    const n4 = vec4s(shape);
    return [
      call("elementwise", { x: input(0), y: output }, { n4, ...constants(attrs) }, grid(n4, WG), { overrides: { OP: op } }),
    ];
  });
}
function binary(op: number, constants: (attrs: Attrs) => { k: number; c: number } = () => ({ k: 0, c: 0 })): readonly Variant[] {
  return only(({ shape, attrs }) => {
    const n4 = vec4s(shape);
    return [
      call("elementwise2", { a: input(0), b: input(1), y: output }, { n4, ...constants(attrs) }, grid(n4, WG), {
        overrides: { OP: op },
      }),
    ];
  });
}

/** x [n,c,…] seen as rows of positions, with its per-channel tensors in `groups` groups. */
function layout(x: Shape, groups: number) {
  const [n, channels] = x as [number, number];
  return { channels, positions: sizeOf(x) / (n * channels), samples: n / groups, groups };
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
    return [call(kernel, { key: input(0), y: output }, { n4, stream: attrs["stream"] as number }, grid(n4, WG))];
  });
}

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

function normalization(entry: "forward" | "grad" | "curvature"): readonly Variant[] {
  const variantsOf =
    entry === "forward" ? (calls: (op: OpCase, width: number) => KernelCall<Ref>[]) => only((op) => calls(op, WG)) : trees;
  return variantsOf(({ inputs, shape, attrs }, width) => {
    const groups = inputs.at(-1)![1]!;
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

const SUM_WG = 256;
const SUM_PER_THREAD = 16;

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
    const params = { ...layout(x!, groups), eps: 0 };
    return [call("normalize.moments", { x: input(0), y: output }, params, [x![1]!, groups], { overrides: { WG: width } })];
  }),
  invStd: only(({ inputs: [x, m], attrs }) => {
    const params = { ...layout(x!, m![1]!), eps: attrs["eps"] as number };
    return [call("normalize.inv_std", { m: input(1), y: output }, params, [Math.ceil((m![1]! * m![2]!) / WG), 1])];
  }),
  normalize: normalization("forward"),
  normalizeGrad: normalization("grad"),
  normalizeCurvature: normalization("curvature"),
  sum: only(({ inputs: [x] }) => {
    const n = sizeOf(x!);
    const parts = Math.min(SUM_WG, Math.ceil(n / (SUM_WG * SUM_PER_THREAD)));
    if (parts === 1) return [call("sum", { x: input(0), s: output }, { n }, [1, 1])];
    const partial = scratch(parts * 4);
    return [
      call("sum", { x: input(0), s: partial }, { n }, [parts, 1]),
      call("sum", { x: partial, s: output }, { n: parts }, [1, 1]),
    ];
  }),
  broadcast: only(({ shape }) => [
    call("axis.broadcast", { x: input(0), y: output }, { outer: 1, n: sizeOf(shape), inner: 1 }, grid(sizeOf(shape), WG)),
  ]),
  axisSum: axis("axis.sum"),
  axisBroadcast: axis("axis.broadcast"),
  pad2d: window(1),
  crop2d: window(-1),
  resize: only(({ inputs: [x], shape, attrs }) => {
    const { rows, columns } = attrs as unknown as { rows: Taps; columns: Taps };
    const table = (data: Uint32Array | Float32Array): Ref => ({ kind: "table", data });
    const tables = {
      index_y: table(rows.index),
      weight_y: table(rows.weight),
      index_x: table(columns.index),
      weight_x: table(columns.weight),
    };
    const sizes = { h_in: rows.inSize, w_in: columns.inSize, h_out: rows.outSize, w_out: columns.outSize };
    const params = { rows: sizeOf(x!) / (rows.inSize * columns.inSize), ...sizes, taps_y: rows.width, taps_x: columns.width };
    return [call("resize", { x: input(0), ...tables, y: output }, params, grid(sizeOf(shape), WG))];
  }),
  uniform: random("random.uniform_"),
  normal: random("random.normal"),
  ...convolutions,
};

/** The variant used for a case where nothing was timed: large register blocks on software, enough threads on hardware. */
export function choose(opName: string, op: OpCase, device: Device): Variant {
  const all = variants[opName];
  if (!all) throw new Error(`no kernel computes ${opName}`);
  if (isTree(all)) return all[device.isSoftware ? 1 : 0]!;
  if (opName in convolutions) return chooseConvolution(opName as keyof typeof convolutions, op, device);
  return all[0]!;
}
