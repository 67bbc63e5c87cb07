// Tuning on a Gpu: the ops of graphs as cases, trials on buffers of noise, and the store.

import { registry } from "../autodiff/ops/registry.ts";
import { apply, leaf, reachable } from "../autodiff/tensor.ts";
import { sources } from "../generated/kernels.ts";
import type { Gpu, Slice } from "../gpu/device.ts";
import { candidateConvolutions } from "./convolutions.ts";
import type { Graph } from "./plan.ts";
import { compile, submit } from "./program.ts";
import { type Timing, type Trial, type TuningCase, type TuningStore, type TuningTools, tune, tuningKey } from "./tune.ts";
import type { Variant } from "./variant.ts";

/** Time to spend per call of Tuner.tune, ms: about a scale's. */
const BUDGET_MS = 3000;

export class Tuner {
  private constructor(
    private readonly gpu: Gpu,
    private readonly store: TuningStore,
  ) {}

  /** Makes the store's table for this adapter and these kernels `gpu.winners`. */
  static async open(gpu: Gpu, store: TuningStore): Promise<Tuner> {
    for (const [key, timing] of Object.entries(await store.read(tableName(gpu)))) gpu.winners.set(key, timing);
    return new Tuner(gpu, store);
  }

  /** What the table says about cases. */
  known(cases: readonly TuningCase[]): (readonly [key: string, timing: Timing, one: TuningCase])[] {
    const keyed = new Map(cases.map((one) => [tuningKey(one.opName, one.op), one] as const));
    return [...keyed].flatMap(([key, one]) => {
      const timing = key === null ? undefined : this.gpu.winners.get(key);
      return key !== null && timing ? [[key, timing, one] as const] : [];
    });
  }

  /** Compiles what will be timed side by side: a driver takes half a second for one kernel, and uses one core for it. */
  async #compileAll(cases: readonly TuningCase[]): Promise<void> {
    const { gpu } = this;
    const open = cases.filter(({ opName, op }) => !gpu.winners.has(tuningKey(opName, op) ?? ""));
    const calls = open.flatMap(({ opName, op }) => candidateConvolutions(opName, op, gpu).flatMap((v) => v.calls(op)));
    await Promise.all(calls.map((call) => gpu.pipelines.get(call)));
  }

  /** Times the cases that are not known yet, until the budget is used up, and remembers the winners for later runs too. */
  async tune(
    cases: readonly TuningCase[],
    options: { budgetMs?: number; onTimed?: (key: string, timing: Timing, one: TuningCase) => void } = {},
  ): Promise<void> {
    const { gpu } = this;
    if (!gpu.isSoftware) await this.#compileAll(cases);
    const found = await tune(cases, Object.fromEntries(gpu.winners), toolsOf(gpu), { budgetMs: BUDGET_MS, ...options });
    for (const [key, timing] of Object.entries(found)) gpu.winners.set(key, timing);
    if (Object.keys(found).length > 0) await this.store.write(tableName(gpu), Object.fromEntries(gpu.winners));
  }
}

/** The ops of graphs that are about to be compiled. */
export function casesOf(graphs: readonly Graph[]): TuningCase[] {
  return graphs.flatMap(({ outputs, updates = [], into = [], bindings }) => {
    const roots = [...outputs, ...updates.flatMap((u) => u.reads), ...into.map(([t]) => t)];
    return reachable(roots, new Set(bindings.keys()))
      .filter((t) => t.op && !bindings.has(t))
      .map((t) => ({ opName: t.name, op: { inputs: t.inputs.map((i) => i.shape), shape: t.shape, attrs: t.attrs } }));
  });
}

const tableName = (gpu: Gpu): string => `${gpu.adapterName}, kernels ${hash(JSON.stringify(sources))}`;

/** FNV-1a, 32 bits. */
function hash(text: string): string {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return (h >>> 0).toString(16).padStart(8, "0");
}

const toolsOf = (gpu: Gpu): TuningTools => ({
  candidates: ({ opName, op }) => candidateConvolutions(opName, op, gpu),
  start: (one, variant) => startTrial(gpu, one, variant),
  now: () => performance.now(),
});

/** Not zeros: some arithmetic units are faster at them. */
function someValues(count: number): Float32Array {
  const values = new Float32Array(count);
  const few = Math.min(count, 101);
  for (let i = 0; i < few; i++) values[i] = ((i * 37) % 101) / 101 - 0.5;
  for (let done = few; done < count; done *= 2) values.copyWithin(done, 0, Math.min(done, count - done));
  return values;
}

/** The variant as a program of its own; the wall time of repeated runs in one submit includes the gaps between dispatches. */
async function startTrial(gpu: Gpu, { opName, op }: TuningCase, variant: Variant): Promise<Trial> {
  const inputs = op.inputs.map((shape, i) => leaf(`x${i}`, shape));
  const slices: Slice[] = [];
  const dispose = () => {
    for (const slice of slices) gpu.free(slice);
  };
  try {
    const bindings = new Map(
      inputs.map((t) => {
        const slice = gpu.upload(someValues(t.size), `tuning: ${t}`);
        slices.push(slice);
        return [t, slice] as const;
      }),
    );
    const outputs = [apply(registry.get(opName)!, inputs, op.attrs)];
    const program = await compile(gpu, { name: "tuning", outputs, bindings, choose: () => variant });
    submit(gpu, [program]);
    await gpu.finished();
    return {
      async time(repetitions) {
        const start = performance.now();
        submit(gpu, Array(repetitions).fill(program));
        await gpu.finished();
        return (performance.now() - start) / repetitions;
      },
      dispose() {
        program.dispose();
        dispose();
      },
    };
  } catch (error) {
    dispose();
    throw error;
  }
}
