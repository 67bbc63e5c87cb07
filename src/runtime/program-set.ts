// Programs that share leaves, kept values and the memory of temporaries: what a trainer compiles once and then runs in many orders.

import type { Tensor } from "../autodiff/tensor.ts";
import type { Gpu, Slice } from "../gpu/device.ts";
import { Arena } from "./arena.ts";
import type { Graph } from "./plan.ts";
import { compile, complete, Draft, type Program } from "./program.ts";

export class ProgramSet<Name extends string> {
  readonly #bindings = new Map<Tensor, Slice>();
  readonly #drafts = new Map<Name, Draft>();
  readonly #slices: Slice[] = [];
  /** Memory of temporaries: one program runs at a time, so all programs share it. */
  readonly #arena: Arena;

  constructor(
    private readonly gpu: Gpu,
    private readonly name: string,
  ) {
    this.#arena = new Arena(gpu);
  }

  /** Binds tensors to slices, for the graphs drafted from now on. */
  bind(bindings: Iterable<readonly [Tensor, Slice]>): void {
    for (const [t, slice] of bindings) this.#bindings.set(t, slice);
  }

  /** Where a leaf, or a value that some program keeps, lives. Throws where it is not bound. */
  slice(t: Tensor): Slice {
    const slice = this.#bindings.get(t);
    if (!slice) throw new Error(`${this.name}: ${t} is not bound`);
    return slice;
  }

  /** Uploads a leaf's values and binds it to them. */
  upload(t: Tensor, data: Float32Array | Uint32Array): void {
    const slice = this.gpu.upload(data, `${this.name}: ${t.name}`);
    this.#slices.push(slice);
    this.#bindings.set(t, slice);
  }

  /** Memory that lasts as long as the set. */
  alloc(bytes: number, name: string): Slice {
    const slice = this.gpu.alloc(bytes, `${this.name}: ${name}`);
    this.#slices.push(slice);
    return slice;
  }

  /** Plans a graph as program `name`; later drafts read the outputs where it keeps them. */
  draft(name: Name, outputs: readonly Tensor[], more: Pick<Graph, "updates" | "into" | "choose"> = {}): Draft {
    const made = new Draft(this.gpu, { name: `${this.name} ${name}`, outputs, bindings: this.#bindings, ...more });
    this.#drafts.set(name, made);
    this.bind(outputs.map((t) => [t, made.slice(t)] as const));
    return made;
  }

  /** The graphs drafted so far. */
  get graphs(): readonly Graph[] {
    return [...this.#drafts.values()].map(({ graph }) => graph);
  }

  /** Compiles all drafts at once. Throws what complete() throws. */
  async complete(): Promise<Readonly<Record<Name, Program>>> {
    const programs = await complete([...this.#drafts.values()], this.#arena);
    return Object.fromEntries([...this.#drafts.keys()].map((name, i) => [name, programs[i]!])) as Record<Name, Program>;
  }

  /** Compiles one more program after complete(), with memory of its own for temporaries: the caller disposes it. Throws what compile() throws. */
  compileLater(name: string, outputs: readonly Tensor[]): Promise<Program> {
    return compile(this.gpu, { name: `${this.name} ${name}`, outputs, bindings: this.#bindings });
  }

  dispose(): void {
    for (const draft of this.#drafts.values()) draft.dispose();
    this.#arena.dispose();
    for (const slice of this.#slices.splice(0)) this.gpu.free(slice);
  }
}
