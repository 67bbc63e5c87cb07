// Compiles a graph into a Program: kernels chosen, memory planned, everything bound. Running it allocates and binds nothing.
// After ratchet `executable.rs` and the tinygrad JIT; the memory plan is a pure walk over the node list as in tinygrad.

import { reachable, sizeOf, type Tensor } from "../autodiff/tensor.ts";
import { type Gpu, padTo, SLICE_ALIGNMENT, type Slice } from "../gpu/device.ts";
import { bindingsOf, type KernelCall, paramsBindingOf, paramsBytesOf, writeParams } from "../gpu/pipelines.ts";
import { choose } from "./kernels.ts";
import type { Ref, Variant } from "./variant.ts";

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
  /** Overrides the choice of kernel: the tests run every variant. */
  readonly choose?: (node: Tensor) => Variant | undefined;
}

interface Dispatch {
  readonly label: string;
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
    private readonly gpu: Gpu,
    private readonly places: ReadonlyMap<Tensor, Slice>,
    private readonly owned: readonly Slice[],
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
    for (const slice of this.owned) this.gpu.free(slice);
  }
}

export interface Copy {
  readonly from: Slice;
  readonly to: Slice;
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
      const { from, to } = step;
      encoder.copyBufferToBuffer(from.buffer, from.offset, to.buffer, to.offset, Math.min(from.bytes, to.bytes));
    }
  }
  pass?.end();
  gpu.device.queue.submit([encoder.finish()]);
}

/** A call whose buffers are decided. */
type Planned = { readonly label: string; readonly call: KernelCall<Slice> };

/** Hands out whole buffers and takes them back: two ranges of one buffer can't be read and written in one dispatch. */
class Pool {
  readonly owned: Slice[] = [];
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
    this.owned.push(slice);
    return slice;
  }

  give(slice: Slice): void {
    this.#free.push(slice);
  }
}

/** Compiles `graph`. Throws where a leaf has no binding, a kernel does not compile or memory runs out; nothing is left behind then. */
export async function compile(gpu: Gpu, graph: Graph): Promise<Program> {
  const pool = new Pool(gpu);
  try {
    const places = new Map(graph.bindings);
    const plan = planCalls(gpu, graph, places, pool);
    const dispatches = await bind(gpu, graph.name, plan, pool);
    const bytes = pool.owned.reduce((sum, s) => sum + s.bytes, 0);
    const kept = new Map([...graph.bindings, ...graph.outputs.map((t) => [t, places.get(t)!] as const)]);
    return new Program(graph.name, dispatches, bytes, gpu, kept, pool.owned);
  } catch (error) {
    for (const slice of pool.owned) gpu.free(slice);
    throw error;
  }
}

/** Executes the graph on paper, in creation order: every value gets a buffer, which is free again after its last use. */
function planCalls(gpu: Gpu, graph: Graph, places: Map<Tensor, Slice>, pool: Pool): Planned[] {
  const { bindings, updates = [], into = [] } = graph;
  const roots = [...graph.outputs, ...updates.flatMap((u) => u.reads), ...into.map(([t]) => t)];
  const nodes = reachable(roots, new Set(bindings.keys())).filter((t) => !bindings.has(t));
  const lastUse = new Map<Tensor, number>();
  nodes.forEach((node, at) => {
    for (const t of node.inputs) lastUse.set(t, at);
  });
  const pinned = new Set(roots);
  const direct = new Map(into.filter(([t]) => !lastUse.has(t) && !bindings.has(t)).map(([t, slice]) => [t, slice]));
  const tables = new Map<object, Slice>();
  const plan: Planned[] = [];

  nodes.forEach((node, at) => {
    if (!node.op) throw new Error(`${graph.name}: leaf ${node} is not bound`);
    const out = direct.get(node) ?? pool.take(node.size * 4, `${graph.name}: ${node}`);
    places.set(node, out);
    const scratches = new Map<number, Slice>();
    const place = (ref: Ref): Slice => {
      if (ref.kind === "output") return out;
      if (ref.kind === "input") return places.get(node.inputs[ref.index]!)!;
      const [key, cache] = ref.kind === "table" ? [ref.data, tables] : [ref.id, scratches];
      const known = (cache as Map<unknown, Slice>).get(key);
      if (known) return known;
      const slice =
        ref.kind === "table" ? gpu.upload(ref.data, `${graph.name}: table`) : pool.take(ref.bytes, `${graph.name}: scratch`);
      if (ref.kind === "table") pool.owned.push(slice);
      (cache as Map<unknown, Slice>).set(key, slice);
      return slice;
    };
    const op = { inputs: node.inputs.map((t) => t.shape), shape: node.shape, attrs: node.attrs };
    const variant = graph.choose?.(node) ?? choose(node.name, op, gpu);
    for (const call of variant.calls(op)) plan.push({ label: node.name, call: located(call, place) });
    for (const slice of scratches.values()) pool.give(slice);
    for (const t of new Set(node.inputs)) {
      if (lastUse.get(t) === at && !pinned.has(t) && !bindings.has(t)) pool.give(places.get(t)!);
    }
    if (!lastUse.has(node) && !pinned.has(node)) pool.give(out);
  });

  for (const [t, slice] of into) {
    if (direct.get(t) !== slice) plan.push({ label: "copy", call: copyCall(places.get(t)!, slice, t) });
  }
  for (const update of updates) {
    for (const call of update.calls(update.reads.map((t) => places.get(t)!))) plan.push({ label: call.kernel, call });
  }
  return plan;
}

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
async function bind(gpu: Gpu, name: string, plan: readonly Planned[], pool: Pool): Promise<Dispatch[]> {
  const offsets: number[] = [];
  let bytes = 0;
  for (const { call } of plan) {
    offsets.push(bytes);
    bytes += padTo(paramsBytesOf(call.kernel), SLICE_ALIGNMENT);
  }
  const params = gpu.allocUniform(bytes, `${name}: params`);
  pool.owned.push(params);
  const values = new DataView(new ArrayBuffer(bytes));
  plan.forEach(({ call }, i) => {
    writeParams(call, values, offsets[i]!);
  });
  gpu.write(params, values);
  const pipelines = await Promise.all(plan.map(({ call }) => gpu.pipelines.get(call)));
  gpu.check();
  return plan.map(({ label, call }, i) => {
    const entry = (binding: number, { buffer, offset, bytes: size }: Slice): GPUBindGroupEntry => ({
      binding,
      resource: { buffer, offset, size: padTo(size, 16) },
    });
    const storage = bindingsOf(call.kernel).map(({ name: key, binding }) => entry(binding, call.bindings[key]!));
    const uniform = entry(paramsBindingOf(call.kernel), { ...params, offset: offsets[i]!, bytes: paramsBytesOf(call.kernel) });
    const layout = pipelines[i]!.getBindGroupLayout(0);
    const bindGroup = gpu.device.createBindGroup({ layout, entries: [...storage, uniform], label: `${name}: ${label}` });
    return { label, pipeline: pipelines[i]!, bindGroup, groups: call.groups };
  });
}
