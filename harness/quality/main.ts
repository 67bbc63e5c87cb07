// npm run quality: trains photos with several settings and seeds, and compares the figures of their samples, and of instant pictures. What is finished is kept in
// out/quality, and its figures in FILE: the same command goes on where it was interrupted.
//   npm run quality -- PHOTO… [--settings NAME,…] [--seeds 1,2,3] [--budget="--max-size 64 --iterations 500"] [--to FILE.ndjson]

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Comparison, isKnown, type Row, SETTINGS, stem, table } from "./comparison.ts";

const WORK = "out/quality";

function main(): void {
  const text = (standard: string) => ({ type: "string", default: standard }) as const;
  const { values, positionals: photos } = parseArgs({
    allowPositionals: true,
    options: {
      settings: text("06732b4,redrawn"),
      seeds: text("1,2,3"),
      budget: text("--max-size 64 --iterations 500"), // that of the official samples that are compared with
      to: { type: "string" },
    },
  });
  const settings = values.settings.split(",");
  const unknown = settings.find((name) => !isKnown(name));
  if (unknown !== undefined) {
    const names = [...Object.keys(SETTINGS), "instant", "instant-PATCH-COARSEST", "injected-SCALE"];
    throw new Error(`--settings ${unknown}: give a commit or one of ${names.join(", ")}`);
  }
  if (photos.length === 0) throw new Error("no photo is given");
  const { to } = values;
  const seeds = values.seeds.split(",").map(Number);
  const known =
    to && existsSync(to)
      ? readFileSync(to, "utf8")
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line) as Row)
      : [];
  const comparison = new Comparison(WORK, values.budget.split(" "), known);
  const all = seeds.flatMap((seed) => photos.flatMap((photo) => settings.map((name) => ({ photo, settings: name, seed }))));
  const rows: Row[] = [];
  const save = (row: Row): void => {
    rows.push(row);
    const others = known.filter((one) => !rows.some((two) => JSON.stringify(one) === JSON.stringify(two)));
    if (to) writeFileSync(to, [...others, ...rows].map((one) => `${JSON.stringify(one)}\n`).join(""));
  };
  for (const training of all) save(comparison.measured(training));
  for (const photo of photos) {
    const ofPhoto = all.filter((training) => training.photo === photo);
    comparison.writeSheet(ofPhoto, join(WORK, `${stem(photo)}.png`));
  }
  for (const line of table(rows)) console.log(line);
}

try {
  main();
} catch (error) {
  console.error(`quality: ${(error as Error).message}`);
  process.exitCode = 1;
}
