// The command line of `npm run bench` as values. No effects.

import { parseArgs } from "node:util";
import { type BenchOptions, PARTS, type Part } from "./bench.ts";

/** Wrong usage: exit code 2. The message is one line. */
export class UsageError extends Error {
  override name = "UsageError";
}

const DEFAULT_LIMIT_SECONDS = 3;

export const USAGE = `npm run bench [-- OPTIONS]   times the kernels and the training steps on this computer's GPU

  --peers            also times TensorFlow.js and jax-js on the same adapter (installs them into bench/peers the first time)
  --chrome           measures in headless Chrome instead of Node
  --variants         times every candidate for the convolutions; a star marks the one that training uses
  --untuned          uses the kernels that are chosen without timing
  --only PARTS       measures some of ${PARTS.join(",")}
  --quick            few and short rounds
  --max-pixels N     leaves out the scales with more pixels
  --limit SECONDS    leaves out what takes longer than this for one run (default ${DEFAULT_LIMIT_SECONDS})
  --out FILE         where the results go (default: in bench/results, or in out/bench where only a part was measured)
  -h, --help         this text`;

export interface Wanted {
  readonly bench: BenchOptions;
  readonly chrome: boolean;
  readonly out: string | null;
  readonly help: boolean;
}

/** Throws UsageError. */
export function parseWords(words: readonly string[]): Wanted {
  const values = parsed(words);
  const { only, out, help = false, chrome = false, quick = false, variants = false, untuned = false, peers = false } = values;
  const parts = only === undefined ? PARTS.filter((part) => part !== "peers" || peers) : only.split(",").map(partOf);
  if (out === "") throw new UsageError("--out needs a file name");
  return {
    bench: {
      parts: peers && !parts.includes("peers") ? [...parts, "peers"] : parts,
      quick,
      variants,
      tune: !untuned,
      maxPixels: number("--max-pixels", values["max-pixels"]) ?? Number.MAX_SAFE_INTEGER,
      limitMs: 1000 * (number("--limit", values.limit) ?? DEFAULT_LIMIT_SECONDS),
    },
    chrome,
    out: out ?? null,
    help,
  };
}

function parsed(words: readonly string[]) {
  try {
    const flag = { type: "boolean" } as const;
    const value = { type: "string" } as const;
    return parseArgs({
      args: [...words],
      options: {
        ...{ peers: flag, chrome: flag, variants: flag, untuned: flag, quick: flag, help: { ...flag, short: "h" } },
        ...{ only: value, "max-pixels": value, limit: value, out: value },
      } as const,
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message.split(/[\n.]/)[0]!);
  }
}

function partOf(name: string): Part {
  const part = PARTS.find((p) => p === name);
  if (!part) throw new UsageError(`--only takes some of ${PARTS.join(",")}, not ${JSON.stringify(name)}`);
  return part;
}

function number(flag: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value))
    throw new UsageError(`${flag} needs a positive number, not ${JSON.stringify(text)}`);
  return value;
}
