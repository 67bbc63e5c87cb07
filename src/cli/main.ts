#!/usr/bin/env node
// The command line program: one call of it, from its words to its exit code.
// Ends by process.exit after the GPU is disposed: Dawn crashes where a process ends with work pending.

import { helpText, parse, UsageError } from "./args.ts";
import { COMMANDS } from "./commands.ts";
import { Session } from "./session.ts";
import { VERSION } from "./versions.ts";

const EXIT = { failed: 1, usage: 2, SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

const session = new Session(process.stdout, process.stderr, process.env);

// A reader that has seen enough (head, less) is no error; a closed stderr is no reason to stop.
process.stdout.on("error", (error: NodeJS.ErrnoException) => end(error.code === "EPIPE" ? 0 : report(error)));
process.stderr.on("error", () => {});
process.on("unhandledRejection", (error) => end(report(error)));
// The first signal ends the run, after the GPU has finished the batch in hand: leaving before that crashes in Dawn (4 of 20 runs).
// Without a listener a second one then kills the process at once.
for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    session.note("interrupted: nothing unfinished is written; once more ends it at once");
    end(EXIT[signal]);
  });
}

const code = await run(process.argv.slice(2));
// After what is still on its way to a pipe; an error there ends the run above.
process.stdout.write("", (error) => error ?? end(code));

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

/** Tells the error in one line, and returns the exit code for it. */
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
