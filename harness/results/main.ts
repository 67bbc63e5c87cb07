// npm run results: trains on three bundled photos, runs every application, and writes docs/results.md with the pictures.
// Finished trainings in out/results are reused. Flags after `--` are passed to every training, e.g. --max-size 100 --iterations 1000.
// With `--notes` alone, only the notes in the page are replaced by those of docs/results/notes.json.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Labelled, labelledSheet } from "../../src/image/labels.ts";
import { encodePng, readPng } from "../../src/image/png.ts";
import { edited, object, painting, type Subject } from "./inputs.ts";
import { SUBJECTS } from "./subjects.ts";

const WORK = "out/results";
const PICTURES = "docs/results";
const PAGE = "docs/results.md";
/** A description of each picture by somebody who has looked at it. The hash shows whether the picture has changed since then. */
const NOTES = join(PICTURES, "notes.json");

interface Note {
  readonly sha256: string;
  readonly note: string;
}

interface PagePicture {
  readonly file: string;
  readonly command: string;
  readonly seconds: number;
}

const extra = process.argv.slice(2);

/** Runs a command of the program. Throws its last line if it fails. */
function singan(...words: string[]): { readonly command: string; readonly seconds: number; readonly out: string } {
  const command = `singan ${words.join(" ")}`;
  console.error(command);
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, ["dist/cli.js", ...words], {
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) throw new Error(`${command}: ${stderr.trim().split("\n").at(-1)}`);
  return { command, seconds: (performance.now() - start) / 1000, out: stdout };
}

/** Copies a result to the page's pictures. */
function publish({ command, seconds }: ReturnType<typeof singan>, from: string, name: string): PagePicture {
  copyFileSync(from, join(PICTURES, name));
  return { file: name, command, seconds };
}

function sheetOf(files: readonly string[], labels: (index: number) => string, to: string): void {
  const row: Labelled[] = files.map((file, i) => ({ picture: readPng(readFileSync(file)), label: labels(i) }));
  writeFileSync(to, encodePng(labelledSheet([row])));
}

interface Section {
  readonly subject: Subject;
  readonly training: ReturnType<typeof singan> & { readonly trainedSeconds: number; readonly adapter: string };
  readonly figures: Readonly<Record<string, unknown>>;
  readonly pictures: readonly PagePicture[];
}

function section(subject: Subject): Section {
  const { photo } = subject;
  const folder = join(WORK, photo);
  const model = join(folder, "model.safetensors");
  const file = (name: string) => join(folder, name);
  const trained = singan("train", `photos/${photo}.png`, "--out", folder, "--skip-finished", ...subject.training, ...extra);
  const report = JSON.parse(readFileSync(file("report.json"), "utf8")) as { seconds: number; adapter: { name: string } };
  writeFileSync(file("painting.png"), painting(subject));
  writeFileSync(file("edited.png"), edited(subject));
  writeFileSync(file("object.png"), object(subject));

  const pictures: PagePicture[] = [];
  const add = (run: ReturnType<typeof singan>, from: string, name: string) =>
    pictures.push(publish(run, from, `${photo}-${name}`));
  const samples = singan("sample", model, "--out", file("samples5"), "--count", "5", "--seed", "7");
  sheetOf(
    readdirSync(file("samples5"))
      .sort()
      .map((name) => file(join("samples5", name))),
    (i) => `sample ${i}`,
    file("samples.png"),
  );
  add(samples, file("samples.png"), "samples.png");
  add(
    singan("sample", model, "--out", file("wide"), "--count", "1", "--scale", "4x1.5", "--seed", "7"),
    file("wide/000.png"),
    "wide.png",
  );
  add(
    singan("sample", model, "--out", file("scales"), "--count", "3", "--start-scale", "all"),
    file("scales/sheet.png"),
    "start-scales.png",
  );
  add(
    singan("paint", model, file("painting.png"), "--out", file("paint"), "--start-scale", "all"),
    file("paint/sheet.png"),
    "paint.png",
  );
  add(
    singan("edit", model, file("edited.png"), "--out", file("edit"), "--start-scale", "all"),
    file("edit/sheet.png"),
    "edit.png",
  );
  add(
    singan("harmonize", model, file("object.png"), "--out", file("harmonize"), "--start-scale", "all"),
    file("harmonize/sheet.png"),
    "harmonize.png",
  );
  add(
    singan("animate", model, "--out", file("animation"), "--frames", "40", "--loop", "--start-scale", "1"),
    file("animation/animation.gif"),
    "animation.gif",
  );
  const sr = ["--factor", "4", "--compare"];
  add(singan("sr", model, "--out", file("sr-plain"), ...sr), file("sr-plain/x4-compare.png"), "sr-plain.png");
  if (subject.superResolution) {
    const trainedFor = singan("sr", `photos/${photo}.png`, "--out", file("sr"), ...sr, ...subject.superResolution);
    add(trainedFor, file("sr/x4-compare.png"), "sr.png");
  }
  const figures = JSON.parse(singan("eval", model, "--against", `photos/${photo}.png`, "--samples", "20", "--json").out);
  return { subject, training: { ...trained, trainedSeconds: report.seconds, adapter: report.adapter.name }, figures, pictures };
}

const FIGURES = ["swd", "diversity", "nn_fidelity", "nn_coverage", "psnr", "ssim", "frechet_inception64"] as const;
const duration = (seconds: number): string => (seconds < 90 ? `${seconds.toFixed(1)} s` : `${(seconds / 60).toFixed(1)} min`);
const hash = (file: string): string => createHash("sha256").update(readFileSync(file)).digest("hex");

/** The description of a picture, if the picture has not changed since it was written. */
function noteOf(file: string): string {
  const notes: Readonly<Record<string, Note>> = existsSync(NOTES) ? JSON.parse(readFileSync(NOTES, "utf8")) : {};
  const note = notes[file];
  return note && note.sha256 === hash(join(PICTURES, file)) ? note.note : "*(This picture is newer than its description.)*";
}

/** Replaces the notes in a page by the current ones. */
const withCurrentNotes = (text: string): string =>
  text.replace(
    /(!\[([^\]]+)\]\([^)]*\)\n\n`[^`]*`: [\d.]+ (?:s|min)\. ).*/g,
    (_, before: string, file: string) => before + noteOf(file),
  );

function page(sections: readonly Section[]): string {
  const cells = (row: readonly string[]) => `| ${row.join(" | ")} |`;
  const figures = sections.map(({ subject, figures: f }) => [
    subject.photo,
    ...FIGURES.map((name) => (typeof f[name] === "number" ? (f[name] as number).toFixed(name === "psnr" ? 1 : 4) : "–")),
  ]);
  return [
    "# Results",
    "",
    "`npm run results` makes this page. The trainings are small on purpose: a computer without a GPU makes every picture within minutes. Below each",
    "picture are the command that made it, the time of one run (other programs may have run meanwhile), and a description by somebody who looked at it.",
    `Adapter: ${[...new Set(sections.map((s) => s.training.adapter))].join(", ")}.`,
    "",
    "The figures compare 20 samples (seed 0) with the photo. `singan eval -h` explains them.",
    "",
    cells(["photo", ...FIGURES]),
    cells(["---", ...FIGURES.map(() => "---")]),
    ...figures.map(cells),
    ...sections.flatMap(({ subject, training, pictures }) => [
      "",
      `## ${subject.photo}`,
      "",
      `\`${training.command}\`: ${duration(training.trainedSeconds)}`,
      ...pictures.flatMap(({ file, command, seconds }) => [
        "",
        `![${file}](results/${file})`,
        "",
        `\`${command}\`: ${duration(seconds)}. ${noteOf(file)}`,
      ]),
    ]),
    "",
    sideBySide(),
  ].join("\n");
}

/** The page's last section, which others make: bench/readme.mjs its table, npm run quality its pictures. */
function sideBySide(): string {
  const text = readFileSync(PAGE, "utf8");
  return text.slice(text.indexOf("## Side by side"));
}

if (extra[0] === "--notes") writeFileSync(PAGE, withCurrentNotes(readFileSync(PAGE, "utf8")));
else {
  mkdirSync(WORK, { recursive: true });
  mkdirSync(PICTURES, { recursive: true });
  writeFileSync(PAGE, page(SUBJECTS.map(section)));
}
console.log(PAGE);
