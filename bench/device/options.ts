// The command line of the device bundle as values. No effects.

import { parseArgs } from "node:util";
import { UsageError } from "../options.ts";
import { PARTS, TASKS } from "./tasks.ts";

const DEFAULT_MINUTES = 9;
const DEFAULT_OUT = "singan-device-results";

export const USAGE = `sh run.sh [OPTIONS]   checks and measures this computer's GPU

  --budget MINUTES   time for everything, split over the parts; a part that ends early leaves its time to the later ones (default ${DEFAULT_MINUTES})
  --parts LETTERS    some of ${PARTS.join(",")} (default: all, in this order)
${TASKS.map(({ part, name, what, files }) => `${" ".repeat(21)}${part}  ${name.padEnd(10)}${what}: ${files[0]}`).join("\n")}
  --out DIR          where the results go (default: ${DEFAULT_OUT}); summary.txt and summary.json there say how each part ended
  -h, --help         this text

Every part runs in a process of its own, which is stopped when its time is over; what it has written stays.
The exit code is 1 if a part failed, 2 for wrong usage, else 0.`;

export interface DeviceOptions {
  readonly budgetMs: number;
  readonly parts: readonly string[];
  readonly out: string;
  readonly help: boolean;
  /** Only in child processes: the task to run, and its budget. */
  readonly task: string | null;
}

/** Throws UsageError. */
export function parseDeviceWords(words: readonly string[]): DeviceOptions {
  const { budget, parts, out = DEFAULT_OUT, help = false, task = null } = parsed(words);
  const minutes = budget === undefined ? DEFAULT_MINUTES : Number(budget);
  if (!(minutes > 0) || !Number.isFinite(minutes))
    throw new UsageError(`--budget needs a positive number of minutes, not ${JSON.stringify(budget)}`);
  const wanted = parts === undefined ? PARTS : parts.split(",");
  const unknown = wanted.find((part) => !PARTS.includes(part));
  if (unknown !== undefined) throw new UsageError(`--parts takes some of ${PARTS.join(",")}, not ${JSON.stringify(unknown)}`);
  if (out === "") throw new UsageError("--out needs the name of a folder");
  return { budgetMs: 60_000 * minutes, parts: wanted, out, help, task };
}

function parsed(words: readonly string[]) {
  const value = { type: "string" } as const;
  const options = { budget: value, parts: value, out: value, task: value, help: { type: "boolean", short: "h" } } as const;
  try {
    return parseArgs({ args: [...words], options }).values;
  } catch (error) {
    throw new UsageError((error as Error).message.split(/[\n.]/)[0]!);
  }
}
