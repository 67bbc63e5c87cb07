// Two processes that train into one folder: the second one is refused, also at the same moment, and not by a lock of a killed one.

import { join } from "node:path";
import {
  type Ended,
  inWorkspace,
  LONGER,
  lastLine,
  Run,
  requireCode,
  requireResults,
  singan,
  undisturbed,
} from "./command-line.ts";
import { attempt, type Row, require } from "./row.ts";

const REFUSAL = /^singan: .* is in use by another training \(process \d+\): wait for it, or choose another --out\n$/;

/** Throws unless one of two runs succeeded and the other was refused in one line. */
function requireOneRefused(runs: readonly Ended[]): void {
  const codes = runs.map(({ code }) => code).sort();
  require(codes.join() === "0,1", `ended with ${codes.join(" and ")}: ${runs.map(({ err }) => lastLine(err)).join(" | ")}`);
  const { err } = runs.find(({ code }) => code === 1)!;
  require(REFUSAL.test(err), `the second got: ${err.trimEnd()}`);
}

type Meeting = (folder: string, args: readonly string[]) => Promise<void>;

const MEETINGS: Readonly<Record<string, Meeting>> = {
  async "the second starts at the same moment"(folder, args) {
    requireOneRefused(await Promise.all([singan(folder, ...args), singan(folder, ...args)]));
  },
  async "the second starts later"(folder, args) {
    const first = new Run(folder, ...args);
    await first.says(/scale 0 of/);
    const second = await singan(folder, ...args);
    requireOneRefused([await first.ended, second]);
  },
  async "the first is killed"(folder, args) {
    await killed(folder, args);
    const next = await singan(folder, ...args);
    requireCode(next, 0);
    require(/removed from .* what a killed run had left there/.test(next.err), "it does not say that it removed what was left");
  },
  async "the first is killed, and two start at the same moment"(folder, args) {
    await killed(folder, args);
    requireOneRefused(await Promise.all([singan(folder, ...args), singan(folder, ...args)]));
  },
};

async function killed(folder: string, args: readonly string[]): Promise<void> {
  const first = new Run(folder, ...args);
  await first.says(/scale 0 of .* done/);
  first.kill("SIGKILL");
  await first.ended;
}

export const twoProcesses: Row = {
  name: "two processes on one folder",
  count: 20,
  run: (count) =>
    inWorkspace(async (folder) => {
      const { results } = await undisturbed(folder, "whole", LONGER);
      const names = Object.keys(MEETINGS);
      const failures: string[] = [];
      for (let i = 0; i < count; i++) {
        const name = names[i % names.length]!;
        const one = await attempt(`try ${i}, ${name}`, async () => {
          await MEETINGS[name]!(folder, [...LONGER, "--out", `try ${i}`]);
          requireResults(join(folder, `try ${i}`), results);
        });
        failures.push(...one);
      }
      return failures;
    }),
};
