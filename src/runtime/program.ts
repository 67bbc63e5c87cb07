// Compiles a graph into a Program: kernels chosen, memory planned, everything bound. Running it allocates and binds nothing.
// After ratchet `executable.rs` and the tinygrad JIT.

import { sizeOf, type Tensor } from "../autodiff/tensor.ts";
import { type Gpu, padTo, SLICE_ALIGNMENT, type Slice } from "../gpu/device.ts";
import { entryOf, type KernelName, writeParams } from "../gpu/pipelines.ts";
import { Arena, type Plan, Temporary } from "./arena.ts";
import { type Graph, planCalls } from "./plan.ts";
import type { Work } from "./work.ts";

export interface Dispatch {
  /** The op's name; for a multi-output kernel, that of the op with all the inputs. */
  readonly label: string;
  readonly kernel: KernelName;
  readonly work: Work;
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly groups: readonly [number, number];
}

export class Program {
  /** Memory of its own for temporaries, where it shares none. */
  arena?: Arena;
  constructor(
    private readonly draft: Draft,
    readonly dispatches: readonly Dispatch[],
  ) {}

  get name(): string {
    return this.draft.graph.name;
  }

  /** Where an output (or a bound tensor) lives. Throws for a temporary. */
  slice(t: Tensor): Slice {
    return this.draft.slice(t);
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
    this.draft.dispose();
    this.arena?.dispose();
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

/** A graph whose calls are planned and whose outputs have memory. It has no memory for temporaries and no pipelines yet. */
export class Draft {
  /** What lasts as long as the program. */
  readonly #own: Slice[] = [];
  readonly #planned: ReturnType<typeof planCalls>;

  constructor(
    private readonly gpu: Gpu,
    readonly graph: Graph,
  ) {
    try {
      this.#planned = planCalls(gpu, graph, this.#own);
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /** Where an output (or a bound tensor) will live. */
  slice(t: Tensor): Slice {
    const slice = this.#planned.slices.get(t);
    if (!slice || slice instanceof Temporary) throw new Error(`${this.graph.name}: ${t} is not kept`);
    return { ...slice, bytes: sizeOf(t.shape) * 4 };
  }

  get temporaries(): readonly Temporary[] {
    return [...this.#planned.constants.temporaries, ...this.#planned.calls.temporaries];
  }

  /** The program, once the temporaries have their buffers. Computes the constants, once. */
  async complete(): Promise<Program> {
    const { gpu, graph } = this;
    const { constants, calls } = this.#planned;
    const bound = (plan: Plan) => bind(gpu, graph.name, plan, this.#own);
    const [once, dispatches] = await Promise.all([bound(constants), bound(calls)]);
    if (once.length > 0) submit(gpu, [new Program(this, once)]);
    return new Program(this, dispatches);
  }

  dispose(): void {
    for (const slice of this.#own.splice(0)) this.gpu.free(slice);
  }
}

/**
 * Programs of graphs, with their temporaries in `arena`. Compiles all pipelines at once. Throws where a kernel does not compile or memory
 * runs out; the caller has to dispose of the drafts and the arena.
 */
export async function complete(drafts: readonly Draft[], arena: Arena): Promise<Program[]> {
  arena.assign(drafts.flatMap(({ temporaries }) => temporaries));
  return Promise.all(drafts.map((draft) => draft.complete()));
}

/** The program of one graph. Throws where a leaf has no binding, and what complete() throws; it then leaves no memory in use. */
export async function compile(gpu: Gpu, graph: Graph): Promise<Program> {
  const arena = new Arena(gpu);
  const draft = new Draft(gpu, graph);
  try {
    const [program] = (await complete([draft], arena)) as [Program];
    program.arena = arena;
    return program;
  } catch (error) {
    draft.dispose();
    arena.dispose();
    throw error;
  }
}

/** Compiles all pipelines at once, writes all parameters into one buffer and makes the bind groups. */
async function bind(gpu: Gpu, name: string, { calls: plan }: Plan, own: Slice[]): Promise<Dispatch[]> {
  if (plan.length === 0) return [];
  const offsets: number[] = [];
  let bytes = 0;
  for (const { call } of plan) {
    offsets.push(bytes);
    bytes += padTo(entryOf(call.kernel).paramsBytes, SLICE_ALIGNMENT);
  }
  const params = gpu.allocUniform(bytes, `${name}: params`);
  own.push(params);
  const values = new DataView(new ArrayBuffer(bytes));
  for (const [i, { call }] of plan.entries()) writeParams(call, values, offsets[i]!);
  gpu.write(params, values);
  const pipelines = await Promise.all(plan.map(({ call }) => gpu.pipelines.get(call)));
  gpu.check();
  return plan.map(({ label, call, work }, i) => {
    const entry = (binding: number, { buffer, offset, bytes: size }: Slice): GPUBindGroupEntry => ({
      binding,
      resource: { buffer, offset, size: padTo(size, 16) },
    });
    const { bindings, paramsBinding, paramsBytes } = entryOf(call.kernel);
    const storage = bindings.map(({ name: key, binding }) => entry(binding, call.bindings[key]!));
    const uniform = entry(paramsBinding, { ...params, offset: offsets[i]!, bytes: paramsBytes });
    const layout = pipelines[i]!.getBindGroupLayout(0);
    const bindGroup = gpu.device.createBindGroup({ layout, entries: [...storage, uniform], label: `${name}: ${label}` });
    return { label, kernel: call.kernel, work, pipeline: pipelines[i]!, bindGroup, groups: call.groups };
  });
}
