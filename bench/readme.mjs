// Writes the tables of README.md and docs/benchmarks.md from bench/results: trainings from train-*.json (reports of `singan train`, with
// quality figures added), kernels and steps from bench-*.ndjson (npm run bench), whole iterations compared with PyTorch from profile-X.json
// (singan bench --profile --scales all --json) and pytorch-X.ndjson (bench/peers/pytorch.py), where X names a GPU; instant pictures from
// instant-*.ndjson (npm run bench:instant); a visit of the page from visit-*.ndjson (npm run bench:visit).
//   node bench/readme.mjs          rewrite what is between the markers
//   node bench/readme.mjs --check  exit 1 if a page is not what it would write from the files that git knows
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

const FOLDER = "bench/results";
const isCheck = process.argv[2] === "--check";

/** Whether a file counts: a file that git does not know is the user's own benchmark. Without git all files count. */
const { status, stdout } = spawnSync("git", ["ls-files", FOLDER], { encoding: "utf8" });
const counts = (name) => !isCheck || status !== 0 || stdout.split("\n").includes(`${FOLDER}/${name}`);

const row = (cells) => `| ${cells.join(" | ")} |`;
const table = (head, rows) => [row(head), `|${"---|".repeat(head.length)}`, ...rows.map(row)].join("\n");
const read = (pattern) =>
  readdirSync(FOLDER)
    .filter((name) => pattern.test(name) && counts(name))
    .sort()
    .map((name) => readFileSync(`${FOLDER}/${name}`, "utf8"));

const lines = (text) =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
const digits = (x, n = 3) => (x >= 10 ** (n - 1) ? x.toFixed(0) : x.toPrecision(n));
/** "lowest–highest", or the one value where both read the same. */
const range = (values, format) => [...new Set([Math.min(...values), Math.max(...values)].map(format))].join("–");
/** An adapter's name without its driver's details. */
const short = (name) => name.replace(/ \((?!software).*/, "");

const trainings = () => read(/^train-.*\.json$/).map((json) => JSON.parse(json));
const minutes = (s) => (s < 90 ? `${s.toFixed(0)} s` : `${(s / 60).toFixed(1)} min`);
const pyramid = ({ options, scales }) => {
  const channels = [...new Set(scales.map((scale) => scale.channels))].join("–");
  return `${scales.length} scales to ${scales.at(-1).size}, ${options.iterations} iterations, ${channels} channels`;
};
const QUALITY_HEAD = ["swd ↓", "diversity ↑", "fidelity ↓", "coverage ↓", "reconstruction, dB ↑"];
const quality = ({ quality: { swd, diversity, nn_fidelity: fidelity, nn_coverage: coverage, psnr } = {} }) => {
  const fixed = (value, decimals) => (value === undefined ? "–" : value.toFixed(decimals));
  return [fixed(swd, 4), fixed(diversity, 3), fixed(fidelity, 4), fixed(coverage, 4), fixed(psnr, 1)];
};

const allTrainings = () =>
  table(
    ["photo", "command", "pyramid", "adapter", "time", ...QUALITY_HEAD],
    trainings().map((t) => [
      ...[t.photo.name, `\`${t.command}\``, pyramid(t), t.adapter.name, minutes(t.seconds)],
      ...quality(t),
    ]),
  );

const expectations = () =>
  table(
    ["hardware", "command", "model", "time"],
    trainings().map((t) => [short(t.adapter.name), `\`${t.command}\``, pyramid(t), minutes(t.seconds)]),
  );

const qualities = () =>
  table(
    ["photo", "finest scale", "trained on", ...QUALITY_HEAD],
    trainings()
      .filter((t) => t.quality)
      .map((t) => [t.photo.name, t.scales.at(-1).size, short(t.adapter.name), ...quality(t)]),
  );

const DIRECTIONS = { conv2d: "forward", conv2dInput: "input gradient", conv2dWeight: "weight gradient" };

/** One file of measurements: the adapter's peaks, its scales, and the ratios to other libraries. */
function adapter(text) {
  const records = lines(text);
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

/** Whole iterations on one GPU, ours and PyTorch's; the faster of PyTorch's float32 modes counts. */
function iterations(text) {
  const theirs = lines(text);
  const [{ adapter: name, peer }] = theirs;
  const key = name.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  const profiles = read(/^profile-.*\.json$/).map((json) => JSON.parse(json));
  const ours = profiles.find((p) => p.adapter.name.startsWith(key));
  if (!ours) throw new Error(`${FOLDER} has no profile-*.json of ${name}`);
  const scales = ours.scales.map((scale) => {
    const [tf32, fp32] = ["tf32", "fp32"].map((mode) => theirs.find((r) => r.scale === scale.scale && r.mode === mode).median_ms);
    return { ...scale, tf32, fp32, faster: Math.min(tf32, fp32), ratio: Math.min(tf32, fp32) / scale.wallMs };
  });
  return { name, peer, scales };
}

const comparisons = () => read(/^pytorch-.*\.ndjson$/).map(iterations);

function pytorch({ name, peer, scales }) {
  const rows = scales.map(({ scale, size, channels, dispatches, wallMs, idleShare, tf32, fp32, ratio }) => [
    ...[scale, size, channels, dispatches, `${digits(wallMs)} ms`, `${(100 * idleShare).toFixed(0)} %`],
    ...[`${digits(tf32)} ms`, `${digits(fp32)} ms`, `${ratio.toFixed(1)}x`],
  ]);
  const head = "scale|size|channels|dispatches|ours|no kernel, at least|PyTorch, TF32|PyTorch, float32|ours is faster by";
  return `**${name}**, one iteration (3 D and 3 G steps); ${peer}.\n\n${table(head.split("|"), rows)}`;
}

/** Two rows: a GPU compared with PyTorch, and the CPU on which another WebGPU library comes closest to ours. */
function speeds() {
  const onGpu = comparisons().map(({ name, peer, scales }) => [
    name,
    `an iteration, at each scale of 250x188 (${scales[0].size} to ${scales.at(-1).size})`,
    peer,
    `${range(
      scales.map((s) => s.faster),
      digits,
    )} ms`,
    `${range(
      scales.map((s) => s.ratio),
      (x) => x.toFixed(1),
    )}x`,
  ]);
  const [closest] = read(/^bench-.*\.ndjson$/)
    .flatMap(lines)
    .filter((r) => r.what === "dStep" && r.peer && r.ratio && r.software)
    .sort((a, b) => a.ratio - b.ratio);
  const { driver, cores, shape, peer, median_ms: ms, ratio } = closest;
  const onCpu = [`${short(driver)}, ${cores} CPU cores`, `a D step (${shape})`, peer, `${digits(ms)} ms`, `${digits(ratio)}x`];
  return table(["hardware", "work", "compared with", "its time", "ours is faster by"], [...onGpu.slice(0, 1), onCpu]);
}

const WAYS = {
  instant: "instant, without training",
  redrawn: "SinGAN, ours",
  pytorch: "SinGAN, official settings in PyTorch",
  official_code: "SinGAN, official code",
};
/** Figures of `singan eval`, their decimals, and which way is better. */
const SIDE_BY_SIDE = {
  ...{ swd: [4, "↓"], colour: [4, "↓"], diversity: [3, "↑"], nn_fidelity: [4, "↓"], nn_coverage: [4, "↓"] },
  ...{ in_place: [3, "↓"], largest_copy: [3, "↓"], psnr: [1, "↑"] },
};

/** What npm run quality has measured of several ways to make pictures of one photo: means over the seeds, and standard deviations. */
function sideBySide() {
  const records = read(/official-budget.*\.ndjson$/)
    .flatMap(lines)
    .filter(({ settings }) => WAYS[settings]);
  const cell = (values, decimals) => {
    if (values.length === 0) return "–";
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    if (values.length === 1) return mean.toFixed(decimals);
    const deviation = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (values.length - 1));
    return `${mean.toFixed(decimals)} ± ${deviation.toFixed(decimals)}`;
  };
  const rows = [...new Set(records.map(({ photo }) => photo))].sort().flatMap((photo) =>
    Object.entries(WAYS).flatMap(([settings, way]) => {
      const of = records.filter((r) => r.photo === photo && r.settings === settings);
      if (of.length === 0) return [];
      const figures = Object.entries(SIDE_BY_SIDE).map(([name, [decimals]]) =>
        cell(
          of.flatMap((r) => r[name] ?? []),
          decimals,
        ),
      );
      return [[photo, way, of.length, ...figures]];
    }),
  );
  const head = Object.entries(SIDE_BY_SIDE).map(([name, [, better]]) => `${name} ${better}`);
  return table(["photo", "made by", "seeds", ...head], rows);
}

/** Instant pictures, by where they were measured: the processor's way does not depend on the adapter, and has one row per runtime. */
function instant() {
  const records = read(/^instant-.*\.ndjson$/).flatMap(lines);
  const onWhat = ({ way, adapter: name, runtime, cores }) =>
    `${runtime}, ${way.endsWith("WebGPU") ? short(name) : `${cores} CPU cores`}`;
  const time = ({ median_s: median, seconds, skipped }) => {
    if (skipped) return skipped;
    const [low, high] = [Math.min(...seconds), Math.max(...seconds)].map((s) => digits(s));
    return seconds.length === 1 ? `${digits(median)} s` : `${digits(median)} s (${low}–${high})`;
  };
  const rows = records.map((r) => [
    ...[`${r.size}, ${r.patch} px`, r.way, onWhat(r), time(r), r.ratio ? `${digits(r.ratio)}x` : "–"],
    ...[digits(r.operations_per_pair), r.gflops ? digits(r.gflops) : "–"],
  ]);
  return table(
    ["size, patch", "patches compared by", "on", "a picture", "time over the first way", "operations per pair", "GFLOP/s"],
    rows,
  );
}

/** What a visitor of the page waits for (npm run bench:visit), and how smoothly it moves. */
const VISIT = {
  first_picture_s: ["from the address to the first picture, one that is stored with the page", "s"],
  first_live_s: ["from the address to the first picture that this computer has made, by a model of the page", "s"],
  first_instant_s: ["from an own photo (meadow-trees) to its first instant picture, 96 px", "s"],
  first_trained_s: ["from Start to the first sample of a training (tulips, *Quick look*)", "s"],
  training_fps: ["frames per second while it trains", ""],
  painting_fps: ["frames per second while somebody paints", ""],
  code_bytes: ["HTML, styles and code until the first picture that this computer has made, compressed", "bytes"],
  other_bytes: ["pictures and the model until then", "bytes"],
};

function visit() {
  const records = read(/^visit-.*\.ndjson$/).flatMap(lines);
  const text = (value, unit) => (unit === "bytes" ? `${Math.round(value / 1000)} kB` : `${digits(value)} ${unit}`.trim());
  const rows = records.map(({ what, median, values, adapter: name, runtime, cores }) => {
    const [label, unit] = VISIT[what];
    return [label, text(median, unit), range(values, (v) => text(v, unit)), `${runtime}, ${cores} CPU cores; ${name}`];
  });
  return table(["what", "median", "range", "on"], rows);
}

/** Page → marker → what stands after it. */
const PAGES = {
  "README.md": { expect: expectations, quality: qualities, fast: speeds },
  "docs/results.md": { "side-by-side": sideBySide },
  "docs/benchmarks.md": {
    results: allTrainings,
    speed: () =>
      read(/^bench-.*\.ndjson$/)
        .map(adapter)
        .join("\n\n"),
    instant,
    visit,
    pytorch: () => comparisons().map(pytorch).join("\n\n"),
  },
};

for (const [page, blocks] of Object.entries(PAGES)) {
  const text = readFileSync(page, "utf8");
  let written = text;
  for (const [name, make] of Object.entries(blocks)) {
    const [start, end] = [`<!-- ${name}: made by bench/readme.mjs -->`, `<!-- end of ${name} -->`];
    const [before, rest] = written.split(start);
    const after = rest?.split(end)[1];
    if (after === undefined) throw new Error(`${page} has no markers for ${name}`);
    written = `${before}${start}\n${make()}\n${end}${after}`;
  }
  if (!isCheck) writeFileSync(page, written);
  else if (written !== text) {
    console.error(`${page} is not what bench/readme.mjs writes: run node bench/readme.mjs`);
    process.exitCode = 1;
  }
}
