// Takes the results' folder away from a training, or its room, or the right to write: the training ends, and its model is kept somewhere.

import { execFileSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import {
  type Ended,
  inWorkspace,
  LONGER,
  lastLine,
  Run,
  requireCode,
  requireResults,
  undisturbed,
  words,
} from "./command-line.ts";
import { attempt, type Row, require } from "./row.ts";

const COMMANDS: readonly (readonly string[])[] = [
  LONGER,
  words("sr p.png --max-size 30 --factor 1.5 --iterations 20 --channels 4"),
];
const WARNINGS = /can't keep the training's state|has room for/;

interface Try {
  /** The workspace. */
  readonly folder: string;
  /** The results' folder. */
  readonly out: string;
  readonly args: readonly string[];
  readonly wanted: string;
}

/** Starts a training, stops it after its first scale, does `harm`, and lets it end. */
async function harmed({ folder, out, args }: Try, harm: () => void): Promise<Ended> {
  const run = new Run(folder, ...args, "--out", out);
  await run.says(/scale 0 of .* done/);
  run.kill("SIGSTOP");
  try {
    harm();
  } finally {
    run.kill("SIGCONT");
  }
  return run.ended;
}

/** Throws unless a run has warned once, failed, and named another folder, which holds the whole result. */
function requireElsewhere(ended: Ended, { folder, wanted }: Try): void {
  requireCode(ended, 1);
  const warnings = ended.err.split("\n").filter((line) => WARNINGS.test(line));
  require(warnings.length === 1, `${warnings.length} warnings: ${warnings.join(" | ")}`);
  const [, elsewhere] = /; the results are in (.*) instead$/.exec(lastLine(ended.err)) ?? [];
  require(elsewhere?.startsWith(folder) === true, `the last line names no folder: ${lastLine(ended.err)}`);
  requireResults(elsewhere!, wanted);
  rmSync(elsewhere!, { recursive: true });
}

function mounted<T>(place: string, size: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(place, { recursive: true });
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", place], { stdio: "pipe" });
  } catch (error) {
    throw new Error(
      `a tmpfs can't be mounted, which needs root: ${lastLine(String((error as { stderr?: unknown }).stderr ?? error))}`,
    );
  }
  return work().finally(() => execFileSync("umount", ["-l", place]));
}

/** Fills a disk to its last byte. */
function fill(place: string): void {
  const file = openSync(join(place, "filler"), "w");
  try {
    for (;;) writeSync(file, new Uint8Array(4096));
  } catch (error) {
    require((error as NodeJS.ErrnoException).code === "ENOSPC", String(error));
  } finally {
    closeSync(file);
  }
}

const TROUBLES: Readonly<Record<string, (one: Try) => Promise<void>>> = {
  async "the folder is removed"(one) {
    const ended = await harmed(one, () => rmSync(one.out, { recursive: true }));
    requireCode(ended, 0);
    require(!WARNINGS.test(ended.err), "it warned, though it could make the folder again");
    requireResults(one.out, one.wanted);
  },
  async "the folder becomes a file"(one) {
    const ended = await harmed(one, () => {
      rmSync(one.out, { recursive: true });
      writeFileSync(one.out, "mine");
    });
    requireElsewhere(ended, one);
    require(readFileSync(one.out, "utf8") === "mine", "the file was changed");
  },
  "the disk gets full": (one) =>
    mounted(one.out, "1m", async () => requireElsewhere(await harmed(one, () => fill(one.out)), one)),
  "the disk is too small from the start": (one) =>
    mounted(one.out, "40k", async () => requireElsewhere(await new Run(one.folder, ...one.args, "--out", one.out).ended, one)),
  "the disk becomes read-only": (one) =>
    mounted(one.out, "1m", async () => {
      const remount = () => execFileSync("mount", ["-o", "remount,ro", one.out], { stdio: "pipe" });
      requireElsewhere(await harmed(one, remount), one);
    }),
};

export const storage: Row = {
  name: "the folder vanishes, becomes a file, is full or read-only",
  count: 2 * Object.keys(TROUBLES).length,
  run: (count) =>
    inWorkspace(async (folder) => {
      const failures: string[] = [];
      const whole: string[] = [];
      for (const [c, args] of COMMANDS.entries()) whole.push((await undisturbed(folder, `whole ${c}`, args)).results);
      const names = Object.keys(TROUBLES);
      for (let i = 0; i < count; i++) {
        const name = names[i % names.length]!;
        const c = Math.floor(i / names.length) % COMMANDS.length;
        const args = COMMANDS[c]!;
        const out = join(folder, `try ${i}`);
        failures.push(
          ...(await attempt(`${name}, singan ${args[0]}`, () => TROUBLES[name]!({ folder, out, args, wanted: whole[c]! }))),
        );
        require(existsSync(join(folder, "p.png")), "the photo is gone");
      }
      return failures;
    }),
};
