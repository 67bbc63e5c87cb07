// singan train PHOTO…: trains a model of each photo, and writes it with samples, reconstruction, a sheet of all scales and a report.

import { existsSync } from "node:fs";
import { basename, extname, join } from "node:path";
import type { Gpu } from "../../gpu/device.ts";
import type { Planes } from "../../image/planes.ts";
import { DEFAULTS } from "../../singan/model/config.ts";
import type { AnyModel } from "../../singan/model/model.ts";
import { PyramidError } from "../../singan/model/pyramid.ts";
import { openSampler, readModel, recipeOf, writeModel } from "../../singan/recipes.ts";
import type { PlanOptions } from "../../singan/training/plan.ts";
import { type Args, type Command, UsageError } from "../args.ts";
import { checkpointFiles } from "../checkpoint-folder.ts";
import { type Finished, finishedIn, foldersFor } from "../finished.ts";
import { choice } from "../flag-values.ts";
import { TrainingGpu } from "../gpu.ts";
import { showInstant } from "../instant.ts";
import { OutputFolder, writingElsewhere } from "../output-folder.ts";
import { ALPHAS, type Alpha, trainedPhoto } from "../photo-channels.ts";
import { duration } from "../progress.ts";
import { FileError, MODEL_FILE, readBytes, readLayer, rewording, shown } from "../read-files.ts";
import { counted, describeScale, sampleName, showResults, sizeText, versions } from "../report.ts";
import { differenceOf, requestOf, sha256Of, type TrainingRequest } from "../request.ts";
import { previewsOf, scaleSheet } from "../scale-sheet.ts";
import type { Session } from "../session.ts";
import { type KeptPlan, PhotoTrainer, requireSound } from "../training.ts";
import {
  inFlags,
  PRESET_DETAILS,
  PRESET_FLAG,
  readPlanOptions,
  requireTrainable,
  TRAIN_FLAGS,
  TRAIN_RECIPES,
} from "../training-flags.ts";
import { RESUME_FLAGS, type Resumption, resumptionOf, Unfinished, type UnfinishedOptions } from "../unfinished.ts";

const FILES = {
  model: MODEL_FILE,
  reconstruction: "reconstruction.png",
  scales: "scales.png",
  report: "report.json",
} as const;
const SAMPLES = "samples";
const SAMPLE_NAMES = /^\d{3,}\.png$/;
const MAX_SAMPLES = 10_000;

export const trainCommand: Command = {
  name: "train",
  summary: "train a model of one photo, or of each of several",
  words: ["PHOTO…"],
  details: [
    "PHOTO is a PNG, JPEG, WebP, AVIF, GIF, TIFF, BMP or ICO. Writes model.safetensors, samples/*.png,\n" +
      "reconstruction.png, report.json and scales.png (each scale's real picture, reconstruction and sample) into DIR, all\n" +
      "at the end.",
    "Several photos are trained one after the other, each into a folder of its own in DIR, by its name. One that fails does\n" +
      "not stop the others; the exit code is then 1. Photos that are finished, with the same options, are skipped, so the same\n" +
      "call again goes on where it was interrupted. With --json there is one line per photo, as soon as it is done.",
    "A grey photo is trained as grey. Where a photo is transparent it is trained on white; --alpha ignore takes the colours\n" +
      "below instead, and --alpha channel trains the transparency, too, which samples then have.",
    "The training's state is kept in DIR every 30 seconds, after each scale and when it is interrupted (the two files\n" +
      "checkpoint-*.safetensors). The same command goes on with it, to the same result; singan sample and info can use it.",
    PRESET_DETAILS,
  ],
  flags: {
    "out DIR": "folder for the results (default: out/NAME OF THE PHOTO; with several: out)",
    instant: "first write instant pictures (see singan instant) to DIR/instant, within seconds",
    "samples N": "how many samples to make (default: 8)",
    [`alpha ${ALPHAS.join("|")}`]: "what becomes of transparency (default: white)",
    half: "store the weights with 16 bits: half the file, samples differ by a level of 255 or so",
    ...PRESET_FLAG,
    ...RESUME_FLAGS,
    "skip-finished": "do nothing where DIR holds this very training (always with several)",
  },
  options: TRAIN_FLAGS,
  examples: [
    ["singan train photo.jpg", "what this computer can do in reasonable time"],
    ["singan train photo.jpg --preset full --out out/big", "at the paper's size: 250 px, 2000 iterations per scale"],
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
  readonly showsInstant: boolean;
  readonly half: boolean;
  readonly alpha: Alpha;
  readonly skips: boolean;
  readonly resumption: Resumption;
}

async function run(args: Args, session: Session): Promise<void> {
  const files = args.words;
  const recipe = args.text("recipe");
  if (recipe !== undefined && inFlags(() => recipeOf({ recipe })).isForEnlargement)
    throw new UsageError(`--recipe ${recipe} is what singan sr PHOTO trains; train knows ${TRAIN_RECIPES.join(" and ")}`);
  const plan = readPlanOptions(args);
  const many = files.length > 1;
  const wanted: Wanted = {
    ...{ plan, samples: args.whole("samples", 8, 0, MAX_SAMPLES), skips: many || args.has("skip-finished") },
    ...{ resumption: resumptionOf(args), showsInstant: args.has("instant"), half: args.has("half") },
    alpha: choice(args, "alpha", ALPHAS, "white"),
  };
  const out = args.text("out");
  const jobs: Job[] = many
    ? [...foldersFor(files)].map(([file, name]) => ({ file, folder: join(out ?? "out", name) }))
    : [{ file: files[0]!, folder: out ?? join("out", basename(files[0]!, extname(files[0]!))) }];
  for (const { file } of many ? jobs : [])
    if (!existsSync(file)) session.note(`there is no file ${shown(file)}: that photo will fail`);
  let opened: PhotoTrainer | null = null;
  const trainer = () => (opened ??= new PhotoTrainer(new TrainingGpu(session), plan, session));
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
    }
  }
  if (failed.length > 0) throw new Error(`${failed.length} of ${jobs.length} photos failed: ${failed.join(", ")}`);
}

async function trainPhoto({ file, folder: path }: Job, wanted: Wanted, trainer: () => PhotoTrainer, session: Session) {
  const { skips, resumption, showsInstant, half } = wanted;
  const layer = await readLayer(file, session);
  const { photo, plan, alpha } = trainedPhoto(file, layer, wanted.plan, wanted.alpha);
  const request = requestOf(readBytes(file, "a picture"), plan, alpha);
  rewording(
    PyramidError,
    (message) => new FileError(`${file}: ${message}`),
    () => requireTrainable(photo, plan),
  );
  const samples = Array.from({ length: wanted.samples }, (_, i) => join(SAMPLES, sampleName(i)));
  const names = [...Object.values(FILES), ...samples];
  const differs = (there: TrainingRequest, made: AnyModel["options"]) => differenceOf(there, made, request, plan, photo);
  const there = finishedIn(path, FILES, names, differs);
  if (skips && there?.kind === "finished") {
    session.note(`${basename(file)} is finished: ${path}`);
    await removeCheckpoints(session, path, { request, differs, resumption });
    requireSound(there.fault, path);
    return { paths: [join(path, FILES.model)], json: { model: join(path, FILES.model), isSkipped: true } };
  }
  if (checkpointFiles(path).length === 0) noteReplaced(there, path, skips, session);
  const folder = OutputFolder.open(session, path, names, { isLocked: true });
  try {
    const isTrained = skips && there?.kind === "incomplete";
    const unfinished = isTrained ? null : await Unfinished.open<KeptPlan>(session, path, { request, differs, resumption });
    const { gpu } = trainer();
    const { adapterName } = await gpu.keeper.get();
    session.note(`${basename(file)}: ${sizeText(photo)}, on ${adapterName}`);
    if (layer.alpha && alpha === "white") session.note(`${basename(file)} is transparent in places, which are trained as white`);
    if (showsInstant && !isTrained && !unfinished?.found) {
      const { seed = DEFAULTS.seed } = plan.options;
      await gpu.keeper.run((device) => showInstant(photo, join(path, "instant"), seed, session, device));
    }
    let finished: Finished;
    if (isTrained) {
      session.note(`${path} is finished, but lacks ${there.missing}: what is missing is made from its model`);
      finished = there;
    } else {
      finished = await trainer().train(photo, unfinished!);
      session.note(`trained ${counted(finished.model.scales.length, "scale")} in ${duration(finished.seconds)}`);
    }
    const results = { file, photo, finished, samples, request, half };
    const paths = await writingElsewhere(session, folder, names, async (to) => {
      await gpu.keeper.run((device) => write(to, device, results));
      return to.commit({ stale: { folder: SAMPLES, names: SAMPLE_NAMES }, seal: FILES.report });
    });
    await unfinished?.clear();
    const { preset, seconds, fault } = finished;
    requireSound(fault, path);
    const named = Object.fromEntries(Object.entries(FILES).map(([key, name]) => [key, join(path, name)]));
    return { paths, json: { ...named, samples: samples.map((name) => join(path, name)), preset, seconds } };
  } finally {
    folder.discard();
  }
}

/** Says what becomes of the results that are in the folder already. */
function noteReplaced(there: ReturnType<typeof finishedIn>, path: string, skips: boolean, session: Session): void {
  if (skips && there?.kind === "other") session.note(`${path} is trained again: ${there.why}`);
  if (skips || !there) return;
  const why = there.kind === "other" ? there.why : "it holds this very training, finished (--skip-finished would keep it)";
  session.note(`${path} is replaced at the end: ${why}`);
}

/** A run that is killed right after its results are written leaves its checkpoints. */
async function removeCheckpoints(session: Session, path: string, options: UnfinishedOptions): Promise<void> {
  if (checkpointFiles(path).length === 0) return;
  let folder: OutputFolder | null = null;
  try {
    folder = OutputFolder.open(session, path, [], { isLocked: true });
    await (await Unfinished.open(session, path, options)).clear();
  } catch (error) {
    if (!(error instanceof FileError)) throw error; // they are another training's
  } finally {
    folder?.discard();
  }
}

interface Results {
  readonly file: string;
  readonly photo: Planes;
  readonly finished: Finished;
  readonly samples: readonly string[];
  readonly request: TrainingRequest;
  readonly half: boolean;
}

async function write(folder: OutputFolder, gpu: Gpu, { file, photo, finished, samples, request, half }: Results): Promise<void> {
  const { preset, seconds, fault } = finished;
  const bytes = writeModel(finished.model, { half });
  const model = half ? readModel(bytes) : finished.model;
  folder.write(FILES.model, bytes);
  const sampler = await openSampler(gpu, model);
  const { seed } = model.options;
  for (const [index, name] of samples.entries()) folder.writePicture(name, await sampler.sample({ seed, index }));
  folder.writePicture(FILES.reconstruction, await sampler.reconstruction());
  await sampler.dispose();
  const previews = finished.previews ?? (await previewsOf(gpu, model));
  if (previews) folder.write(FILES.scales, scaleSheet(previews));
  // Last: a folder with a report is finished.
  const facts = {
    photo: { name: basename(file), size: sizeText(photo) },
    preset,
    seconds,
    request,
    modelSha256: sha256Of(bytes),
    fault,
  };
  folder.write(FILES.report, `${JSON.stringify({ ...facts, ...report(gpu, model) }, null, 2)}\n`);
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
