// The tuner's decisions: times the variants of convolutions and remembers the fastest, at bounded cost.
// What it times, with which clock and where it remembers are arguments. Planning only reads the table, so with the same table the same kernels
// run and compute the same bits; another table may round differently.

import type { Gpu } from "../gpu/device.ts";
import { contractionOf, problemOf } from "./conv/problem.ts";
import type { OpCase, Variant } from "./variant.ts";

/** What is known of one case: the fastest variant and its time per run. */
export interface Timing {
  readonly variant: string;
  readonly ms: number;
}
/** A table as it is stored, and as planning reads it: timings by tuningKey(). */
export type TuningTable = Readonly<Record<string, Timing>>;
export type Tuning = ReadonlyMap<string, Pick<Timing, "variant">>;

const tables = new WeakMap<Gpu, Map<string, Timing>>();

/**
 * What is known of an adapter's fastest kernels, by tuningKey(): empty where nothing was timed. A Tuner fills it. A Gpu shares it with its dry
 * runs, so that what a dry run compiles is what later runs.
 */
export function tuningOf({ original }: Gpu): Map<string, Timing> {
  const table = tables.get(original) ?? new Map<string, Timing>();
  tables.set(original, table);
  return table;
}

/** Where tables are kept, by tableName(). Never throws: where nothing can be stored, everything is timed again. */
export interface TuningStore {
  read(adapter: string): Promise<TuningTable>;
  write(adapter: string, table: TuningTable): Promise<void>;
  clear(): Promise<void>;
}

export interface TuningCase {
  readonly opName: string;
  readonly op: OpCase;
}

/** A variant ready to run on a case. */
export interface Trial {
  /** Milliseconds per run, measured over so many runs in a row. */
  time(repetitions: number): Promise<number>;
  dispose(): void;
}

export interface TuningTools {
  /** The variants worth timing; first the one that is chosen without timing. */
  candidates(one: TuningCase): readonly Variant[];
  /** Compiles and runs once. */
  start(one: TuningCase, variant: Variant): Promise<Trial>;
  /** Milliseconds since some moment. */
  now(): number;
}

/**
 * Cases with one key share an entry: those whose results have about the same size, in steps of √2, because a pyramid has dozens of sizes.
 * Bias and activation don't matter. Null for ops that are not tuned.
 */
export function tuningKey(opName: string, op: OpCase): string | null {
  const name = contractionOf(opName);
  if (!name) return null;
  const { n, c_in, c_out, h, w } = problemOf(name, op);
  const sizeClass = Math.round(2 * Math.log2(n * h * w)) / 2;
  return `${name} ${c_in}→${c_out}, 2^${sizeClass} pixels`;
}

/** A table's name: the adapter, and a hash of what its times depend on, the kernels and the variants that there are to choose from. */
export const tableName = (adapter: string, sources: string, variants: readonly string[]): string =>
  `${adapter}, kernels ${hash(JSON.stringify([sources, variants]))}`;

/** FNV-1a, 32 bits. */
function hash(text: string): string {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return (h >>> 0).toString(16).padStart(8, "0");
}

/** A variant that takes this many times as long as the fastest in its first run is not timed again. */
const HOPELESS = 1.5;
const ROUNDS = 3;
/** Length of a measurement: a submit costs up to 0.1 ms. */
const MEASURED_MS = 4;
const MAX_REPETITIONS = 32;
/** Another variant replaces the static choice only if it takes less than this share of the time: noise alone must not decide. */
const MARGIN = 0.95;

/**
 * Times the cases that `known` has no entry for and that have more than one candidate, in order, until `budgetMs` are over. Returns the new
 * entries. Where the budget ends between two variants, the fastest of those timed is taken; a case that is not begun has no entry.
 */
export async function tune(
  cases: readonly TuningCase[],
  known: TuningTable,
  tools: TuningTools,
  { budgetMs, onTimed = () => {} }: { budgetMs: number; onTimed?: (key: string, timing: Timing, one: TuningCase) => void },
): Promise<TuningTable> {
  const end = tools.now() + budgetMs;
  const found: Record<string, Timing> = {};
  for (const one of cases) {
    const key = tuningKey(one.opName, one.op);
    if (key === null || key in known || key in found) continue;
    if (tools.now() >= end) break;
    const candidates = tools.candidates(one);
    if (candidates.length < 2) continue;
    const timing = await race(one, candidates, tools, end);
    found[key] = timing;
    onTimed(key, timing, one);
  }
  return found;
}

/** Decides one case. */
async function race(one: TuningCase, candidates: readonly Variant[], tools: TuningTools, end: number): Promise<Timing> {
  const entries: { variant: Variant; trial: Trial; ms: number }[] = [];
  try {
    for (const variant of candidates) {
      if (entries.length > 0 && tools.now() >= end) break;
      const trial = await tools.start(one, variant);
      const entry = { variant, trial, ms: Number.POSITIVE_INFINITY };
      entries.push(entry);
      entry.ms = await trial.time(1);
    }
    const first = entries[0]!;
    const best = Math.min(...entries.map(({ ms }) => ms));
    const rivals = entries.filter((entry) => entry === first || entry.ms <= HOPELESS * best);
    if (rivals.length > 1) {
      for (const entry of rivals) entry.ms = Number.POSITIVE_INFINITY;
      const repetitions = Math.max(1, Math.min(MAX_REPETITIONS, Math.ceil(MEASURED_MS / best)));
      for (let round = 0; round < ROUNDS && (round === 0 || tools.now() < end); round++) {
        for (const entry of rivals) entry.ms = Math.min(entry.ms, await entry.trial.time(repetitions));
      }
    }
    const fastest = rivals.reduce((a, b) => (b.ms < a.ms ? b : a));
    const { variant, ms } = fastest.ms < MARGIN * first.ms ? fastest : first;
    return { variant: variant.name, ms };
  } finally {
    for (const { trial } of entries) trial.dispose();
  }
}
