#!/usr/bin/env node
// The entry point of the command line program.
// It ends with process.exit after the GPU is disposed, because Dawn crashes if a process exits while work is pending.

import { helpText, parse, UsageError } from "./args.ts";
import { COMMANDS } from "./commands.ts";
import { VERSION } from "./report.ts";
import { Session } from "./session.ts";

const EXIT = { failed: 1, usage: 2, SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
/** How long an interrupted run may take to save its work and to let the GPU finish, ms. */
const GRACE_MS = 1500;

const session = new Session(process.stdout, process.stderr, process.env);

// A reader that closes stdout or stderr early (head, less, a terminal) is no error, and does not stop the work.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") end(report(error));
});
process.stderr.on("error", () => {});
process.on("unhandledRejection", (error) => end(report(error)));
const SIGNALS = ["SIGHUP", "SIGINT", "SIGTERM"] as const;
for (const signal of SIGNALS) process.once(signal, () => void interrupt(signal));

const code = await run(process.argv.slice(2));
// Waits until all output is written, and until the listener above has been told of an error.
process.stdout.write("", () => setImmediate(() => end(code)));

/**
 * Saves the work, waits until the GPU is idle, and exits with the signal's code: Dawn crashes if the process exits earlier (4 of 20 runs).
 * If that takes too long, the signal itself ends the process, as a second one does: no listener is left, and no destructor runs then.
 */
async function interrupt(signal: (typeof SIGNALS)[number]): Promise<void> {
  for (const one of SIGNALS) process.removeAllListeners(one);
  session.note("interrupted; interrupt again to stop at once");
  const late = new Promise<"late">((resolve) => setTimeout(resolve, GRACE_MS, "late"));
  if ((await Promise.race([session.interrupt(), late])) === "late") {
    session.close({ mayWait: false });
    process.kill(process.pid, signal);
  } else end(EXIT[signal]);
}

async function run(argv: readonly string[]): Promise<number> {
  try {
    const call = parse(argv, COMMANDS);
    if (call.kind === "run") await call.command.run(call.args, session);
    else session.result(call.kind === "version" ? VERSION : helpText(call.command, COMMANDS));
    return 0;
  } catch (error) {
    return report(error);
  }
}

function report(error: unknown): number {
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  const isDebug = process.argv.includes("--debug");
  session.note(`${session.red("singan:")} ${isDebug ? (stack ?? message) : message.replace(/\s+/g, " ").trim()}`);
  return error instanceof UsageError ? EXIT.usage : EXIT.failed;
}

function end(code: number): never {
  session.close();
  process.exit(code);
}
