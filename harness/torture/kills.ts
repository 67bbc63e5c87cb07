// Kills the program at random moments, also while it writes, and lets the same command go on.

import { mkdirSync, watch } from "node:fs";
import { join } from "node:path";
import {
  inWorkspace,
  KINDS,
  Run,
  requireCode,
  requireResults,
  TRAININGS,
  type TrainingKind,
  undisturbed,
} from "./command-line.ts";
import { attempt, inPairs, type Row, require, seeded } from "./row.ts";

/** Runs a command until it ends or is killed: after `events` changes of names in its folder, or after `ms`. */
async function runWatched(
  folder: string,
  out: string,
  args: readonly string[],
  kill?: { readonly events?: number; readonly ms: number },
) {
  mkdirSync(join(folder, out), { recursive: true });
  let events = 0;
  const run = new Run(folder, ...args, "--out", out);
  const watcher = watch(join(folder, out), () => {
    if (++events === kill?.events) setTimeout(() => run.kill("SIGKILL"), kill.ms);
  });
  const timer = kill && kill.events === undefined ? setTimeout(() => run.kill("SIGKILL"), kill.ms) : undefined;
  const ended = await run.ended;
  clearTimeout(timer);
  watcher.close();
  return { ended, events };
}

/** At most this long after a change in the folder the process is killed: a file takes about as long to write. */
const WRITING_MS = 6;
const MOST_KILLS = 3;

export const kills: Row = {
  name: "kill -9 at random moments, writes included, then the same command",
  count: 50,
  run: (count) =>
    inWorkspace(async (folder) => {
      const whole = new Map<TrainingKind, { results: string; ms: number; events: number }>();
      for (const kind of KINDS.slice(0, count)) {
        const { results } = await undisturbed(folder, kind, TRAININGS[kind]);
        const { ended, events } = await runWatched(folder, `${kind} watched`, TRAININGS[kind]);
        whole.set(kind, { results, ms: ended.ms, events });
      }
      return inPairs(count, (i) => {
        const kind = KINDS[i % KINDS.length]!;
        const { results, ms, events } = whole.get(kind)!;
        const random = seeded(i);
        const moments: string[] = [];
        return attempt(`try ${i}, ${kind}`, async () => {
          for (let kill = 0; ; kill++) {
            const moment =
              random() < 0.5
                ? { ms: random() * ms }
                : { events: 1 + Math.floor(random() * events), ms: Math.floor(random() * WRITING_MS) };
            const isLast = kill === MOST_KILLS || (kill > 0 && random() < 0.7);
            const { ended } = await runWatched(folder, `try ${i}`, TRAININGS[kind], isLast ? undefined : moment);
            moments.push(moment.events === undefined ? `${Math.round(moment.ms)} ms` : `change ${moment.events}`);
            const at = `after kills at ${moments.slice(0, kill).join(", ")}`;
            if (isLast) require(ended.code === 0, `${at} it ended with ${ended.code}: ${ended.err.trimEnd().split("\n").at(-1)}`);
            else if (ended.code !== 137) requireCode(ended, 0); // it was faster
            if (!isLast) continue;
            await attempt(at, () => requireResults(join(folder, `try ${i}`), results)).then(([line]) =>
              require(!line, line ?? ""),
            );
            return;
          }
        });
      });
    }),
};
