// What the benchmark needs of Node: the adapter, the versions, result files.

import { execFileSync } from "node:child_process";
import { accessSync, constants, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { openAdapter } from "../src/node/adapter.ts";
import { openDevice } from "../src/runtime/open.ts";
import type { BenchOptions } from "./bench.ts";
import { environmentOf, type Surroundings } from "./environment.ts";
import { describe, type Environment, type Measurement, recordLine } from "./records.ts";
import type { Peer } from "./subjects.ts";
import { runBench } from "./suite.ts";

export interface Results {
  readonly environment: Environment;
  readonly measurements: readonly Measurement[];
}

export const say = (line: string): void => console.error(line);

export function nodeRuntime(): string {
  const manifest = createRequire(import.meta.url).resolve("webgpu/package.json");
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  return `Node ${process.versions.node}, webgpu ${version}`;
}

/** The commit checked out, and whether files differ from it. */
export function commit(): string {
  try {
    return execFileSync("git", ["describe", "--always", "--dirty", "--exclude=*"], { encoding: "utf8", stdio: "pipe" }).trim();
  } catch {
    return "unknown";
  }
}

/** Opens the adapter and measures; prints every figure to standard error. */
export async function benchInNode(
  options: BenchOptions,
  surroundings: Surroundings,
  openPeers: () => Promise<Peer[]>,
): Promise<Results> {
  const gpu = await openDevice(await openAdapter());
  const measurements: Measurement[] = [];
  const report = (measurement: Measurement): void => {
    measurements.push(measurement);
    say(describe(measurement));
  };
  try {
    say(`bench: ${gpu.adapterName}`);
    await runBench(gpu, options, report, options.parts.includes("peers") ? await openPeers() : []);
    await gpu.finished();
    return { environment: environmentOf(gpu, surroundings), measurements };
  } finally {
    gpu.dispose();
  }
}

/** Makes the folder of the results, before minutes of measuring. Throws where it is not writable. */
export function checkFolder(folder: string): void {
  mkdirSync(folder, { recursive: true });
  accessSync(folder, constants.W_OK);
}

/** Writes one line per measurement to `file`, and the file's name to standard output. */
export function writeResults(file: string, { environment, measurements }: Results): void {
  writeFileSync(file, measurements.map((m) => `${recordLine(m, environment)}\n`).join(""));
  console.log(file);
}

/** Writes a file so that it always holds the old content or the new one, also where this process is killed. */
export function replaceFile(path: string, content: string | Uint8Array): void {
  writeFileSync(`${path}.part`, content);
  renameSync(`${path}.part`, path);
}
