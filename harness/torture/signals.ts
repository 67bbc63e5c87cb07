// Interrupts the program at moments that are spread over whole runs: while it starts, times, compiles, trains, samples and writes.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { openCheckpoints } from "../../src/singan/recipes.ts";
import { inWorkspace, LONGER, lastLine, Run, requireResults, resultsIn, TRAININGS, undisturbed, words } from "./command-line.ts";
import { attempt, type Row, require, seeded } from "./row.ts";

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
const LIMIT_MS = 2000;

/** What is interrupted. `MODEL` stands for the folder of a trained model. */
const COMMANDS: readonly (readonly string[])[] = [
  LONGER,
  TRAININGS.consingan,
  words("train p.png --max-size 31 --samples 1 --preset auto --iterations 20"),
  words("sample MODEL --count 60 --size 120x90"),
  [...LONGER, "--samples", "60"],
];

/** Throws unless the checkpoints in a folder are valid, or there are none. */
async function requireValidRemains(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  const hidden = readdirSync(folder).filter((name) => name.startsWith(".singan-") || name.endsWith(".part"));
  require(hidden.length === 0, `it left ${hidden.join(", ")}`);
  const read = async (slot: number) => {
    const file = join(folder, `checkpoint-${slot}.safetensors`);
    return existsSync(file) ? readFileSync(file) : null;
  };
  await openCheckpoints({ read, write: async () => {}, clear: async () => {} }, (why) =>
    require(false, `a checkpoint is damaged: ${why}`),
  );
}

export const signals: Row = {
  name: "Ctrl-C, SIGTERM, SIGHUP at moments spread over everything",
  count: 45,
  run: (count) =>
    inWorkspace(async (folder) => {
      await undisturbed(folder, "MODEL", TRAININGS.singan);
      const names = Object.keys(SIGNALS) as (keyof typeof SIGNALS)[];
      const failures: string[] = [];
      const used = COMMANDS.slice(0, Math.max(1, Math.ceil(count / 3)));
      for (const [c, args] of used.entries()) {
        const { results, ms } = await undisturbed(folder, `whole ${c}`, args);
        const tries = Math.ceil((count - c) / used.length);
        for (let k = 0; k < tries; k++) {
          const [signal, at] = [names[(c + k) % 3]!, (ms * (k + seeded(100 * c + k)())) / tries];
          const out = `try ${c}-${k}`;
          const what = `${signal} after ${Math.round(at)} of ${Math.round(ms)} ms of singan ${args.join(" ")}`;
          const one = await attempt(what, async () => {
            const run = new Run(folder, ...args, "--out", out);
            await new Promise((done) => setTimeout(done, at));
            const start = performance.now();
            const isSent = run.kill(signal);
            const { code, err } = await run.ended;
            const took = performance.now() - start;
            const isFinished = code === 0 && existsSync(join(folder, out)) && resultsIn(join(folder, out)) === results;
            require(isFinished || (isSent && code === SIGNALS[signal]), `ended with ${code}: ${lastLine(err)}`);
            require(took <= LIMIT_MS, `took ${Math.round(took)} ms to end`);
            await requireValidRemains(join(folder, out));
            const next = await new Run(folder, ...args, "--out", out).ended;
            require(next.code === 0, `the next run ended with ${next.code}: ${lastLine(next.err)}`);
            requireResults(join(folder, out), results);
          });
          failures.push(...one);
        }
      }
      return failures;
    }),
};
