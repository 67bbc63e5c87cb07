// Compiles a graph into a Program: kernels chosen, memory planned, everything bound. Running it allocates and binds nothing.
// After ratchet `executable.rs` and the tinygrad JIT; the memory plan is a pure walk over the node list as in tinygrad.

import { reachable, sizeOf, type Tensor } from "../autodiff/tensor.ts";
import { type Gpu, padTo, SLICE_ALIGNMENT, type Slice } from "../gpu/device.ts";
import { bindingsOf, type KernelCall, type KernelName, paramsBindingOf, paramsBytesOf, writeParams } from "../gpu/pipelines.ts";
import { choose } from "./kernels.ts";
import { joints } from "./norms.ts";
import type { OpCase, Ref, Variant } from "./variant.ts";
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
  /** Where values in passing live; a private one without. */
  readonly arena?: Arena;
  /** Overrides the choice of kernel, one node at a time: the tests run every variant. */
  readonly choose?: (node: Tensor) => Variant | undefined;
}

export interface Dispatch {
  /** The op's name; of a joint kernel, the one with all the inputs. */
  readonly label: string;
  readonly kernel: KernelName;
  readonly work: Work;
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly groups: readonly [number, number];
}

export class Program {
  #disposed = false;
  constructor(
    readonly name: string,
    readonly dispatches: readonly Dispatch[],
    /** Bytes of GPU memory that this program owns. */
    readonly bytes: number,
    private readonly places: ReadonlyMap<Tensor, Slice>,
    private readonly free: () => void,
  ) {}

  /** Where an output (or a bound tensor) lives. Throws for a value that the plan recycles. */
  slice(t: Tensor): Slice {
    const slice = this.places.get(t);
    if (!slice) throw new Error(`${this.name}: ${t} is not kept`);
    return { ...slice, bytes: sizeOf(t.shape) * 4 };
  }

  encode(pass: GPUComputePassEncoder): void {
    let pipeline: GPUComputePipeline | null = null;
    for (const d of this.dispatches) {
      if (d.pipeline !== pipeline) pass.setPipeline(d.pipeline);
      pipeline = d.pipeline;
      pass.setBindGroup(0, d.bindGroup);
      pass.dispatchWorkgroups(...d.groups);
    }
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.free();
  }
}

export interface Copy {
  readonly from: Slice;
  readonly to: Slice;
}

export function encodeCopy(encoder: GPUCommandEncoder, { from, to }: Copy): void {
  encoder.copyBufferToBuffer(from.buffer, from.offset, to.buffer, to.offset, Math.min(from.bytes, to.bytes));
}

/** Runs programs and copies in order, in one submit. */
export function submit(gpu: Gpu, steps: readonly (Program | Copy)[]): void {
  gpu.check();
  const encoder = gpu.device.createCommandEncoder();
  let pass: GPUComputePassEncoder | null = null;
  for (const step of steps) {
    if (step instanceof Program) {
      pass ??= encoder.beginComputePass();
      step.encode(pass);
    } else {
      pass?.end();
      pass = null;
      encodeCopy(encoder, step);
    }
  }
  pass?.end();
  gpu.device.queue.submit([encoder.finish()]);
}

/** A call whose buffers are decided. */
type Planned = { readonly label: string; readonly call: KernelCall<Slice>; readonly work: Work };

/**
 * Memory for values in passing: hands out whole buffers and takes them back (two ranges of one buffer can't be read and written in one
 * dispatch). Programs that never run at the same time share one.
 */
export class Arena {
  #owned = new Set<Slice>();
  #free: Slice[] = [];
  constructor(private readonly gpu: Gpu) {}

  take(bytes: number, label: string): Slice {
    const fitting = this.#free
      .filter((s) => s.bytes >= bytes && s.bytes <= 2 * bytes + 4096)
      .sort((a, b) => a.bytes - b.bytes)[0];
    if (fitting) {
      this.#free.splice(this.#free.indexOf(fitting), 1);
      return fitting;
    }
    const slice = this.gpu.alloc(bytes, label);
    this.#owned.add(slice);
    return slice;
  }

  give(slice: Slice): void {
    this.#free.push(slice);
  }

  /** Takes back what a program still holds. */
  giveAll(slices: Iterable<Slice>): void {
    const known = new Set(this.#free);
    for (const slice of slices) if (this.#owned.has(slice) && !known.has(slice)) this.#free.push(slice);
  }

  dispose(): void {
    for (const slice of this.#owned) this.gpu.free(slice);
    this.#owned.clear();
    this.#free = [];
  }
}

/** What a plan allocates: values in passing from the arena, values to keep for the program alone. */
class Memory {
  readonly own: Slice[] = [];
  readonly taken = new Set<Slice>();
  constructor(
    private readonly gpu: Gpu,
    readonly arena: Arena,
  ) {}

  keep(slice: Slice): Slice {
    this.own.push(slice);
    return slice;
  }
  output(bytes: number, label: string): Slice {
    return this.keep(this.gpu.alloc(bytes, label));
  }
  temporary(bytes: number, label: string): Slice {
    const slice = this.arena.take(bytes, label);
    this.taken.add(slice);
    return slice;
  }
  /** Forgets everything. */
  undo(): void {
    for (const slice of this.own) this.gpu.free(slice);
    this.arena.giveAll(this.taken);
  }
}

/**
 * Compiles `graph`; values that depend on constants alone are computed here, once. Throws where a leaf has no binding, a kernel does not
 * compile or memory runs out; nothing is left behind then.
 */
export async function compile(gpu: Gpu, graph: Graph): Promise<Program> {
  const arena = graph.arena ?? new Arena(gpu);
  const memory = new Memory(gpu, arena);
  try {
    const places = new Map(graph.bindings);
    const plan = planCalls(gpu, graph, places, memory);
    const [constants, dispatches] = await Promise.all([
      bind(gpu, graph.name, plan.constants, memory),
      bind(gpu, graph.name, plan.calls, memory),
    ]);
    if (constants.length > 0) submit(gpu, [new Program(graph.name, constants, 0, new Map(), () => {})]);
    const kept = new Map([...graph.bindings, ...graph.outputs.map((t) => [t, places.get(t)!] as const)]);
    const bytes = [...memory.own, ...(graph.arena ? [] : memory.taken)].reduce((sum, s) => sum + s.bytes, 0);
    return new Program(graph.name, dispatches, bytes, kept, () => {
      for (const slice of memory.own) gpu.free(slice);
      if (!graph.arena) arena.dispose();
    });
  } catch (error) {
    memory.undo();
    if (!graph.arena) arena.dispose();
    throw error;
  }
}

interface Plan {
  /** What is computed once. */
  readonly constants: Planned[];
  readonly calls: Planned[];
}

/** Nodes that depend on no leaf: the same in every run. */
function constantNodes(nodes: readonly Tensor[]): Set<Tensor> {
  const constants = new Set<Tensor>();
  for (const node of nodes) if (node.op && node.inputs.every((t) => constants.has(t))) constants.add(node);
  return constants;
}

/** Executes the graph on paper, in creation order: every value gets a buffer, which is free again after its last use. */
function planCalls(gpu: Gpu, graph: Graph, places: Map<Tensor, Slice>, memory: Memory): Plan {
  const { bindings, updates = [], into = [], arena } = graph;
  const roots = [...graph.outputs, ...updates.flatMap((u) => u.reads), ...into.map(([t]) => t)];
  const nodes = reachable(roots, new Set(bindings.keys())).filter((t) => !bindings.has(t));
  const constants = constantNodes(nodes);
  const lastUse = new Map<Tensor, number>();
  const lasting = new Set(graph.outputs); // beyond a run
  nodes.forEach((node, at) => {
    for (const t of node.inputs) {
      lastUse.set(t, at);
      if (constants.has(t) && !constants.has(node)) lasting.add(t);
    }
  });
  for (const t of roots) if (constants.has(t)) lasting.add(t);
  const pinned = new Set(roots); // to the end of a run
  const direct = new Map(into.filter(([t]) => !lastUse.has(t) && !bindings.has(t) && !constants.has(t)));
  const tables = new Map<object, Slice>();
  const plan: Plan = { constants: [], calls: [] };
  const done = new Set<Tensor>();

  const allocate = (node: Tensor): Slice => {
    const label = `${graph.name}: ${node}`;
    const out = direct.get(node) ?? (lasting.has(node) ? memory.output : memory.temporary).call(memory, node.size * 4, label);
    places.set(node, out);
    return out;
  };
  const releasable = (t: Tensor) => !pinned.has(t) && !lasting.has(t) && !bindings.has(t);

  /** Appends the calls of one variant: `whole` gives the inputs, `outputs` (scratch where nobody wants one) take the results. */
  const emit = (whole: Tensor, outputs: readonly (Tensor | null)[], calls: readonly KernelCall<Ref>[], label: string) => {
    const outs = outputs.map((t) => t && allocate(t));
    const scratches = new Map<number, Slice>();
    const table = (data: Uint32Array | Float32Array): Slice => {
      const slice = tables.get(data) ?? memory.keep(gpu.upload(data, `${graph.name}: table`));
      tables.set(data, slice);
      return slice;
    };
    const scratch = (id: number, bytes: number): Slice => {
      const slice = scratches.get(id) ?? memory.temporary(bytes, `${graph.name}: scratch`);
      scratches.set(id, slice);
      return slice;
    };
    const place = (ref: Ref): Slice => {
      if (ref.kind === "input") return places.get(whole.inputs[ref.index]!)!;
      if (ref.kind === "table") return table(ref.data);
      if (ref.kind === "scratch") return scratch(ref.id, ref.bytes);
      return outs[ref.index] ?? scratch(-1 - ref.index, whole.size * 4);
    };
    const list = constants.has(whole) ? plan.constants : plan.calls;
    const works = worksOf(calls, whole, outputs);
    for (const [i, call] of calls.entries()) list.push({ label, call: located(call, place), work: works[i]! });
    for (const slice of scratches.values()) memory.arena.give(slice);
    for (const t of outputs) if (t) done.add(t);
  };

  nodes.forEach((node, at) => {
    if (!node.op) throw new Error(`${graph.name}: leaf ${node} is not bound`);
    if (!done.has(node)) {
      const together = graph.choose ? null : findJoint(node, nodes, at, (t) => places.has(t));
      if (together) {
        const { joint, whole, outputs } = together;
        const variant = joint.variants[gpu.isSoftware ? 1 : 0]!;
        const refs = outputs.map((_, index): Ref => ({ kind: "output", index }));
        emit(whole, outputs, variant.calls(caseOf(whole), refs), whole.name);
      } else {
        const variant = graph.choose?.(node) ?? choose(node.name, caseOf(node), gpu);
        emit(node, [node], variant.calls(caseOf(node)), node.name);
      }
    }
    for (const t of new Set(node.inputs)) if (lastUse.get(t) === at && releasable(t)) memory.arena.give(places.get(t)!);
    if (!lastUse.has(node) && releasable(node)) memory.arena.give(places.get(node)!);
  });

  for (const [t, slice] of into) {
    if (direct.get(t) === slice) continue;
    const call = copyCall(places.get(t)!, slice, t);
    plan.calls.push({ label: "copy", call, work: placedWork(call) });
  }
  for (const update of updates) {
    for (const call of update.calls(update.reads.map((t) => places.get(t)!)))
      plan.calls.push({ label: call.kernel, call, work: placedWork(call) });
  }
  if (arena) arena.giveAll(memory.taken);
  return plan;
}

const caseOf = (node: Tensor): OpCase => ({
  inputs: node.inputs.map((t) => t.shape),
  shape: node.shape,
  attrs: node.attrs,
});

/** The nodes that one joint kernel can compute at `node`'s place: it and later ones whose inputs are all there. */
function findJoint(node: Tensor, nodes: readonly Tensor[], at: number, isThere: (t: Tensor) => boolean) {
  const joint = joints.find(({ members }) => members.includes(node.name));
  if (!joint) return null;
  const others = nodes.slice(at + 1, at + 1 + JOINT_REACH).filter((t) => joint.members.includes(t.name));
  const whole = [node, ...others].find(
    (t) =>
      t.inputs.length === joint.inputs && (t === node || joint.fits(node, t)) && t.inputs.every((i) => i === node || isThere(i)),
  );
  if (!whole) return null;
  const parts = [node, ...others].filter((t) => t === whole || joint.fits(t, whole));
  if (parts.length < 2) return null;
  return { joint, whole, outputs: joint.members.map((name) => parts.find((t) => t.name === name) ?? null) };
}
/** How far ahead a joint kernel looks for its other parts: they are made by one VJP. */
const JOINT_REACH = 8;

const located = (call: KernelCall<Ref>, place: (ref: Ref) => Slice): KernelCall<Slice> => ({
  ...call,
  bindings: Object.fromEntries(Object.entries(call.bindings).map(([name, ref]) => [name, place(ref)])),
});

/** Copies a value by the identity kernel: inside a pass, buffers can't be copied. */
export function copyCall(from: Slice, to: Slice, t: Tensor): KernelCall<Slice> {
  const { calls } = choose("affine", { inputs: [t.shape], shape: t.shape, attrs: {} }, { isSoftware: false });
  const [call] = calls({ inputs: [t.shape], shape: t.shape, attrs: { k: 1, c: 0 } });
  return located(call!, (ref) => (ref.kind === "output" ? to : from));
}

/** Compiles the pipelines side by side, writes all parameters into one buffer and makes the bind groups. */
async function bind(gpu: Gpu, name: string, plan: readonly Planned[], memory: Memory): Promise<Dispatch[]> {
  const offsets: number[] = [];
  let bytes = 0;
  for (const { call } of plan) {
    offsets.push(bytes);
    bytes += padTo(paramsBytesOf(call.kernel), SLICE_ALIGNMENT);
  }
  if (plan.length === 0) return [];
  const params = memory.keep(gpu.allocUniform(bytes, `${name}: params`));
  const values = new DataView(new ArrayBuffer(bytes));
  plan.forEach(({ call }, i) => {
    writeParams(call, values, offsets[i]!);
  });
  gpu.write(params, values);
  const pipelines = await Promise.all(plan.map(({ call }) => gpu.pipelines.get(call)));
  gpu.check();
  return plan.map(({ label, call, work }, i) => {
    const entry = (binding: number, { buffer, offset, bytes: size }: Slice): GPUBindGroupEntry => ({
      binding,
      resource: { buffer, offset, size: padTo(size, 16) },
    });
    const storage = bindingsOf(call.kernel).map(({ name: key, binding }) => entry(binding, call.bindings[key]!));
    const uniform = entry(paramsBindingOf(call.kernel), { ...params, offset: offsets[i]!, bytes: paramsBytesOf(call.kernel) });
    const layout = pipelines[i]!.getBindGroupLayout(0);
    const bindGroup = gpu.device.createBindGroup({ layout, entries: [...storage, uniform], label: `${name}: ${label}` });
    return { label, kernel: call.kernel, work, pipeline: pipelines[i]!, bindGroup, groups: call.groups };
  });
}
