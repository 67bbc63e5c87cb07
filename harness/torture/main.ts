// npm run torture: does on purpose what ends trainings in real life, again and again, and counts how often nothing was lost.
//   npm run torture -- [PART OF A ROW'S NAME …] [--share 0.1] [--soak-minutes 60]

import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import type { Row } from "./row.ts";
import { ROWS, soak } from "./rows.ts";
import { STEADY_MEMORY } from "./steady-memory.ts";
import { runRows } from "./tally.ts";

async function main(): Promise<void> {
  const options = { share: { type: "string", default: "1" }, "soak-minutes": { type: "string" } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [share, minutes] = [Number(values.share), Number(values["soak-minutes"] ?? 10 * Number(values.share))];
  if (!(share > 0 && share <= 1) || !(minutes > 0)) throw new Error("--share must be in (0, 1], and --soak-minutes positive");
  const rows = ROWS.filter(({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)));
  if (rows.length === 0) throw new Error(`no row has such a name; there are:\n${ROWS.map(({ name }) => name).join("\n")}`);
  const countOf = (row: Row) => (row === soak ? minutes : Math.ceil(share * row.count));
  const { failed } = await runRows(rows, countOf, console.log);
  process.exitCode = failed > 0 ? 1 : 0;
}

process.env["SINGAN_TUNE"] = "off";
if (process.env["MALLOC_TRIM_THRESHOLD_"] === undefined) {
  const { status } = spawnSync(process.execPath, process.argv.slice(1), {
    env: { ...process.env, ...STEADY_MEMORY },
    stdio: "inherit",
  });
  process.exit(status ?? 1);
}
try {
  await main();
} catch (error) {
  console.error(`torture: ${(error as Error).message}`);
  process.exitCode = 1;
}
process.exit();
