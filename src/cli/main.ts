#!/usr/bin/env node
// The entry point of the command line program.
// It ends with process.exit after the GPU is disposed, because Dawn crashes if a process ends while work is pending.

import { helpText, parse, UsageError } from "./args.ts";
import { COMMANDS } from "./commands.ts";
import { VERSION } from "./report.ts";
import { Session } from "./session.ts";

const EXIT = { failed: 1, usage: 2, SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

const session = new Session(process.stdout, process.stderr, process.env);

// A reader that closes stdout early (head, less) is no error. A closed stderr does not stop the program.
process.stdout.on("error", (error: NodeJS.ErrnoException) => end(error.code === "EPIPE" ? 0 : report(error)));
process.stderr.on("error", () => {});
process.on("unhandledRejection", (error) => end(report(error)));
// The first signal ends the run after the GPU has finished the current batch: Dawn crashes if the process exits earlier (4 of 20 runs).
// A second signal kills the process at once, since it has no listener.
for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    session.note("interrupted: unfinished results are not written; interrupt again to stop at once");
    end(EXIT[signal]);
  });
}

const code = await run(process.argv.slice(2));
// Waits until all output is written. An error of the stream ends the run in the listener above.
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
