// Writes the README's tables from bench/results: photos from train-*.json (reports of `singan train`, with quality figures added), speed
// from bench-*.ndjson (npm run bench), and whole iterations beside PyTorch from profile-X.json (singan bench --profile --scales all --json)
// and pytorch-X.ndjson (bench/peers/pytorch.py), X naming a GPU.
//   node bench/readme.mjs          rewrite what is between the markers
//   node bench/readme.mjs --check  exit 1 if README.md is not what it would write of the files that git knows
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

const FOLDER = "bench/results";
const isCheck = process.argv[2] === "--check";

/** Whether a file counts: a new one in the folder is somebody's own benchmark until it is recorded. All do without git. */
const { status, stdout } = spawnSync("git", ["ls-files", FOLDER], { encoding: "utf8" });
const counts = (name) => !isCheck || status !== 0 || stdout.split("\n").includes(`${FOLDER}/${name}`);

const row = (cells) => `| ${cells.join(" | ")} |`;
const table = (head, rows) => [row(head), `|${"---|".repeat(head.length)}`, ...rows.map(row)].join("\n");
const read = (pattern) =>
  readdirSync(FOLDER)
    .filter((name) => pattern.test(name) && counts(name))
    .sort()
    .map((name) => readFileSync(`${FOLDER}/${name}`, "utf8"));

function photos() {
  const minutes = (s) => (s < 90 ? `${s.toFixed(0)} s` : `${(s / 60).toFixed(1)} min`);
  const fixed = (value, digits) => (value === undefined ? "–" : value.toFixed(digits));
  const cells = ({ photo, command, adapter, seconds, options, scales, quality }) => {
    const channels = [...new Set(scales.map((scale) => scale.channels))].join("–");
    const { swd, diversity, nn_fidelity: fidelity, nn_coverage: coverage, psnr } = quality ?? {};
    const figures = [fixed(swd, 4), fixed(diversity, 3), fixed(fidelity, 4), fixed(coverage, 4), fixed(psnr, 1)];
    return [
      photo.name,
      `\`${command}\``,
      `${scales.length} scales to ${scales.at(-1).size}, ${options.iterations} iterations, ${channels} channels`,
      adapter.name,
      minutes(seconds),
      ...figures,
    ];
  };
  const head = "photo|command|pyramid|adapter|time|swd ↓|diversity ↑|fidelity ↓|coverage ↓|reconstruction, dB ↑".split("|");
  return table(
    head,
    read(/^train-.*\.json$/).map((text) => cells(JSON.parse(text))),
  );
}

const DIRECTIONS = { conv2d: "forward", conv2dInput: "input gradient", conv2dWeight: "weight gradient" };
const digits = (x, n = 3) => (x >= 10 ** (n - 1) ? x.toFixed(0) : x.toPrecision(n));

/** One file of measurements: the adapter's peaks, its scales, and how other libraries did beside ours. */
function adapter(text) {
  const records = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const { adapter: name, runtime, commit, date, cores, software } = records[0];
  const of = (what) => records.filter((r) => r.what === what && !r.peer && r.chosen !== false);
  const best = (what, key) => Math.max(...of(what).map((r) => r[key]));
  const peaks = `multiply-adds ${digits(best("multiplyAdd", "gflops"))} GFLOP/s, copy ${digits(best("copy", "gbps"))} GB/s`;
  const place = `${name}${software ? `, ${cores} CPU cores` : ""}; ${runtime}`;
  return [`**${place}** (${date}, commit ${commit}). Measured peaks: ${peaks}.`, scales(of), peers(records)]
    .filter(Boolean)
    .join("\n\n");
}

function scales(of) {
  const rate = (r) => (r?.gflops ? `${digits(r.gflops)} (${(100 * r.share_of_peak).toFixed(0)} %)` : "too slow");
  const ms = (r) => (r?.median_ms ? `${digits(r.median_ms)} ms` : "too slow");
  const all = of("conv2d");
  const at = (what, scale) => of(what).find((r) => r.scale === scale);
  const rows = all.map(({ scale, shape }) => [
    shape,
    ...Object.keys(DIRECTIONS).map((what) => rate(at(what, scale))),
    ...["dStep", "gStep"].map((what) => ms(at(what, scale))),
  ]);
  return table(["scale", ...Object.values(DIRECTIONS).map((d) => `${d}, GFLOP/s (of peak)`), "D step", "G step"], rows);
}

function peers(records) {
  const names = [...new Set(records.flatMap((r) => r.peer ?? []))];
  if (names.length === 0) return "";
  const cell = (name, what) => {
    const ratios = records
      .filter((r) => r.peer === name && r.what === what && r.ratio)
      .map((r) => r.ratio)
      .sort((a, b) => a - b);
    if (ratios.length === 0) return records.some((r) => r.peer === name && r.what === what) ? "too slow" : "–";
    const middle = (ratios[(ratios.length - 1) >> 1] + ratios[ratios.length >> 1]) / 2;
    return ratios.length === 1 ? `${digits(middle)}x` : `${digits(middle)}x (${digits(ratios[0])}–${digits(ratios.at(-1))})`;
  };
  const step = records.find((r) => r.peer && r.what === "dStep");
  const rows = names.map((name) => [name, ...[...Object.keys(DIRECTIONS), "dStep"].map((what) => cell(name, what))]);
  return table(["speed of ours over", ...Object.values(DIRECTIONS), `D step${step ? ` (${step.shape})` : ""}`], rows);
}

/** Whole iterations on one GPU, ours and PyTorch's, whose faster float32 mode counts. */
function pytorch(text) {
  const theirs = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const [{ adapter: name, peer }] = theirs;
  const profiles = read(/^profile-.*\.json$/).map((json) => JSON.parse(json));
  const key = name.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  const { scales: ours } = profiles.find((p) => p.adapter.name.startsWith(key));
  const rows = ours.map(({ scale, size, channels, dispatches, wallMs, idleShare }) => {
    const ms = (mode) => theirs.find((r) => r.scale === scale && r.mode === mode).median_ms;
    const [tf32, fp32] = [ms("tf32"), ms("fp32")];
    const ratio = `${(Math.min(tf32, fp32) / wallMs).toFixed(1)}x`;
    return [
      ...[scale, size, channels, dispatches, `${digits(wallMs)} ms`, `${(100 * idleShare).toFixed(0)} %`],
      ...[`${digits(tf32)} ms`, `${digits(fp32)} ms`, ratio],
    ];
  });
  const head = "scale|size|channels|dispatches|ours|no kernel, at least|PyTorch, TF32|PyTorch, float32|ours is faster by".split(
    "|",
  );
  return `**${name}**, one iteration (3 D and 3 G steps); ${peer}.\n\n${table(head, rows)}`;
}

/** Marker → what stands after it. */
const BLOCKS = {
  results: photos,
  speed: () =>
    read(/^bench-.*\.ndjson$/)
      .map(adapter)
      .join("\n\n"),
  pytorch: () =>
    read(/^pytorch-.*\.ndjson$/)
      .map(pytorch)
      .join("\n\n"),
};

const readme = readFileSync("README.md", "utf8");
let written = readme;
for (const [name, make] of Object.entries(BLOCKS)) {
  const [start, end] = [`<!-- ${name}: made by bench/readme.mjs -->`, `<!-- end of ${name} -->`];
  const [before, rest] = written.split(start);
  const after = rest?.split(end)[1];
  if (after === undefined) throw new Error(`README.md has no markers for the ${name}`);
  written = `${before}${start}\n${make()}\n${end}${after}`;
}
if (!isCheck) writeFileSync("README.md", written);
else if (written !== readme) {
  console.error("README.md is not what bench/readme.mjs writes: run node bench/readme.mjs");
  process.exit(1);
}
