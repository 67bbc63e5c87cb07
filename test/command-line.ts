// Builds the command line program for tests, and runs it as a user does.

import { spawnSync } from "node:child_process";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
export const CLI = join(ROOT, "dist/cli.js");

/** Builds the program if it is older than its sources. Throws the build's errors. */
export function buildCli(): void {
  const { status, stderr } = spawnSync(process.execPath, ["build.mjs", "--stale"], { cwd: ROOT, encoding: "utf8" });
  if (status !== 0) throw new Error(`the build failed: ${stderr}`);
}

/** Runs `singan …words` in a folder to its end. */
export function singanIn(folder: string, ...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...words], { cwd: folder, encoding: "utf8" });
  return { status, out: stdout, err: stderr };
}
