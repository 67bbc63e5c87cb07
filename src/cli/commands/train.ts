// singan train PHOTO…: trains a model of each photo, and writes it with samples, reconstruction, a sheet of all scales and a report.

import { existsSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { type Gpu, GpuError } from "../../gpu/device.ts";
import { flattened } from "../../image/decode.ts";
import { labelledSheet } from "../../image/labels.ts";
import { type Planes, toPlanes, toRgb8 } from "../../image/planes.ts";
import { encodePng } from "../../image/png.ts";
import type { AnyModel, Preview } from "../../singan/model/model.ts";
import { PyramidError } from "../../singan/model/pyramid.ts";
import { openSampler, recipeOf, writeModel } from "../../singan/recipes.ts";
import type { PlanOptions } from "../../singan/training/plan.ts";
import { type Args, type Command, UsageError } from "../args.ts";
import { foldersFor, requestOf, type TrainingRequest, unfinished } from "../finished.ts";
import { openGpu } from "../gpu.ts";
import { OutputFolder } from "../output-folder.ts";
import { duration } from "../progress.ts";
import { FileError, MODEL_FILE, readBytes, readLayer, rewording, shown } from "../read-files.ts";
import { counted, describeScale, sampleName, showResults, sizeText, versions } from "../report.ts";
import type { Session } from "../session.ts";
import {
  inFlags,
  PhotoTrainer,
  PRESET_DETAILS,
  PRESET_FLAG,
  readPlanOptions,
  requireTrainable,
  TRAIN_FLAGS,
  TRAIN_RECIPES,
  type Trained,
} from "../training.ts";

const FILES = {
  model: MODEL_FILE,
  reconstruction: "reconstruction.png",
  scales: "scales.png",
  report: "report.json",
} as const;
const SAMPLES = "samples";
/** Small pictures are enlarged in the sheet, px. */
const SHEET_CELL_WIDTH = 256;
const SAMPLE_NAMES = /^\d{3,}\.png$/;
const MAX_SAMPLES = 10_000;

export const trainCommand: Command = {
  name: "train",
  summary: "train a model of one photo, or of each of several",
  words: ["PHOTO…"],
  details: [
    "PHOTO is a PNG or JPEG. Writes model.safetensors, samples/*.png, reconstruction.png, report.json and\n" +
      "scales.png (each scale's real picture, reconstruction and sample) into DIR, all at the end.",
    "Several photos are trained one after the other, each into a folder of its own in DIR, by its name. One that fails does\n" +
      "not stop the others; the exit code is then 1. Photos that are finished, with the same options, are skipped, so the same\n" +
      "call again goes on where it was interrupted. With --json there is one line per photo, as soon as it is done.",
    PRESET_DETAILS,
  ],
  flags: {
    "out DIR": "folder for the results (default: out/NAME OF THE PHOTO; with several: out)",
    "samples N": "how many samples to make (default: 8)",
    ...PRESET_FLAG,
    "skip-finished": "do nothing where DIR holds this very training (always with several)",
  },
  options: TRAIN_FLAGS,
  examples: [
    ["singan train photo.jpg", "what this computer can do in reasonable time"],
    ["singan train photo.jpg --preset paper --out out/big", "as in the paper: 250 px, 2000 iterations per scale"],
    ["singan train photo.png --max-size 64 --iterations 200", "small and quick"],
    ["singan train photos/*.jpg --out out/all", "each photo into its folder in out/all"],
  ],
  run,
};

/** A photo, and where its results go. */
type Job = Readonly<Record<"file" | "folder", string>>;

interface Wanted {
  readonly plan: PlanOptions;
  readonly samples: number;
  readonly skips: boolean;
}

async function run(args: Args, session: Session): Promise<void> {
  const files = args.words;
  const recipe = args.text("recipe");
  if (recipe !== undefined && inFlags(() => recipeOf({ recipe })).isForEnlargement)
    throw new UsageError(`--recipe ${recipe} is what singan sr PHOTO trains; train knows ${TRAIN_RECIPES.join(" and ")}`);
  const plan = readPlanOptions(args);
  const many = files.length > 1;
  const wanted = { plan, samples: args.whole("samples", 8, 0, MAX_SAMPLES), skips: many || args.has("skip-finished") };
  const out = args.text("out");
  const jobs: Job[] = many
    ? [...foldersFor(files)].map(([file, name]) => ({ file, folder: join(out ?? "out", name) }))
    : [{ file: files[0]!, folder: out ?? join("out", basename(files[0]!, extname(files[0]!))) }];
  for (const { file } of many ? jobs : [])
    if (!existsSync(file)) session.note(`there is no file ${shown(file)}: that photo will fail`);
  // The GPU with the trainer on it, opened when first needed and again after it was lost.
  let opened: Promise<PhotoTrainer> | null = null;
  const trainer = () => (opened ??= openGpu(session).then((gpu) => new PhotoTrainer(gpu, plan, session)));
  const failed: string[] = [];
  for (const [i, job] of jobs.entries()) {
    if (many) session.note(session.bold(`photo ${i + 1}/${jobs.length}: ${job.file}`));
    try {
      const result = await trainPhoto(job, wanted, trainer, session);
      showResults(args, session, result.paths, many ? { photo: job.file, ...result.json } : result.json);
    } catch (error) {
      if (!many || error instanceof UsageError) throw error;
      failed.push(shown(job.file));
      const { message } = error as Error;
      const line = message.includes(job.file) ? message : `${job.file}: ${message}`;
      session.note(`${session.red("singan:")} ${line}`);
      if (args.has("json")) session.result(JSON.stringify({ photo: job.file, error: message }));
      if (error instanceof GpuError) opened = null;
    }
  }
  if (failed.length > 0) throw new Error(`${failed.length} of ${jobs.length} photos failed: ${failed.join(", ")}`);
}

async function trainPhoto({ file, folder: path }: Job, wanted: Wanted, open: () => Promise<PhotoTrainer>, session: Session) {
  const { plan, skips } = wanted;
  const layer = await readLayer(file, session);
  const photo = toPlanes(flattened(layer));
  const request = requestOf(readBytes(file, "a picture"), plan);
  rewording(
    PyramidError,
    (message) => new FileError(`${file}: ${message}`),
    () => requireTrainable(photo, plan),
  );
  if (skips) {
    const why = unfinished(path, request, FILES);
    if (why === null) {
      session.note(`${basename(file)} is finished: ${path}`);
      return { paths: [join(path, FILES.model)], json: { model: join(path, FILES.model), isSkipped: true } };
    }
    if (why !== "not trained yet") session.note(`${path} is trained again: ${why}`);
  }
  const samples = Array.from({ length: wanted.samples }, (_, i) => join(SAMPLES, sampleName(i)));
  const folder = OutputFolder.open(session, path, [...Object.values(FILES), ...samples]);
  try {
    const trainer = await open();
    session.note(`${basename(file)}: ${sizeText(photo)}, on ${trainer.gpu.adapterName}`);
    if (layer.alpha) session.note(`${basename(file)} is transparent in places, which are trained as white`);
    const trained = await trainer.train(photo);
    await write(folder, trainer.gpu, { file, photo, trained, samples, request });
    const paths = folder.commit({ folder: SAMPLES, names: SAMPLE_NAMES });
    const { model, seconds, preset } = trained;
    session.note(`trained ${counted(model.scales.length, "scale")} in ${duration(seconds)}`);
    const named = Object.fromEntries(Object.entries(FILES).map(([key, name]) => [key, join(path, name)]));
    return { paths, json: { ...named, samples: samples.map((name) => join(path, name)), preset, seconds } };
  } catch (error) {
    folder.discard();
    throw error;
  }
}

interface Finished {
  readonly file: string;
  readonly photo: Planes;
  readonly trained: Trained;
  readonly samples: readonly string[];
  readonly request: TrainingRequest;
}

async function write(folder: OutputFolder, gpu: Gpu, { file, photo, trained, samples, request }: Finished): Promise<void> {
  const { model, previews, preset, seconds } = trained;
  folder.write(FILES.model, writeModel(model));
  const sampler = await openSampler(gpu, model);
  const { seed } = model.options;
  for (const [index, name] of samples.entries()) folder.writePicture(name, await sampler.sample({ seed, index }));
  folder.writePicture(FILES.reconstruction, await sampler.reconstruction());
  await sampler.dispose();
  folder.write(FILES.scales, scaleSheet(previews));
  // Last: a folder with a report is finished.
  const facts = { photo: { name: basename(file), size: sizeText(photo) }, preset, seconds, order: request };
  folder.write(FILES.report, `${JSON.stringify({ ...facts, ...report(gpu, model) }, null, 2)}\n`);
}

/** Rows: scales, coarsest first. Columns: real, reconstruction, sample. */
function scaleSheet(previews: readonly Preview[]): Uint8Array {
  const rows = previews.map(({ real, reconstruction, sample }, k) => [
    { picture: toRgb8(real), label: `scale ${k}, photo of ${sizeText(real)}` },
    { picture: toRgb8(reconstruction), label: "reconstruction" },
    { picture: toRgb8(sample), label: "sample" },
  ]);
  return encodePng(labelledSheet(rows, SHEET_CELL_WIDTH));
}

function report(gpu: Gpu, model: AnyModel) {
  const { options, scales } = model;
  return {
    options,
    adapter: { name: gpu.adapterName, isSoftware: gpu.isSoftware },
    versions: versions(),
    ...("scaleFactor" in model && { scaleFactor: model.scaleFactor }),
    scales: scales.map(describeScale),
  };
}
