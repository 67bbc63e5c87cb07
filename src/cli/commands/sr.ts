// singan sr PHOTO|MODEL: enlarges a photo with details learnt from its small structures. Trains a model for it, or uses a trained one.

import { existsSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { type Planes, sheet, toRgb8 } from "../../image/planes.ts";
import { encodePng } from "../../image/png.ts";
import { imresizeTo } from "../../image/resample.ts";
import {
  LARGEST_FACTOR,
  SMALLEST_FACTOR,
  srOptions,
  srPath,
  srSize,
} from "../../singan/generation/applications/super-resolution.ts";
import { SinganSampler } from "../../singan/generation/singan-sampler.ts";
import type { Size } from "../../singan/model/config.ts";
import { type Model, singanModel } from "../../singan/model/model.ts";
import { recipeOf, writeModel } from "../../singan/recipes.ts";
import { type Args, type Command, UsageError } from "../args.ts";
import { choice } from "../flag-values.ts";
import { TrainingGpu } from "../gpu.ts";
import { OutputFolder, writingElsewhere } from "../output-folder.ts";
import { trainedPhoto } from "../photo-channels.ts";
import { duration } from "../progress.ts";
import { FileError, MODEL_FILE, modelPath, readBytes, readModelAt, readPhoto, shown } from "../read-files.ts";
import { showResults, sizeText } from "../report.ts";
import { differenceOf, requestOf, type TrainingRequest } from "../request.ts";
import type { Session } from "../session.ts";
import { type KeptPlan, PhotoTrainer, requireSound } from "../training.ts";
import {
  flagName,
  inFlags,
  PRESET_DETAILS,
  PRESET_FLAG,
  readPlanOptions,
  requireTrainable,
  TRAIN_FLAGS,
} from "../training-flags.ts";
import { RESUME_FLAGS, resumptionOf, Unfinished } from "../unfinished.ts";

const SUPER_RESOLUTION = "super-resolution";
/** With fewer scales, the factor between two scales is far from that of an enlargement step. */
const FEWEST_SCALES = 5;
/** The defaults of the training's flags that differ in this command. */
const DEFAULTS = new Map(
  Object.entries({ ...srOptions(LARGEST_FACTOR), scaleFactor: "by --factor" }).map(([field, value]) => [flagName(field), value]),
);
const NOT_HERE = ["recipe", ...recipeOf({ recipe: "sr" }).unused].map(flagName);
const OPTIONS = TRAIN_FLAGS.filter(({ name }) => !NOT_HERE.includes(name)).map((flag) => {
  const value = DEFAULTS.get(flag.name);
  return value === undefined ? flag : { ...flag, help: flag.help.replace(/\(default: .*\)/, `(default: ${value})`) };
});

export const srCommand: Command = {
  name: "sr",
  summary: "enlarge a photo, with details learnt from it",
  words: ["PHOTO|MODEL"],
  details: [
    "Given a PHOTO, it trains a model as the official super-resolution does, writes it, and enlarges with it.\n" +
      "Given that MODEL (.safetensors, or its folder), it enlarges without training, for example by another factor. A model of\n" +
      "singan train works too, but the result is worse.",
    "It enlarges the photo in the size of the training, whose long side is limited by --max-size or the preset (auto: what\n" +
      "this computer can do in reasonable time). The result is FACTOR times that size. Its details are guessed: another seed\n" +
      "makes other details.",
    "The enlargement has several steps, and each adds the detail of the finest scale. Errors of a short training therefore\n" +
      "add up: after 150 iterations (the official training has 2000) the edges are far too hard at factor 4. Smaller factors\n" +
      "suffer less.",
    PRESET_DETAILS,
  ],
  flags: {
    "factor F": `${SMALLEST_FACTOR} to ${LARGEST_FACTOR} (default: 4)`,
    "out DIR": "folder for the results (default: out/NAME-sr, or the model's folder); other files stay",
    "noise random|none": "none: no random noise, so the seed has no effect (default: random)",
    compare: "also write one picture with the photo, its bicubic enlargement and the result in a row",
    ...PRESET_FLAG,
    ...RESUME_FLAGS,
  },
  options: OPTIONS,
  examples: [
    ["singan sr photo.jpg --factor 4", "train, and enlarge four times"],
    ["singan sr out/photo-sr --factor 2", "another factor, without training"],
    ["singan sr photo.jpg --max-size 120 --compare", "from 120 px to 480 px, compared with bicubic interpolation"],
  ],
  run,
};

async function run(args: Args, session: Session): Promise<void> {
  const file = modelPath(args.words[0]!);
  const factor = args.number("factor") ?? 4;
  const fixed = inFlags(() => srOptions(factor));
  const seed = args.seed;
  const noise = choice(args, "noise", ["random", "none"], "random");
  const isModel = extname(file) === ".safetensors";
  const resumption = resumptionOf(args);
  const wanted = readPlanOptions(args, fixed);
  const trained = isModel ? modelToUse(file, args) : null;
  const opaque = async () => ({ picture: await readPhoto(file, session), alpha: null });
  const { photo, plan } = trained ? { photo: null, plan: wanted } : trainedPhoto(file, await opaque(), wanted, "white");
  if (trained) inFlags(() => srPath(trained, factor));
  else requireTrainable(photo!, plan);

  const path = args.text("out") ?? (isModel ? dirname(file) : join("out", `${basename(file, extname(file))}-sr`));
  const [result, comparison] = [`x${factor}.png`, `x${factor}-compare.png`];
  const names = [...(isModel ? [] : [MODEL_FILE]), result, ...(args.has("compare") ? [comparison] : [])];
  const folder = OutputFolder.open(session, path, names, { isLocked: !isModel });
  const gpu = new TrainingGpu(session);
  const { adapterName } = await gpu.keeper.get();

  let model: Model;
  let unfinished: Unfinished<KeptPlan> | null = null;
  let fault: string | null = null;
  if (trained) {
    model = trained;
    if (!recipeOf(model.options).isForEnlargement)
      session.note("the model was not trained for super-resolution: singan sr PHOTO trains one that does it better");
  } else {
    const request = requestOf(readBytes(file, "a picture"), plan);
    const differs = (there: TrainingRequest, made: Model["options"]) => differenceOf(there, made, request, plan, photo!);
    unfinished = await Unfinished.open(session, path, { request, differs, resumption });
    if (!unfinished.found && existsSync(join(path, MODEL_FILE)))
      session.note(`${path} holds a model, which is replaced at the end: singan sr ${path} enlarges with it, without a training`);
    session.note(`${basename(file)}: ${sizeText(photo!)}, on ${adapterName}`);
    const trainer = new PhotoTrainer(gpu, plan, session);
    const training = await trainer.train(photo!, unfinished, (finest) => forewarn(photo!, finest, factor, session));
    session.note(`trained in ${duration(training.seconds)}`);
    model = singanModel(training.model, SUPER_RESOLUTION);
    fault = training.fault;
    if (model.scales.length < FEWEST_SCALES)
      session.note(
        `at ${sizeText(model.photo)} the model has ${model.scales.length} scales, too few to learn a good enlargement: ` +
          "use a larger --max-size",
      );
  }

  const picture = await gpu.keeper.run(async (device) => {
    const sampler = await SinganSampler.load(device, model);
    const made = await sampler.render(srPath(model, factor), { seed, noise });
    await sampler.dispose();
    return made;
  });
  const paths = await writingElsewhere(session, folder, names, async (to) => {
    if (!trained) to.write(MODEL_FILE, writeModel(model));
    to.writePicture(result, picture);
    if (args.has("compare")) to.write(comparison, compare(model.photo, picture));
    return to.commit();
  });
  await unfinished?.clear();
  requireSound(fault, path);

  session.note(`${sizeText(model.photo)} became ${sizeText(picture)}, on ${adapterName}`);
  const facts = { factor, from: sizeText(model.photo), size: sizeText(picture), seed, noise };
  showResults(args, session, paths, { files: paths, ...(trained ? {} : { model: join(path, MODEL_FILE) }), ...facts });
}

/** Notes before the training how large the result will be if the photo is reduced first. */
function forewarn(photo: Size, finest: Size, factor: number, session: Session): void {
  if (photo.width <= finest.width && photo.height <= finest.height) return;
  const result = srSize(finest, factor);
  const isSmaller = result.width <= photo.width && result.height <= photo.height;
  session.note(
    `the photo of ${sizeText(photo)} is first reduced to ${sizeText(finest)}, so the result will have ${sizeText(result)}` +
      `${isSmaller ? ", no more than the photo" : ""}: a larger --max-size keeps more of it`,
  );
}

/** Reads a trained model. Throws UsageError for flags that concern only a training. */
function modelToUse(file: string, args: Args): Model {
  const idle = ["preset", ...Object.keys(RESUME_FLAGS), ...OPTIONS.map(({ name }) => name)].find(
    (name) => name !== "seed" && args.has(name),
  );
  if (idle) throw new UsageError(`--${idle} concerns the training, and ${basename(file)} is already trained`);
  const model = readModelAt(file, SUPER_RESOLUTION);
  const [finished, all] = [model.scales.length, model.sizes.length];
  if (finished < all)
    throw new FileError(
      `${shown(file)}: the training has ${finished} of ${all} scales so far, and an enlargement needs all of them`,
    );
  return model;
}

/** In a row: the photo with its pixels as squares, its bicubic enlargement, the result. */
function compare(photo: Planes, picture: Planes): Uint8Array {
  const { width, height } = picture;
  return encodePng(sheet([[photo, imresizeTo(photo, { width, height }), picture].map(toRgb8)]));
}
