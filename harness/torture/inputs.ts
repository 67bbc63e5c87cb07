// Malformed and odd pictures and model files, each given to the built program as a user would: it reads them, or refuses them in one clear line.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Case, spread } from "./cases.ts";
import { imageCases } from "./image-cases.ts";
import { modelCases } from "./model-cases.ts";

const CLI = resolve("dist/cli.js");
/** The time that a file may take, in addition to the start of the program. */
const LIMIT_MS = 1000;
const KILL_MS = 20_000;

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  readonly ms: number;
}

async function singan(folder: string, ...words: readonly string[]): Promise<Run> {
  const started = performance.now();
  const program = spawn(process.execPath, [CLI, ...words], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  const timer = setTimeout(() => program.kill("SIGKILL"), KILL_MS);
  const [out, err] = [[], []] as [Buffer[], Buffer[]];
  program.stdout.on("data", (part: Buffer) => out.push(part));
  program.stderr.on("data", (part: Buffer) => err.push(part));
  const [code] = (await once(program, "close")) as [number | null];
  clearTimeout(timer);
  return { code, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString(), ms: performance.now() - started };
}

/** A command that reads a file, and what shows that it was read. */
interface Reader {
  words(path: string): readonly string[];
  wasRead(run: Run): boolean;
}

/** Nothing but line breaks that a terminal would act on. */
const isPlain = (text: string): boolean => !/\p{Cc}/u.test(text.replaceAll("\n", ""));

/** Without a GPU: the folder has no samples, but that is noticed only after the picture has been read. */
const PICTURE: Reader = {
  words: (path) => ["eval", "empty", "--against", path],
  wasRead: ({ code, err }) => code === 1 && /^singan: there are no samples in empty/m.test(err),
};
const MODEL: Reader = {
  words: (path) => ["info", path],
  wasRead: ({ code, out, err }) =>
    code === 0 && err === "" && /scales up to/.test(out) && !/NaN|Infinity|undefined/.test(out) && isPlain(out),
};

/** The line that says that a large picture is reduced. */
const REDUCED = /^.* has \d+x\d+ pixels: it is reduced to \d+x\d+ first\n/;
/** Signs of a stack, or of a message that was meant for programmers. */
const INTERNAL = /\n\s+at |TypeError|RangeError|Cannot read|undefined|\[object|node:|E[A-Z]{4,}:/;

/** What is wrong with a run, or null. */
function fault({ expected }: Case, reader: Reader, run: Run): string | null {
  const isRead = reader.wasRead(run);
  const line = run.err.replace(REDUCED, "");
  if (!isRead && run.code !== 1 && run.code !== 2) return `exit code ${run.code}`;
  if (!isRead && !(/^singan: .+\n$/.test(line) && isPlain(line))) return `not one line: ${JSON.stringify(run.err.slice(0, 300))}`;
  if (INTERNAL.test(run.err)) return `a message for programmers: ${JSON.stringify(line)}`;
  if (expected !== "either" && isRead !== (expected === "read")) return `should be ${expected}: ${JSON.stringify(line)}`;
  return null;
}

/** Runs the cases one after the other. Returns the failures, one line each. */
async function torture(cases: readonly Case[], reader: Reader): Promise<readonly string[]> {
  const failures: string[] = [];
  const all = mkdtempSync(join(tmpdir(), "singan-torture-"));
  try {
    for (const [i, one] of cases.entries()) {
      const folder = join(all, String(i));
      mkdirSync(join(folder, "empty"), { recursive: true });
      const words = reader.words(one.place(folder));
      let run = await singan(folder, ...words);
      let wrong = fault(one, reader, run);
      // The start of the program is measured beside a slow run, which gets a second chance: the computer may have been busy.
      for (let attempt = 0; wrong === null && run.ms > LIMIT_MS && attempt < 2; attempt++) {
        const { ms } = await singan(folder, "--version");
        if (run.ms - ms <= LIMIT_MS) break;
        if (attempt === 1) wrong = `took ${Math.round(run.ms - ms)} ms`;
        else run = await singan(folder, ...words);
      }
      if (wrong !== null) failures.push(`${one.name}: ${wrong}`);
      rmSync(folder, { recursive: true });
    }
  } finally {
    rmSync(all, { recursive: true, force: true });
  }
  return failures;
}

/** Gives `count` malformed or odd pictures to the built program. Returns the failures, one line each; none is a success. */
export const tortureImages = async (count: number): Promise<readonly string[]> =>
  torture(spread(await imageCases(count), count), PICTURE);

/** Gives `count` mutated model files to the built program. Returns the failures, one line each; none is a success. */
export const tortureModels = async (count: number): Promise<readonly string[]> =>
  torture(spread(modelCases(count), count), MODEL);
