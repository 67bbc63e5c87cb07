// Errors of commands that occur before they open the GPU: message and exit code, without a new process.

import { parse, UsageError } from "../src/cli/args.ts";
import { COMMANDS } from "../src/cli/commands.ts";
import { Session } from "../src/cli/session.ts";

/** Runs a command in this process. Throws if it succeeds. */
export async function refusal(...argv: string[]): Promise<{ status: number; line: string; written: string }> {
  let written = "";
  const output = { write: (text: string) => (written += text) };
  const session = new Session(output, output, {});
  try {
    const call = parse(argv, COMMANDS);
    if (call.kind === "run") await call.command.run(call.args, session);
  } catch (error) {
    return { status: error instanceof UsageError ? 2 : 1, line: (error as Error).message, written };
  } finally {
    session.close();
  }
  throw new Error(`${argv.join(" ")} was not refused`);
}
