// The device bundle's program: runs the tasks that are asked for, or, as a process that it started itself, one of them.

import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { checkFolder, nodeRuntime, say } from "../node.ts";
import { UsageError } from "../options.ts";
import { type DeviceOptions, parseDeviceWords, USAGE } from "./options.ts";
import { runTask } from "./run-task.ts";
import { supervise, type TaskMessage } from "./supervisor.ts";
import { TASKS } from "./tasks.ts";

async function main(words: readonly string[]): Promise<number> {
  const options = parseDeviceWords(words);
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  checkFolder(options.out);
  const commit = readFileSync(new URL("commit.txt", import.meta.url), "utf8").trim();
  return options.task === null ? all(options, commit) : one(options.task, options, commit);
}

async function all({ budgetMs, parts, out }: DeviceOptions, commit: string): Promise<number> {
  const code = await supervise({
    tasks: TASKS.filter(({ part }) => parts.includes(part)),
    ...{ budgetMs, out, facts: { commit, runtime: nodeRuntime(), date: new Date().toISOString() } },
    command: ({ name }, minutes) =>
      [...[process.execPath, fileURLToPath(import.meta.url), "--task", name, "--budget", String(minutes), "--out", out]] as [
        string,
        ...string[],
      ],
  });
  console.log(readFileSync(`${out}/summary.txt`, "utf8").trimEnd());
  console.log(`results: ${out} (${basename(out)}/summary.txt)`);
  return code;
}

async function one(task: string, { out, budgetMs }: DeviceOptions, commit: string): Promise<number> {
  // Without its parent nobody would stop this process: it ends, with all that it started.
  process.on("disconnect", () => process.kill(0, "SIGKILL"));
  const tell = (message: TaskMessage): void => void process.send?.(message);
  let problems = 0;
  await runTask(task, {
    ...{ out, budgetMs, commit },
    adapter: (adapter) => tell({ adapter }),
    problem: (problem) => {
      problems++;
      tell({ problem });
    },
    skipped: (skipped) => tell({ skipped }),
  });
  return problems === 0 ? 0 : 1;
}

try {
  process.exit(await main(process.argv.slice(2))); // Node would wait for the parent's messages
} catch (error) {
  say((error as Error).message.split("\n")[0]!);
  process.exit(error instanceof UsageError ? 2 : 1);
}
