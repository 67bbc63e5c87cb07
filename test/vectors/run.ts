// Runs every case of a folder of golden vectors on the GPU.

import type { Gpu } from "../../src/gpu/device.ts";
import { type Comparison, INDEX, loadCase, type ReadGolden } from "./case.ts";
import { type Check, opChecks } from "./ops.ts";
import { sampling } from "./sampling.ts";
import { discriminatorStep, generatorStep } from "./steps.ts";
import { trace } from "./trace.ts";

const checks: Readonly<Record<string, Check>> = {
  ...opChecks,
  wgan_gp_d_step: discriminatorStep,
  g_step: generatorStep,
  train_trace: trace,
  sampling,
};

export interface CaseResult {
  readonly name: string;
  readonly passed: boolean;
  /** The comparison with the largest error relative to its bound. */
  readonly worst: Comparison | null;
  readonly compared: number;
  readonly problem: string | null;
}

/** The names of all cases of a folder, from its index. */
export const caseNames = (read: ReadGolden): string[] => Object.keys(JSON.parse(new TextDecoder().decode(read(INDEX))));

export async function runCase(gpu: Gpu, read: ReadGolden, name: string): Promise<CaseResult> {
  try {
    const golden = loadCase(read, name);
    const check = checks[golden.op];
    if (!check) throw new Error(`unknown kind of case: ${golden.op || "none given"}`);
    const comparisons = await check(gpu, golden);
    if (comparisons.length === 0) throw new Error("nothing was compared");
    const compared = new Set(comparisons.map((c) => c.tensor));
    const missing = golden.outputs.filter((output) => !compared.has(output));
    if (missing.length > 0) throw new Error(`not compared: ${missing.slice(0, 3).join(", ")}${missing.length > 3 ? " …" : ""}`);
    const excess = (c: Comparison) => (c.error === 0 ? 0 : c.error / c.bound);
    const worst = comparisons.reduce((a, b) => (excess(b) > excess(a) ? b : a));
    return { name, passed: excess(worst) <= 1, worst, compared: compared.size, problem: null };
  } catch (error) {
    return { name, passed: false, worst: null, compared: 0, problem: (error as Error).message };
  }
}

/** A line per case: pass or fail, the number of tensors, and the largest error relative to its bound. */
export function describeResult({ name, passed, worst, compared, problem }: CaseResult): string {
  const verdict = passed ? "ok  " : "FAIL";
  if (!worst) return `${verdict} ${name}: ${problem}`;
  return `${verdict} ${name}: ${compared} tensors, largest error ${worst.error.toExponential(2)} of ${worst.bound.toExponential(2)} in ${worst.tensor}`;
}
