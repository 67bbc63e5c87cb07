// Plans a graph: which kernels run in which order, and how long each value lives. After tinygrad: a pure walk over the list of nodes.

import { reachable, type Tensor } from "../autodiff/tensor.ts";
import type { Gpu, Slice } from "../gpu/device.ts";
import { call, grid, type KernelCall } from "../gpu/pipelines.ts";
import { Plan } from "./arena.ts";
import { choose } from "./choice.ts";
import { multiOutputKernels, outputsOf } from "./multi-output.ts";
import { tuningOf } from "./tune.ts";
import { caseOf, type Ref, reductionWidth, type Variant, WG } from "./variant.ts";
import { boundWork, worksOf } from "./work.ts";

/** A change of buffers after all values are computed: an optimiser step, a running average. */
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
  /** Where leaves live, and values that another program has computed, so that nothing that they depend on is computed again. */
  readonly bindings: ReadonlyMap<Tensor, Slice>;
  /** Values to write to a given slice: gradients into a net's gradient buffer, losses into a ring. */
  readonly into?: readonly (readonly [Tensor, Slice])[];
  /** Overrides the choice of kernel, one node at a time: the tests run every variant. */
  readonly choose?: (node: Tensor) => Variant | undefined;
}

/** Nodes that depend on no leaf: the same in every run. */
function constantNodes(nodes: readonly Tensor[]): Set<Tensor> {
  const constants = new Set<Tensor>();
  for (const node of nodes) if (node.op && node.inputs.every((t) => constants.has(t))) constants.add(node);
  return constants;
}

/**
 * Plans the calls of a graph in creation order. A value is a temporary that ends with its last use, unless the graph keeps it. What depends
 * on constants only has a plan of its own. `own` gets the memory that lasts as long as the program. Returns where values live, and the plans
 * of the calls that compute constants and of those of every run.
 */
export function planCalls(gpu: Gpu, graph: Graph, own: Slice[]) {
  const { bindings, updates = [], into = [] } = graph;
  const slices = new Map(bindings);
  const [constants, calls] = [new Plan(), new Plan()];
  const roots = [...graph.outputs, ...updates.flatMap((u) => u.reads), ...into.map(([t]) => t)];
  const nodes = reachable(roots, new Set(bindings.keys())).filter((t) => !bindings.has(t));
  const constant = constantNodes(nodes);
  const lastUse = new Map<Tensor, number>();
  const lasting = new Set([...graph.outputs, ...roots.filter((t) => constant.has(t))]); // their memory lasts longer than a run
  nodes.forEach((node, at) => {
    for (const t of node.inputs) {
      lastUse.set(t, at);
      if (constant.has(t) && !constant.has(node)) lasting.add(t);
    }
  });
  const pinned = new Set([...roots, ...lasting, ...bindings.keys()]); // live to the end of a run
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
    const slice = direct.get(node) ?? (lasting.has(node) ? keep(gpu.alloc(bytes, label)) : planOf(node).begin(bytes, label));
    slices.set(node, slice);
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
      const slice = scratches.get(id) ?? plan.begin(bytes, `${graph.name}: scratch`);
      scratches.set(id, slice);
      return slice;
    };
    const sliceOf = (ref: Ref): Slice => {
      if (ref.kind === "input") return slices.get(whole.inputs[ref.index]!)!;
      if (ref.kind === "table") return table(ref.data);
      if (ref.kind === "scratch") return scratch(ref.id, ref.bytes);
      return outs[ref.index]!;
    };
    const works = worksOf(list, whole, outputs, main);
    for (const [i, call] of list.entries()) plan.calls.push({ label: whole.name, call: bound(call, sliceOf), work: works[i]! });
    for (const slice of scratches.values()) plan.end(slice);
    for (const t of outputs) if (t) done.add(t);
  };

  nodes.forEach((node, at) => {
    if (!node.op) throw new Error(`${graph.name}: leaf ${node} is not bound`);
    if (!done.has(node)) {
      const together = graph.choose ? null : findTogether(node, nodes, at, (t) => slices.has(t));
      if (together) {
        const { kernel, whole, outputs } = together;
        const refs = outputsOf(kernel, caseOf(whole), (_, index) => (outputs[index] ? { kind: "output", index } : null));
        emit(whole, outputs, [kernel.call(caseOf(whole), refs, reductionWidth(gpu.profile))]);
      } else {
        const variant = graph.choose?.(node) ?? choose(node.name, caseOf(node), gpu.profile, tuning);
        emit(node, [node], variant.calls(caseOf(node)), variant.main);
      }
    }
    for (const t of new Set(node.inputs)) if (lastUse.get(t) === at && !pinned.has(t)) planOf(t).end(slices.get(t)!);
    if (!lastUse.has(node) && !pinned.has(node)) planOf(node).end(slices.get(node)!);
  });

  for (const [t, slice] of into) {
    if (direct.get(t) === slice) continue;
    const call = copyCall(slices.get(t)!, slice, t);
    planOf(t).calls.push({ label: "copy", call, work: boundWork(call) }); // a copied constant stays: nothing else writes there
  }
  for (const update of updates) {
    for (const call of update.calls(update.reads.map((t) => slices.get(t)!)))
      calls.calls.push({ label: call.kernel, call, work: boundWork(call) });
  }
  return { slices, constants, calls };
}

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

const bound = (call: KernelCall<Ref>, sliceOf: (ref: Ref) => Slice): KernelCall<Slice> => ({
  ...call,
  bindings: Object.fromEntries(Object.entries(call.bindings).map(([name, ref]) => [name, sliceOf(ref)])),
});

/** Copies a value with the kernel 1·x + 0: inside a pass, buffers can't be copied. */
function copyCall(from: Slice, to: Slice, { size }: Tensor): KernelCall<Slice> {
  const n4 = Math.ceil(size / 4);
  return call("elementwise.map1", { a: from, y: to }, { n4, k: 1, c: 0 }, grid(n4, WG), { overrides: { OP: 0 } });
}
