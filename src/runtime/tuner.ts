// Tuning on a Gpu: the convolutions of graphs as cases, trials on buffers of noise, and the store.

import { registry } from "../autodiff/ops/registry.ts";
import { apply, leaf, reachable, type Tensor } from "../autodiff/tensor.ts";
import type { Gpu, Slice } from "../gpu/device.ts";
import { loadedSources } from "../gpu/pipelines.ts";
import { convolutionCandidates, convolutionVariants } from "./conv/families.ts";
import { CONTRACTIONS, multiplyAdds } from "./conv/problem.ts";
import type { Graph } from "./plan.ts";
import { compile, submit } from "./program.ts";
import {
  type Timing,
  type Trial,
  type TuningCase,
  type TuningStore,
  type TuningTable,
  type TuningTools,
  tableName,
  tune,
  tuningKey,
  tuningOf,
} from "./tune.ts";
import { caseOf, type Variant } from "./variant.ts";

export { multiplyAdds } from "./conv/problem.ts";

/** Time to spend per call of Tuner.tune, ms: about a scale's. */
const BUDGET_MS = 3000;

/** Which kernels a Gpu runs: with the same, a training has the same bits. Plain data. */
export interface Kernels {
  /** Names the adapter and all kernels that there are. */
  readonly name: string;
  /** The fastest of them, as far as they were timed. */
  readonly table: TuningTable;
  /** Variants that the self-test has found wrong. */
  readonly faults: readonly string[];
}

export class Tuner {
  private constructor(
    private readonly gpu: Gpu,
    private readonly store: TuningStore,
  ) {}

  /** Reads what the store knows of this adapter and these kernels into the Gpu's table. */
  static async open(gpu: Gpu, store: TuningStore): Promise<Tuner> {
    for (const [key, timing] of Object.entries(await store.read(tableOf(gpu)))) tuningOf(gpu).set(key, timing);
    return new Tuner(gpu, store);
  }

  /** Which kernels a Gpu runs, for another Gpu to run the same. */
  static kernelsOf(gpu: Gpu): Kernels {
    return { name: tableOf(gpu), table: Object.fromEntries(tuningOf(gpu)), faults: [...(gpu.profile.faults ?? [])] };
  }

  /** Makes a Gpu run these kernels. Returns false, and changes nothing, where it is another adapter or has other kernels. */
  static use(gpu: Gpu, { name, table, faults }: Kernels): boolean {
    if (tableOf(gpu) !== name) return false;
    const own = tuningOf(gpu);
    own.clear();
    for (const [key, timing] of Object.entries(table)) own.set(key, timing);
    for (const fault of faults) gpu.profile.faults?.add(fault);
    return true;
  }

  /** What the table says about cases. */
  known(cases: readonly TuningCase[]): (readonly [key: string, timing: Timing, one: TuningCase])[] {
    const keyed = new Map(cases.map((one) => [tuningKey(one.opName, one.op), one] as const));
    return [...keyed].flatMap(([key, one]) => {
      const timing = key === null ? undefined : tuningOf(this.gpu).get(key);
      return key !== null && timing ? [[key, timing, one] as const] : [];
    });
  }

  /** Compiles at once all that will be timed: a driver takes half a second for one kernel, and uses one core for it. */
  async #compileAll(cases: readonly TuningCase[]): Promise<void> {
    const { gpu } = this;
    const open = cases.filter(({ opName, op }) => !tuningOf(gpu).has(tuningKey(opName, op) ?? ""));
    const calls = open.flatMap(({ opName, op }) => convolutionCandidates(opName, op, gpu.profile).flatMap((v) => v.calls(op)));
    await Promise.all(calls.map((call) => gpu.pipelines.get(call)));
  }

  /** Times the cases that are not known yet, in order, until the budget is used up, and keeps the results for later runs too. */
  async tune(
    cases: readonly TuningCase[],
    options: { budgetMs?: number; onTimed?: (key: string, timing: Timing, one: TuningCase) => void } = {},
  ): Promise<void> {
    const { gpu } = this;
    const table = tuningOf(gpu);
    if (!gpu.profile.isSoftware) await this.#compileAll(cases);
    const found = await tune(cases, Object.fromEntries(table), toolsOf(gpu), { budgetMs: BUDGET_MS, ...options });
    for (const [key, timing] of Object.entries(found)) table.set(key, timing);
    if (Object.keys(found).length > 0) await this.store.write(tableOf(gpu), Object.fromEntries(table));
  }
}

/** Cases with one tuning key, and their work. */
export interface WeighedCase extends TuningCase {
  /** Multiply-adds of all of them, in one run of each graph. */
  readonly multiplyAdds: number;
}

/** The convolutions of graphs, one case per tuning key: that of the most work among those that share it. Most work in total first. */
export function casesOf(graphs: readonly Graph[]): WeighedCase[] {
  const found = new Map<string, { total: number; most: number; one: TuningCase }>();
  for (const node of graphs.flatMap(nodesOf)) {
    const one = { opName: node.name, op: caseOf(node) };
    const key = tuningKey(one.opName, one.op);
    if (key === null) continue;
    const work = multiplyAdds(one.opName, one.op);
    const { total, most, one: largest } = found.get(key) ?? { total: 0, most: 0, one };
    found.set(key, { total: total + work, most: Math.max(most, work), one: work > most ? one : largest });
  }
  return [...found.values()].sort((a, b) => b.total - a.total).map(({ total, one }) => ({ ...one, multiplyAdds: total }));
}

/** The nodes that a graph's program computes. */
export function nodesOf({ outputs, updates = [], into = [], bindings }: Graph): Tensor[] {
  const roots = [...outputs, ...updates.flatMap((u) => u.reads), ...into.map(([t]) => t)];
  return reachable(roots, new Set(bindings.keys())).filter((t) => t.op && !bindings.has(t));
}

/** The name of a Gpu's table in a store: it differs where the adapter or the kernels differ. */
function tableOf({ adapterName, profile }: Gpu): string {
  const variants = CONTRACTIONS.flatMap((name) => convolutionVariants(name, profile).map((variant) => `${name} ${variant.name}`));
  return tableName(adapterName, loadedSources(), variants);
}

const toolsOf = (gpu: Gpu): TuningTools => ({
  candidates: ({ opName, op }) => convolutionCandidates(opName, op, gpu.profile),
  start: (one, variant) => startTrial(gpu, one, variant),
  now: () => performance.now(),
});

/** Values other than zeros, which some arithmetic units multiply faster. */
function someValues(count: number): Float32Array {
  const values = new Float32Array(count);
  const few = Math.min(count, 101);
  for (let i = 0; i < few; i++) values[i] = ((i * 37) % 101) / 101 - 0.5;
  for (let done = few; done < count; done *= 2) values.copyWithin(done, 0, Math.min(done, count - done));
  return values;
}

/** Runs a variant as a program of its own. It is timed over repeated runs in one submit, by wall time, which includes the gaps between dispatches. */
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
