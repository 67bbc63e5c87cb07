// Trains and measures the models that npm run quality compares, and writes their table and sheets.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { decodeImage } from "../../src/image/decode.ts";
import { labelledSheet } from "../../src/image/labels.ts";
import { encodePng } from "../../src/image/png.ts";
import { meanAndDeviation } from "../../src/metrics/picture.ts";

/** Flags of `singan train` by name; null is the official code's method in PyTorch (bench/peers/official.py). docs/adr/0014 has figures. */
export const SETTINGS: Readonly<Record<string, readonly string[] | null>> = {
  pytorch: null,
  official: ["--average-over", "0", "--alpha-share", "1", "--g-step", "replay", "--statistics", "running"],
  redrawn: ["--average-over", "0.07", "--alpha-share", "0.3"],
  noisier: ["--average-over", "0.07", "--alpha-share", "0.3", "--noise-amp", "0.2"],
  fixed: ["--average-over", "0.07", "--z-star", "fixed"],
};
/** A version of this program by its commit: its defaults. */
export const isCommit = (settings: string): boolean => /^[0-9a-f]{7,40}$/.test(settings);

/** Figures of `singan eval`, with the decimals that the table shows. */
const FIGURES = {
  ...{ swd: 4, swd_detail: 4, colour: 4, diversity: 3, nn_fidelity: 4, nn_coverage: 4, in_place: 3, largest_copy: 3 },
  ...{ psnr: 1, ssim: 3 },
} as const;
type Figure = keyof typeof FIGURES;
const NAMES = Object.keys(FIGURES) as Figure[];

export interface Training {
  readonly photo: string;
  readonly settings: string;
  readonly seed: number;
}
export type Row = Training & { readonly budget: string; readonly adapter: string } & Readonly<Record<Figure, number>>;

/** Runs a program and returns its output. Throws its last line where it fails. */
function run(program: string, ...words: string[]): string {
  console.error(`${basename(program)} ${words.join(" ")}`);
  const { status, stdout, stderr } = spawnSync(program, words, { encoding: "utf8", maxBuffer: 2 ** 26 });
  if (status !== 0) throw new Error(`${words.join(" ")}: ${stderr?.trim().split("\n").at(-1) ?? "it could not be started"}`);
  return stdout;
}
const singan = (...words: string[]): string => run(process.execPath, "dist/cli.js", ...words);

/** The program of a commit, which is built where that is not done. */
function programOf(commit: string, work: string): string {
  const folder = join(work, "versions", commit);
  const program = join(folder, "dist/cli.js");
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  run(
    "sh",
    "-c",
    `git archive ${commit} | tar x --exclude=biome.json -C '${folder}' && ln -sfn "$PWD/node_modules" '${folder}/node_modules'`,
  );
  run("sh", "-c", `cd '${folder}' && node build.mjs`);
  return program;
}

/** With PyTorch, NumPy and Pillow. */
const PYTHON = process.env["PYTHON"] ?? "python3";
const PYTORCH = "PyTorch, one CPU thread";

export const stem = (file: string): string => basename(file, extname(file));

const isSame = (a: Training, b: Training): boolean =>
  stem(a.photo) === stem(b.photo) && a.settings === b.settings && a.seed === b.seed;

/** Trains and measures with one budget: flags of `singan train` and of official.py. The rows of `known` are taken as they are. */
export class Comparison {
  constructor(
    private readonly work: string,
    private readonly budget: readonly string[],
    private readonly known: readonly Row[] = [],
  ) {}

  #folder({ photo, settings, seed }: Training): string {
    return join(this.work, this.budget.join(" ").replace(/\W+/g, "-").replace(/^-/, ""), stem(photo), `${settings}-${seed}`);
  }

  /** The figures of 20 samples of a model, which is trained where that is not done. */
  measured(training: Training): Row {
    const budget = this.budget.join(" ");
    const known = this.known.find((row) => row.budget === budget && isSame(row, training));
    if (known) return known;
    const folder = this.#folder(training);
    const file = join(folder, "figures.json");
    if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8")) as Row;
    mkdirSync(folder, { recursive: true });
    const { adapter, against } = this.#train(training, folder);
    const found = JSON.parse(singan("eval", folder, ...against, "--json")) as Record<Figure, number>;
    const figures = Object.fromEntries(NAMES.map((name) => [name, found[name]])) as Record<Figure, number>;
    const row = { ...training, photo: stem(training.photo), budget, adapter, ...figures };
    writeFileSync(`${file}.new`, `${JSON.stringify(row)}\n`);
    renameSync(`${file}.new`, file);
    return row;
  }

  #train({ photo, settings, seed }: Training, folder: string): { readonly adapter: string; readonly against: readonly string[] } {
    const flags = isCommit(settings) ? [] : SETTINGS[settings]!;
    const words = [...this.budget, "--seed", String(seed), "--samples", "20"];
    if (!flags) {
      const real = join(folder, "real.png"); // the last file that is written
      if (!existsSync(real)) run(PYTHON, "bench/peers/official.py", photo, folder, ...words);
      return { adapter: PYTORCH, against: ["--against", real] };
    }
    const program = isCommit(settings) ? programOf(settings, this.work) : "dist/cli.js";
    run(process.execPath, program, "train", photo, "--out", folder, "--skip-finished", ...words, ...flags);
    const { adapter } = JSON.parse(readFileSync(join(folder, "report.json"), "utf8")) as { adapter: { name: string } };
    return { adapter: adapter.name, against: [] };
  }

  /** Five samples of each model of a photo that lies here, a row per setting and seed. */
  writeSheet(all: readonly Training[], to: string): void {
    const here = all.filter((training) => existsSync(join(this.#folder(training), "figures.json")));
    if (here.length === 0) return;
    const rows = here.map((training) => {
      const folder = this.#folder(training);
      const samples = existsSync(join(folder, "samples")) ? join(folder, "samples") : folder;
      const names = readdirSync(samples).filter((name) => /^(sample_)?\d+\.png$/.test(name));
      return names.slice(0, 5).map((name, i) => ({
        picture: decodeImage(readFileSync(join(samples, name))),
        label: i === 0 ? `${training.settings} ${training.seed}`.toUpperCase() : "",
      }));
    });
    writeFileSync(to, encodePng(labelledSheet(rows)));
  }
}

/** Mean and standard deviation (n−1), or the one value. */
function cell(values: readonly number[], digits: number): string {
  const { mean, deviation } = meanAndDeviation(values, 1);
  return values.length === 1 ? mean.toFixed(digits) : `${mean.toFixed(digits)} ± ${deviation.toFixed(digits)}`;
}

/** A line per photo and setting. */
export function table(rows: readonly Row[]): string[] {
  const groupOf = ({ photo, settings }: Row): string => `${photo} | ${settings}`;
  const lines = [...new Set(rows.map(groupOf))].map((name) => {
    const group = rows.filter((row) => groupOf(row) === name);
    const cells = NAMES.map((figure) =>
      cell(
        group.map((row) => row[figure]),
        FIGURES[figure],
      ),
    );
    return `| ${name} | ${group.length} | ${cells.join(" | ")} |`;
  });
  return [`| photo | settings | seeds | ${NAMES.join(" | ")} |`, `|${"---|".repeat(NAMES.length + 3)}`, ...lines];
}
