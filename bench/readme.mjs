// Writes the README's table of trained photos from bench/results/train-*.json (reports of `singan train`, with quality figures added).
//   node bench/readme.mjs          rewrite the block between the markers
//   node bench/readme.mjs --check  exit 1 if README.md is not what it would write
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

const FOLDER = "bench/results";
const [START, END] = ["<!-- results: made by bench/readme.mjs -->", "<!-- end of results -->"];

const minutes = (s) => (s < 90 ? `${s.toFixed(0)} s` : `${(s / 60).toFixed(1)} min`);
const fixed = (value, digits) => (value === undefined ? "–" : value.toFixed(digits));

function row({ photo, command, adapter, seconds, scales, quality }) {
  const { swd, diversity, nn_fidelity: fidelity, nn_coverage: coverage, psnr } = quality ?? {};
  const figures = [fixed(swd, 4), fixed(diversity, 3), fixed(fidelity, 4), fixed(coverage, 4), fixed(psnr, 1)];
  return `| ${[photo.name, `\`${command}\``, `${scales.length} scales to ${scales.at(-1).size}`, adapter.name, minutes(seconds), ...figures].join(" | ")} |`;
}

const reports = readdirSync(FOLDER)
  .filter((name) => /^train-.*\.json$/.test(name))
  .sort()
  .map((name) => JSON.parse(readFileSync(`${FOLDER}/${name}`, "utf8")));
const table = [
  "| photo | command | pyramid | adapter | time | swd ↓ | diversity ↑ | fidelity ↓ | coverage ↓ | reconstruction, dB ↑ |",
  "|---|---|---|---|---|---|---|---|---|---|",
  ...reports.map(row),
].join("\n");

const readme = readFileSync("README.md", "utf8");
const [before, rest] = readme.split(START);
const after = rest?.split(END)[1];
if (after === undefined) throw new Error("README.md has no markers for the results");
const written = `${before}${START}\n${table}\n${END}${after}`;
if (process.argv[2] !== "--check") writeFileSync("README.md", written);
else if (written !== readme) {
  console.error("README.md is not what bench/readme.mjs writes: run node bench/readme.mjs");
  process.exit(1);
}
