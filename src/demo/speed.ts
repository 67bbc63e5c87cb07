// How fast adapters are: the measured step, results that the project has stored, and results in links.

/** The picture and channels of a measured step, as bench/cases.ts names them, and what the page calls it. */
export const STEPS = [
  { scale: 3, shape: "32 ch, 66x49", label: "Small pictures, 66×49 px" },
  { scale: 7, shape: "64 ch, 160x121", label: "Large pictures, 160×121 px" },
] as const;

/** A step of training at one of STEPS. */
export interface StepSpeed {
  readonly shape: string;
  readonly perSecond: number;
  readonly gflops: number;
}

/** An adapter's speeds: one per step, as far as they are known. */
export interface AdapterSpeed {
  readonly adapter: string;
  /** Where it was measured. */
  readonly where: string;
  readonly speeds: readonly StepSpeed[];
}

/** A line of benchmarks.json, which build.mjs takes from bench/results. */
export interface StoredStep {
  readonly adapter: string;
  readonly runtime: string;
  readonly date: string;
  readonly shape: string;
  readonly medianMs: number;
  readonly gflops: number;
}

/** The name without a driver's details. */
export const shortName = (adapter: string): string =>
  adapter.replace(/ \((?!software).*?(, software)?\)$/, (_, software) => (software ? " (software)" : ""));

/** The stored results by adapter and runtime, the fastest first. */
export function storedSpeeds(stored: readonly StoredStep[]): AdapterSpeed[] {
  const groups = new Map<string, StoredStep[]>();
  for (const step of stored) {
    if (!STEPS.some(({ shape }) => shape === step.shape)) continue;
    const group = `${step.adapter} ${step.runtime}`;
    groups.set(group, [...(groups.get(group) ?? []), step]);
  }
  return [...groups.values()]
    .map((steps) => ({
      adapter: shortName(steps[0]!.adapter),
      where: `${steps[0]!.runtime.replace(/[ ,].*/, "")}, ${steps[0]!.date}`,
      speeds: steps.map(({ shape, medianMs, gflops }) => ({ shape, perSecond: 1000 / medianMs, gflops })),
    }))
    .sort((a, b) => fastest(b) - fastest(a));
}

const fastest = ({ speeds }: AdapterSpeed): number => Math.max(...speeds.map(({ gflops }) => gflops));

/** Three digits, and all before the point. */
export const figure = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

const ADAPTER = "adapter";
const MOST_NAME = 100;
const nameOf = (index: number): string => `speed${index + 1}`;

/** A result as part of an address: `adapter=…&speed1=5.2,9.3`. */
export function writeResult({ adapter, speeds }: Pick<AdapterSpeed, "adapter" | "speeds">): string {
  const figures = STEPS.flatMap(({ shape }, i) => {
    const speed = speeds.find((one) => one.shape === shape);
    return speed ? [[nameOf(i), `${figure(speed.perSecond)},${figure(speed.gflops)}`]] : [];
  });
  return new URLSearchParams([[ADAPTER, adapter.slice(0, MOST_NAME)], ...figures]).toString();
}

/** The result in an address; null where there is none, or no whole one. */
export function readResult(hash: string): AdapterSpeed | null {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const adapter = given.get(ADAPTER)?.trim().slice(0, MOST_NAME);
  const speeds = STEPS.flatMap(({ shape }, i) => {
    const found = /^(\d{1,9}(?:\.\d{1,9})?),(\d{1,9}(?:\.\d{1,9})?)$/.exec(given.get(nameOf(i)) ?? "");
    return found ? [{ shape, perSecond: Number(found[1]), gflops: Number(found[2]) }] : [];
  });
  return adapter && speeds.length > 0 ? { adapter, where: "from a link", speeds } : null;
}
