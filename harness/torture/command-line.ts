// The command line program as a user runs it, on tiny photos: started, disturbed, and its results compared.

import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { toRgb8 } from "../../src/image/planes.ts";
import { encodePng } from "../../src/image/png.ts";
import { readModel } from "../../src/singan/recipes.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { require } from "./row.ts";
import { tinyPhoto } from "./tiny.ts";

/** Commands that train a model in about a second; the option --out is missing. */
export const TRAININGS: Readonly<Record<"singan" | "consingan" | "sr", readonly string[]>> = {
  singan: words("train p.png --max-size 24 --min-size 14 --scale-factor 0.6 --iterations 6 --channels 4 --samples 2"),
  consingan: words(
    "train p.png --recipe consingan --max-size 24 --min-size 14 --stages 3 --iterations 6 --channels 4 --samples 2",
  ),
  sr: words("sr p.png --max-size 30 --factor 1.5 --iterations 6 --channels 4 --compare"),
};
export type TrainingKind = keyof typeof TRAININGS;
export const KINDS = Object.keys(TRAININGS) as TrainingKind[];

/** A training of some seconds, so that there is time to disturb it. */
export const LONGER: readonly string[] = words(
  "train p.png --max-size 24 --min-size 14 --scale-factor 0.6 --iterations 30 --channels 4 --samples 1",
);

export function words(line: string): string[] {
  return line.split(" ");
}

export interface Ended {
  /** The exit code as a shell tells it: 128 and the signal's number where a signal ended it. */
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** How long it ran. */
  readonly ms: number;
}

/** A run of the program in a folder. */
export class Run {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly #startedAt = performance.now();
  #out = "";
  #err = "";
  #onText: () => void = () => {};

  constructor(folder: string, ...args: readonly string[]) {
    const env = { ...process.env, SINGAN_TUNE: "off" };
    this.child = spawn(process.execPath, [resolve("dist/cli.js"), ...args], { cwd: folder, env });
    this.child.stdout!.on("data", (text) => {
      this.#out += text;
    });
    this.child.stderr!.on("data", (text) => {
      this.#err += text;
      this.#onText();
    });
    this.ended = new Promise((done) =>
      this.child.on("close", (status, signal) => {
        const code = status ?? 128 + constants.signals[signal!];
        done({ code, out: this.#out, err: this.#err, ms: performance.now() - this.#startedAt });
      }),
    );
  }

  /** Resolves when its stderr fits, or when it has ended. */
  async says(line: RegExp): Promise<void> {
    const said = new Promise<void>((done) => {
      this.#onText = () => line.test(this.#err) && done();
      this.#onText();
    });
    await Promise.race([said, this.ended]);
  }

  /** Sends a signal, unless it has ended. Returns whether it was still running. */
  kill(signal: NodeJS.Signals): boolean {
    return this.child.exitCode === null && this.child.signalCode === null && this.child.kill(signal);
  }
}

export const singan = (folder: string, ...args: readonly string[]): Promise<Ended> => new Run(folder, ...args).ended;

/** Does work in a new folder that holds a photo, p.png, and removes it afterwards. */
export async function inWorkspace<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "singan-torture-"));
  try {
    writeFileSync(join(folder, "p.png"), encodePng(toRgb8(tinyPhoto(31, 27))));
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** All files below a folder, by their paths in it. */
export const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => !statSync(join(folder, name)).isDirectory())
    .sort();

/** What must be equal of two runs' results: the model's values, every picture, and which files there are. Reports and times differ. */
export function resultsIn(folder: string): string {
  const lines = filesIn(folder).map((name) => {
    const bytes = readFileSync(join(folder, name));
    if (name.endsWith("model.safetensors")) return `${name} ${fingerprintOf(readModel(bytes))}`;
    return name.endsWith(".png") ? `${name} ${createHash("sha256").update(bytes).digest("hex")}` : name;
  });
  return lines.join("\n");
}

/** Runs a command that is not disturbed. Returns its results and its time. */
export async function undisturbed(
  folder: string,
  out: string,
  args: readonly string[],
): Promise<{ results: string; ms: number }> {
  const { code, err, ms } = await singan(folder, ...args, "--out", out);
  require(code === 0, `an undisturbed run ended with ${code}: ${lastLine(err)}`);
  return { results: resultsIn(join(folder, out)), ms };
}

/** Throws unless a folder holds these results and nothing else. */
export function requireResults(folder: string, wanted: string): void {
  const there = resultsIn(folder).split("\n");
  const lines = wanted.split("\n");
  const difference = [...there.filter((line) => !lines.includes(line)), ...lines.filter((line) => !there.includes(line))];
  require(difference.length === 0, `the results differ: ${difference.join(", ")}`);
}

/** Throws unless a run ended with this code. */
export function requireCode({ code, err }: Ended, wanted: number): void {
  require(code === wanted, `ended with ${code} instead of ${wanted}: ${lastLine(err)}`);
}

export const lastLine = (text: string): string => text.trimEnd().split("\n").at(-1)!;
