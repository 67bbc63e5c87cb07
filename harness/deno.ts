// Runs an exported function of a TypeScript module in Deno, whose WebGPU is wgpu with the compiler Naga, and returns its result.
import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { callOf, type ServedOptions, withServed } from "./page.ts";

/** An npm package with Deno's binary, which npx downloads once: 92 MB that only one command needs. */
const PACKAGE = "deno@2.9.6";
const DOWNLOAD_LIMIT_MS = 600_000;

export interface DenoOptions extends ServedOptions {
  readonly limitMs: number;
  /** Receives the lines of Deno's console. */
  readonly onConsole: (line: string) => void;
}

/** Deno's binary and its version. Throws one line if npx can't have it. */
export function obtainDeno(): { readonly path: string; readonly version: string } {
  const tell = "console.log(JSON.stringify({ path: Deno.execPath(), version: Deno.version.deno }))";
  const { status, stdout, stderr } = spawnSync("npx", ["--yes", PACKAGE, "eval", tell], {
    encoding: "utf8",
    shell: process.platform === "win32",
    timeout: DOWNLOAD_LIMIT_MS,
  });
  if (status === 0) return JSON.parse(stdout);
  throw new Error(`npx ${PACKAGE} does not run: ${stderr?.trim().split("\n").at(-1) || "no message"}`);
}

/** Like runInPage() (page.ts), but in a process of the Deno at `deno`. Rejects if it fails, ends early, or takes longer than `limitMs`. */
export function runInDeno<T>(
  deno: string,
  entryFile: string,
  exportName: string,
  argument: unknown,
  options: DenoOptions,
): Promise<T> {
  return withServed(entryFile, options, async (url) => {
    const cache = await mkdtemp(join(tmpdir(), "singan-deno-"));
    try {
      // The console goes to standard error, because standard output carries the result.
      const program = `console.log = console.error; await Deno.stdout.write(new TextEncoder().encode(await ${callOf(url, exportName, argument)}));`;
      const { host } = new URL(url);
      const flags = [
        "--quiet",
        "--no-config",
        "--no-lock",
        "--no-prompt",
        "--allow-env",
        `--allow-net=${host}`,
        `--allow-import=${host}`,
      ];
      return JSON.parse(
        await output(deno, ["run", ...flags, "-"], program, cache, `${exportName} of ${entryFile}`, options),
      ) as T;
    } finally {
      await rm(cache, { recursive: true, force: true });
    }
  });
}

function output(
  deno: string,
  args: readonly string[],
  program: string,
  cache: string,
  what: string,
  { limitMs, onConsole }: DenoOptions,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(deno, args, { env: { ...process.env, DENO_DIR: cache, NO_COLOR: "1" }, stdio: "pipe" });
    let [result, reason, isOver] = ["", "", false];
    const timer = setTimeout(() => {
      isOver = true;
      child.kill("SIGKILL");
    }, limitMs);
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      result += text;
    });
    createInterface(child.stderr).on("line", (line) => {
      if (line.startsWith("error: ")) reason = line;
      if (reason === "") onConsole(line); // after it come lines of the stack
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if (isOver) reject(new Error(`${what} took longer than ${limitMs} ms`));
      else if (code === 0) resolve(result);
      else reject(new Error(`${what}: Deno ended with ${signal ?? `exit code ${code}`}: ${reason || "no message"}`));
    });
    child.stdin.on("error", () => {}); // Deno has ended before it has read the program, which "close" tells
    child.stdin.end(program);
  });
}
