// Makes and measures the pictures that npm run quality compares, and writes their table and sheets.

import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { labelledSheet } from "../../src/image/labels.ts";
import { encodePng, readPng } from "../../src/image/png.ts";
import { meanAndDeviation } from "../../src/metrics/picture.ts";

/** Flags of `singan train` by name; null is the official code's method in PyTorch (bench/peers/official.py). docs/adr/0014 has figures. */
export const SETTINGS: Readonly<Record<string, readonly string[] | null>> = {
  pytorch: null,
  official: ["--average-over", "0", "--alpha-share", "1", "--g-step", "replay", "--statistics", "running"],
  redrawn: ["--average-over", "0.07", "--alpha-share", "0.3"],
  freer: ["--average-over", "0.07", "--alpha-share", "0.1"],
  noisier: ["--average-over", "0.07", "--alpha-share", "0.3", "--noise-amp", "0.2"],
  fixed: ["--average-over", "0.07", "--z-star", "fixed"],
};
/** A version of this program by its commit: its defaults. */
const isCommit = (settings: string): boolean => /^[0-9a-f]{7,40}$/.test(settings);
/** Instant pictures, with these patches and this coarsest side, or the defaults. */
const INSTANT = /^instant(?:-(\d+)-(\d+))?$/;
/** Instant pictures that are injected into the model of `redrawn` at this scale. */
const INJECTED = /^injected-(\d+)$/;

export const isKnown = (settings: string): boolean =>
  Object.hasOwn(SETTINGS, settings) || isCommit(settings) || INSTANT.test(settings) || INJECTED.test(settings);

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
/** Instant pictures have no reconstruction, and so no `psnr` and `ssim`. */
export type Row = Training & { readonly budget: string; readonly adapter: string } & Readonly<Partial<Record<Figure, number>>>;

/** Where pictures were made, and the flags that tell `singan eval` what to compare them with. */
interface Made {
  readonly adapter: string;
  readonly against: readonly string[];
}

/** Runs a program and returns its output. Throws its last line where it fails. */
function run(program: string, ...words: string[]): string {
  console.error(`${basename(program)} ${words.join(" ")}`);
  const { status, stdout, stderr } = spawnSync(program, words, { encoding: "utf8", maxBuffer: 2 ** 26 });
  if (status !== 0) throw new Error(`${words.join(" ")}: ${stderr?.trim().split("\n").at(-1) ?? "it could not be started"}`);
  return stdout;
}
const singan = (...words: string[]): string => run(process.execPath, "dist/cli.js", ...words);

/** The program of a commit, which is built with the packages of that time where it is not there yet. */
function programOf(commit: string, work: string): string {
  const folder = join(work, "versions", commit);
  const program = join(folder, "dist/cli.js");
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  run("sh", "-c", `git archive ${commit} | tar x --exclude=biome.json -C '${folder}'`);
  run("sh", "-c", `cd '${folder}' && npm ci --ignore-scripts && node build.mjs`);
  return program;
}

/** With PyTorch, NumPy and Pillow. */
const PYTHON = process.env["PYTHON"] ?? "python3";
const PYTORCH = "PyTorch, one CPU thread";

export const stem = (file: string): string => basename(file, extname(file));

const isSame = (a: Training, b: Training): boolean =>
  stem(a.photo) === stem(b.photo) && a.settings === b.settings && a.seed === b.seed;

const MODEL = "model.safetensors";
/** Samples of each model, where the budget does not say. */
const SAMPLES = "20";

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

  /** A flag's value in the budget. */
  #flag(name: string): string | undefined {
    const at = this.budget.indexOf(name);
    return at < 0 ? undefined : this.budget[at + 1];
  }

  /** The figures of the samples of a model, or of instant pictures. What is not there yet is made. */
  measured(training: Training): Row {
    const budget = this.budget.join(" ");
    const known = this.known.find((row) => row.budget === budget && isSame(row, training));
    if (known) return known;
    const folder = this.#folder(training);
    const file = join(folder, "figures.json");
    if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8")) as Row;
    mkdirSync(folder, { recursive: true });
    const { adapter, against } = this.#make(training, folder);
    const found = JSON.parse(singan("eval", folder, ...against, "--json")) as Partial<Record<Figure, number>>;
    const figures = Object.fromEntries(NAMES.map((name) => [name, found[name]])) as Partial<Record<Figure, number>>;
    const row = { ...training, photo: stem(training.photo), budget, adapter, ...figures };
    writeFileSync(`${file}.new`, `${JSON.stringify(row)}\n`);
    renameSync(`${file}.new`, file);
    return row;
  }

  #make(training: Training, folder: string): Made {
    const instant = INSTANT.exec(training.settings);
    if (instant) return this.#makeInstant(training, folder, instant);
    const injected = INJECTED.exec(training.settings);
    return injected ? this.#inject(training, folder, injected[1]!) : this.#train(training, folder);
  }

  #makeInstant({ photo, seed }: Training, folder: string, [, patch, coarsest]: RegExpExecArray): Made {
    const size = this.#flag("--max-size");
    const words = [
      ...["--count", this.#flag("--samples") ?? SAMPLES, "--seed", String(1000 * seed)],
      ...(size ? ["--max-size", size] : []),
      ...(patch && coarsest ? ["--patch", patch, "--coarsest", coarsest] : []),
    ];
    const made = singan("instant", photo, "--out", join(folder, "samples"), ...words, "--json");
    const { adapter } = JSON.parse(made) as { adapter: string };
    return { adapter, against: ["--against", photo] };
  }

  #inject({ photo, seed }: Training, folder: string, scale: string): Made {
    const [model, instant] = ["redrawn", "instant"].map((settings) => ({ photo, settings, seed }));
    const { adapter } = this.measured(model!);
    this.measured(instant!);
    const pictures = join(this.#folder(instant!), "samples");
    const samples = join(folder, "samples");
    mkdirSync(samples, { recursive: true });
    for (const name of readdirSync(pictures).filter((one) => /^\d+\.png$/.test(one))) {
      const painted = join(folder, "painted");
      const words = ["--start-scale", scale, "--seed", String(Number.parseInt(name, 10)), "--out", painted];
      singan("paint", this.#folder(model!), join(pictures, name), ...words);
      copyFileSync(join(painted, name.replace(".png", `-scale${scale}.png`)), join(samples, name));
    }
    copyFileSync(join(this.#folder(model!), MODEL), join(folder, MODEL)); // has the photo to compare with
    return { adapter, against: [] };
  }

  #train({ photo, settings, seed }: Training, folder: string): Made {
    const flags = isCommit(settings) ? [] : SETTINGS[settings]!;
    const samples = this.#flag("--samples") ? [] : ["--samples", SAMPLES];
    const words = [...this.budget, "--seed", String(seed), ...samples];
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
        picture: readPng(readFileSync(join(samples, name))),
        label: i === 0 ? `${training.settings} ${training.seed}`.toUpperCase() : "",
      }));
    });
    writeFileSync(to, encodePng(labelledSheet(rows)));
  }
}

/** Mean and standard deviation (n−1), or the one value. */
function cell(values: readonly number[], digits: number): string {
  if (values.length === 0) return "–";
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
        group.flatMap((row) => row[figure] ?? []),
        FIGURES[figure],
      ),
    );
    return `| ${name} | ${group.length} | ${cells.join(" | ")} |`;
  });
  return [`| photo | settings | seeds | ${NAMES.join(" | ")} |`, `|${"---|".repeat(NAMES.length + 3)}`, ...lines];
}
