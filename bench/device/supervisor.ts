// Runs tasks one after the other, each in a process of its own that is stopped when its time is over, and keeps a summary of them.
// summary.json and summary.txt are rewritten after every change, so they show how far the run got, even if this program is killed.

import { spawn } from "node:child_process";
import { createWriteStream, existsSync, mkdirSync, rmSync, type WriteStream } from "node:fs";
import { join } from "node:path";
import { replaceFile, say } from "../node.ts";
import { share, type Task } from "./tasks.ts";

/** What a task's process sends: the adapter it runs on, a check that failed, or why it has nothing to do. Each text is one line. */
export type TaskMessage = { readonly adapter: string } | { readonly problem: string } | { readonly skipped: string };

type State = "not started" | "running" | "done" | "skipped" | "cut off" | "failed";

interface Outcome {
  readonly part: string;
  readonly task: string;
  readonly state: State;
  readonly budgetSeconds?: number;
  readonly seconds?: number;
  /** Why it failed, was skipped or was cut off. */
  readonly why?: string;
  /** What it has written. */
  readonly files: readonly string[];
}

export interface SupervisorOptions {
  readonly tasks: readonly Task[];
  readonly budgetMs: number;
  /** Folder of the results. */
  readonly out: string;
  /** Words of the command that runs a task in so many minutes. */
  command(task: Task, minutes: number): readonly [program: string, ...words: string[]];
  /** For the summary. */
  readonly facts: Readonly<Record<string, string>>;
}

/** Runs all tasks. Returns the exit code: 1 if a task failed or a signal interrupted the run, else 0. */
export async function supervise({ tasks, budgetMs, out, command, facts }: SupervisorOptions): Promise<number> {
  mkdirSync(out, { recursive: true });
  for (const file of tasks.flatMap(({ files }) => files)) rmSync(join(out, file), { recursive: true, force: true });
  const log = createWriteStream(join(out, "log.txt"));
  const outcomes: Outcome[] = tasks.map(({ part, name }) => ({ part, task: name, state: "not started", files: [] }));
  let adapter = "none found";
  const note = (i: number, news: Partial<Outcome>): void => {
    const files = tasks[i]!.files.filter((file) => existsSync(join(out, file)));
    outcomes[i] = { ...outcomes[i]!, ...news, files };
    writeSummary(out, { ...facts, adapter, budgetMinutes: budgetMs / 60_000 }, outcomes);
  };

  const interrupt = new AbortController();
  for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const) process.once(signal, () => interrupt.abort(signal));
  const end = performance.now() + budgetMs;
  for (const [i, task] of tasks.entries()) {
    const start = performance.now();
    const taskMs = Math.max(0, share(tasks.slice(i), end - start));
    say(`${task.part} ${task.name}: ${task.what}, ${seconds(taskMs)} s at most`);
    note(i, { state: "running", budgetSeconds: seconds(taskMs) });
    const ended = await runTask(command(task, taskMs / 60_000), taskMs, log, interrupt.signal);
    adapter = ended.adapter ?? adapter;
    note(i, { state: ended.state, ...(ended.why !== null && { why: ended.why }), seconds: seconds(performance.now() - start) });
    say(describe(outcomes[i]!));
    if (interrupt.signal.aborted) break;
  }
  await new Promise((resolve) => log.end(resolve));
  return interrupt.signal.aborted || outcomes.some(({ state }) => state === "failed") ? 1 : 0;
}

interface Ended {
  readonly state: State;
  readonly why: string | null;
  readonly adapter: string | null;
}

/** Time from SIGTERM to SIGKILL, and from SIGKILL to giving up: a process that hangs inside a driver can survive both. */
const GRACE_MS = 3000;

/** Runs one task until it ends, its time is over or the run is interrupted. Its output goes to the log and to standard error. */
function runTask([program, ...words]: readonly string[], ms: number, log: WriteStream, interrupt: AbortSignal): Promise<Ended> {
  // A process group of its own, so that what the task starts is stopped with it.
  const child = spawn(program!, words, { stdio: ["ignore", "pipe", "pipe", "ipc"], detached: true });
  let adapter: string | null = null;
  let skipped: string | null = null;
  const problems: string[] = [];
  let lastLine = "";
  let stopped: string | null = null;
  for (const stream of [child.stdout!, child.stderr!])
    stream.on("data", (data: Buffer) => {
      log.write(data);
      process.stderr.write(data);
      lastLine = data.toString().trim().split("\n").at(-1) || lastLine;
    });
  child.on("message", (message: TaskMessage) => {
    if ("adapter" in message) adapter = message.adapter;
    else if ("skipped" in message) skipped = message.skipped;
    else problems.push(message.problem);
  });
  const kill = (signal: NodeJS.Signals): void => {
    try {
      process.kill(-child.pid!, signal);
    } catch {
      // It has ended already.
    }
  };
  return new Promise((resolve) => {
    const timers: NodeJS.Timeout[] = [];
    const stop = (why: string): void => {
      stopped ??= why;
      kill("SIGTERM");
      timers.push(
        setTimeout(() => kill("SIGKILL"), GRACE_MS),
        setTimeout(() => finish(null, null), 2 * GRACE_MS),
      );
    };
    const interrupted = (): void => stop(`interrupted by ${interrupt.reason}`);
    const finish = (code: number | null, signal: NodeJS.Signals | null, error?: Error): void => {
      for (const timer of timers) clearTimeout(timer);
      interrupt.removeEventListener("abort", interrupted);
      child.unref();
      const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
      if (problems.length > 0) resolve({ adapter, state: "failed", why: `${problems[0]}${more}` });
      else if (stopped) resolve({ adapter, state: "cut off", why: stopped });
      else if (code !== 0)
        resolve({ adapter, state: "failed", why: error?.message ?? (lastLine || `ended by ${signal ?? `exit code ${code}`}`) });
      else resolve({ adapter, state: skipped ? "skipped" : "done", why: skipped });
    };
    timers.push(setTimeout(() => stop("its time was over"), ms));
    interrupt.addEventListener("abort", interrupted);
    child.on("error", (error) => finish(null, null, error));
    child.on("close", finish);
  });
}

const seconds = (ms: number): number => Math.round(ms / 100) / 10;

const describe = ({ part, task, state, budgetSeconds, seconds: taken, why, files }: Outcome): string => {
  const time = taken === undefined ? "" : ` after ${taken} of ${budgetSeconds} s`;
  const wrote = files.length === 0 ? "" : `  [${files.join(", ")}]`;
  return `${part} ${task}: ${state}${time}${why === undefined ? "" : `: ${why}`}${wrote}`;
};

function writeSummary(out: string, facts: Readonly<Record<string, string | number>>, outcomes: readonly Outcome[]): void {
  replaceFile(join(out, "summary.json"), `${JSON.stringify({ ...facts, tasks: outcomes }, null, 2)}\n`);
  const lines = [...Object.entries(facts).map(([name, value]) => `${name}: ${value}`), "", ...outcomes.map(describe)];
  replaceFile(join(out, "summary.txt"), `${lines.join("\n")}\n`);
}
