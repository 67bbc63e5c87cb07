// Executes a graph on paper: which kernels run in which order, and which values share memory. After tinygrad: a pure walk over the list
// of nodes.

import { reachable, type Tensor } from "../autodiff/tensor.ts";
import { type Gpu, padTo, type Slice } from "../gpu/device.ts";
import { call, grid, type KernelCall } from "../gpu/pipelines.ts";
import { choose } from "./choice.ts";
import { multiOutputKernels, outputsOf } from "./multi-output.ts";
import { tuningOf } from "./tuning.ts";
import { type OpCase, type Ref, type Variant, WG } from "./variant.ts";
import { placedWork, type Work, worksOf } from "./work.ts";

/** Something done in place after all values are computed: an optimiser step, a running average. */
export interface Update {
  /** Values the update needs. */
  readonly reads: readonly Tensor[];
  calls(slices: readonly Slice[]): KernelCall<Slice>[];
}

export interface Graph {
  readonly name: string;
  /** Values kept after a run. */
  readonly outputs: readonly Tensor[];
  readonly updates?: readonly Update[];
  /** Where leaves live, and values that another program has computed: nothing behind them is computed again. */
  readonly bindings: ReadonlyMap<Tensor, Slice>;
  /** Values to be written to a given place: gradients into a net's gradient buffer, losses into a ring. */
  readonly into?: readonly (readonly [Tensor, Slice])[];
  /** Overrides the choice of kernel, one node at a time: the tests run every variant. */
  readonly choose?: (node: Tensor) => Variant | undefined;
}

/** A call whose buffers are decided. */
export type Planned = { readonly label: string; readonly call: KernelCall<Slice>; readonly work: Work };

/** A value in passing: alive from one call of a plan to before another, in a buffer that it gets when all plans are complete. */
export class Temporary implements Slice {
  buffer!: GPUBuffer;
  readonly offset = 0;
  to = Number.POSITIVE_INFINITY;
  constructor(
    readonly plan: Plan,
    readonly bytes: number,
    readonly label: string,
    readonly from: number,
  ) {}

  meets(other: Temporary): boolean {
    return this.plan === other.plan && this.from < other.to && other.from < this.to;
  }
}

/** Calls in order, and the values that come and go between them. */
export class Plan {
  readonly calls: Planned[] = [];
  readonly temporaries: Temporary[] = [];

  take(bytes: number, label: string): Temporary {
    const temporary = new Temporary(this, Math.max(16, padTo(bytes, 16)), label, this.calls.length);
    this.temporaries.push(temporary);
    return temporary;
  }
  give(slice: Slice): void {
    if (slice instanceof Temporary) slice.to = this.calls.length;
  }
}

/**
 * Memory for values in passing, shared by programs that never run at the same time. Hands out whole buffers: two ranges of one buffer
 * can't be read and written in one dispatch.
 */
export class Arena {
  #buffers: Slice[] = [];
  constructor(private readonly gpu: Gpu) {}

  get bytes(): number {
    return this.#buffers.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Gives values their buffers, the largest first, so that smaller ones fit where those have gone. */
  assign(temporaries: readonly Temporary[]): void {
    const tenants = new Map<Slice, Temporary[]>();
    for (const t of [...temporaries].sort((x, y) => y.bytes - x.bytes)) {
      const isFree = (s: Slice) => s.bytes >= t.bytes && !tenants.get(s)?.some((other) => other.meets(t));
      const slice = this.#buffers.findLast(isFree) ?? this.#add(t); // the last is the smallest
      tenants.set(slice, [...(tenants.get(slice) ?? []), t]);
      t.buffer = slice.buffer;
    }
  }

  #add({ bytes, label }: Temporary): Slice {
    const slice = this.gpu.alloc(bytes, label);
    this.#buffers.push(slice);
    return slice;
  }

  dispose(): void {
    for (const slice of this.#buffers.splice(0)) this.gpu.free(slice);
  }
}

/** Nodes that depend on no leaf: the same in every run. */
function constantNodes(nodes: readonly Tensor[]): Set<Tensor> {
  const constants = new Set<Tensor>();
  for (const node of nodes) if (node.op && node.inputs.every((t) => constants.has(t))) constants.add(node);
  return constants;
}

export interface Planning {
  readonly gpu: Gpu;
  readonly graph: Graph;
  /** Where values live: starts with the graph's bindings. */
  readonly places: Map<Tensor, Slice>;
  /** What lasts as long as the program. */
  readonly own: Slice[];
  /** Calls that compute constants, and those of every run. */
  readonly constants: Plan;
  readonly calls: Plan;
}

/**
 * Executes the graph on paper, in creation order: every value gets a place, which is free again after its last use. What depends on
 * constants alone makes a plan of its own.
 */
export function planCalls({ gpu, graph, own, constants, calls, places }: Planning): void {
  const { bindings, updates = [], into = [] } = graph;
  const roots = [...graph.outputs, ...updates.flatMap((u) => u.reads), ...into.map(([t]) => t)];
  const nodes = reachable(roots, new Set(bindings.keys())).filter((t) => !bindings.has(t));
  const constant = constantNodes(nodes);
  const lastUse = new Map<Tensor, number>();
  const lasting = new Set([...graph.outputs, ...roots.filter((t) => constant.has(t))]); // longer than a run
  nodes.forEach((node, at) => {
    for (const t of node.inputs) {
      lastUse.set(t, at);
      if (constant.has(t) && !constant.has(node)) lasting.add(t);
    }
  });
  const pinned = new Set([...roots, ...lasting, ...bindings.keys()]); // to the end of a run
  const direct = new Map(into.filter(([t]) => !lastUse.has(t) && !bindings.has(t) && !constant.has(t)));
  const tables = new Map<object, Slice>();
  const tuning = tuningOf(gpu);
  const planOf = (node: Tensor) => (constant.has(node) ? constants : calls);
  const keep = (slice: Slice): Slice => {
    own.push(slice);
    return slice;
  };
  const allocate = (node: Tensor): Slice => {
    const label = `${graph.name}: ${node}`;
    const bytes = node.size * 4;
    const slice = direct.get(node) ?? (lasting.has(node) ? keep(gpu.alloc(bytes, label)) : planOf(node).take(bytes, label));
    places.set(node, slice);
    return slice;
  };
  const done = new Set<Tensor>();

  /** Appends calls: their inputs are those of `whole`, their results `outputs` (null where nobody wants one). */
  const emit = (whole: Tensor, outputs: readonly (Tensor | null)[], list: readonly KernelCall<Ref>[], main?: Variant["main"]) => {
    const plan = planOf(whole);
    const outs = outputs.map((t) => t && allocate(t));
    const scratches = new Map<number, Slice>();
    const table = (data: Uint32Array | Float32Array): Slice => {
      const slice = tables.get(data) ?? keep(gpu.upload(data, `${graph.name}: table`));
      tables.set(data, slice);
      return slice;
    };
    const scratch = (id: number, bytes: number): Slice => {
      const slice = scratches.get(id) ?? plan.take(bytes, `${graph.name}: scratch`);
      scratches.set(id, slice);
      return slice;
    };
    const place = (ref: Ref): Slice => {
      if (ref.kind === "input") return places.get(whole.inputs[ref.index]!)!;
      if (ref.kind === "table") return table(ref.data);
      if (ref.kind === "scratch") return scratch(ref.id, ref.bytes);
      return outs[ref.index]!;
    };
    const works = worksOf(list, whole, outputs, main);
    for (const [i, call] of list.entries()) plan.calls.push({ label: whole.name, call: located(call, place), work: works[i]! });
    for (const slice of scratches.values()) plan.give(slice);
    for (const t of outputs) if (t) done.add(t);
  };

  nodes.forEach((node, at) => {
    if (!node.op) throw new Error(`${graph.name}: leaf ${node} is not bound`);
    if (!done.has(node)) {
      const together = graph.choose ? null : findTogether(node, nodes, at, (t) => places.has(t));
      if (together) {
        const { kernel, whole, outputs } = together;
        const variant = kernel.variants.find(({ suits }) => suits(gpu.profile))!;
        const refs = outputsOf(kernel, caseOf(whole), (_, index) => (outputs[index] ? { kind: "output", index } : null));
        emit(whole, outputs, variant.calls(caseOf(whole), refs));
      } else {
        const variant = graph.choose?.(node) ?? choose(node.name, caseOf(node), gpu.profile, tuning);
        emit(node, [node], variant.calls(caseOf(node)), variant.main);
      }
    }
    for (const t of new Set(node.inputs)) if (lastUse.get(t) === at && !pinned.has(t)) planOf(t).give(places.get(t)!);
    if (!lastUse.has(node) && !pinned.has(node)) planOf(node).give(places.get(node)!);
  });

  for (const [t, slice] of into) {
    if (direct.get(t) === slice) continue;
    const call = copyCall(places.get(t)!, slice, t);
    planOf(t).calls.push({ label: "copy", call, work: placedWork(call) }); // constants stay: nobody else writes there
  }
  for (const update of updates) {
    for (const call of update.calls(update.reads.map((t) => places.get(t)!)))
      calls.calls.push({ label: call.kernel, call, work: placedWork(call) });
  }
}

const caseOf = (node: Tensor): OpCase => ({
  inputs: node.inputs.map((t) => t.shape),
  shape: node.shape,
  attrs: node.attrs,
});

/** The nodes that one multi-output kernel can compute at `node`'s place: it and later ones whose inputs are all there. */
function findTogether(node: Tensor, nodes: readonly Tensor[], at: number, isThere: (t: Tensor) => boolean) {
  const kernel = multiOutputKernels.find(({ members }) => members.includes(node.name));
  if (!kernel) return null;
  const others = nodes.slice(at + 1, at + 1 + REACH).filter((t) => kernel.members.includes(t.name));
  const isWhole = (t: Tensor) => t.inputs.length === kernel.inputs && t.inputs.every((i) => i === node || isThere(i));
  const whole = [node, ...others].find((t) => isWhole(t) && (t === node || kernel.fits(node, t)));
  if (!whole) return null;
  const parts = [node, ...others].filter((t) => t === whole || kernel.fits(t, whole));
  if (parts.length < 2) return null;
  return { kernel, whole, outputs: kernel.members.map((name) => parts.find((t) => t.name === name) ?? null) };
}
/** How far ahead a multi-output kernel looks for its other nodes: one VJP makes them all. */
const REACH = 8;

const located = (call: KernelCall<Ref>, place: (ref: Ref) => Slice): KernelCall<Slice> => ({
  ...call,
  bindings: Object.fromEntries(Object.entries(call.bindings).map(([name, ref]) => [name, place(ref)])),
});

/** Copies a value with the kernel 1·x + 0: inside a pass, buffers can't be copied. */
export function copyCall(from: Slice, to: Slice, { size }: Tensor): KernelCall<Slice> {
  const n4 = Math.ceil(size / 4);
  return call("elementwise.map1", { a: from, y: to }, { n4, k: 1, c: 0 }, grid(n4, WG), { overrides: { OP: 0 } });
}
