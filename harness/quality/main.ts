// npm run quality: trains photos with several settings and seeds, and compares the figures of their samples. What is finished is kept in
// out/quality, so the same command goes on where it was interrupted.
//   npm run quality -- PHOTO… [--settings NAME,…] [--seeds 1,2,3] [--max-size 64] [--iterations 500] [--to FILE.ndjson]

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Comparison, type Row, SETTINGS, stem, table } from "./comparison.ts";

function main(): void {
  const text = (standard: string) => ({ type: "string", default: standard }) as const;
  const { values, positionals: photos } = parseArgs({
    allowPositionals: true,
    options: {
      settings: text("before,defaults"),
      seeds: text("1,2,3"),
      "max-size": text("64"), // those of the official samples that are compared with
      iterations: text("500"),
      to: { type: "string" },
    },
  });
  const settings = values.settings.split(",");
  const unknown = settings.find((name) => !Object.hasOwn(SETTINGS, name));
  if (unknown !== undefined) throw new Error(`--settings ${unknown} is not one of ${Object.keys(SETTINGS).join(", ")}`);
  if (photos.length === 0) throw new Error("no photo is given");
  const seeds = values.seeds.split(",").map(Number);
  const { "max-size": size, iterations } = values;
  const work = join("out/quality", `${size}px-${iterations}it`);
  const comparison = new Comparison(work, ["--max-size", size, "--iterations", iterations]);
  const rows: Row[] = [];
  for (const photo of photos) {
    const all = settings.flatMap((name) => seeds.map((seed) => ({ photo, settings: name, seed })));
    rows.push(...all.map((training) => comparison.measured(training)));
    comparison.writeSheet(all, join(work, `${stem(photo)}.png`));
  }
  if (values.to) writeFileSync(values.to, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  for (const line of table(rows)) console.log(line);
}

try {
  main();
} catch (error) {
  console.error(`quality: ${(error as Error).message}`);
  process.exitCode = 1;
}
