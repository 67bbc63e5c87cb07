// singan sr PHOTO|MODEL: enlarges a photo by what its own small structures teach; trains for it first, or takes a model that was.

import { basename, dirname, extname, join } from "node:path";
import { type Planes, sheet, toPlanes, toRgb8 } from "../../image/planes.ts";
import { encodePng } from "../../image/png.ts";
import { imresizeTo } from "../../image/resample.ts";
import {
  LARGEST_FACTOR,
  SMALLEST_FACTOR,
  srOptions,
  srPath,
  srSize,
} from "../../singan/generation/applications/super-resolution.ts";
import { Sampler } from "../../singan/generation/singan-sampler.ts";
import { type Size, UNUSED } from "../../singan/model/config.ts";
import { type Model, singanModel } from "../../singan/model/model.ts";
import { writeModel } from "../../singan/model/model-file.ts";
import { type Args, type Command, UsageError } from "../args.ts";
import { openGpu } from "../gpu.ts";
import { OutputFolder } from "../output-folder.ts";
import { duration } from "../progress.ts";
import { MODEL_FILE, modelPath, readModelAt, readPhoto } from "../read-files.ts";
import type { Session } from "../session.ts";
import { sizeText } from "../sizes.ts";
import { flagName, inFlags, TRAIN_FLAGS } from "../train-options.ts";
import { PRESET_DETAILS, PRESET_FLAG, readAsked, requireTrainable, Trainer } from "../training.ts";

const SUPER_RESOLUTION = "super-resolution";
/** With fewer, a scale differs from the next by far more, or far less, than a step of the enlargement. */
const FEWEST_SCALES = 5;
/** The training's flags, with the defaults that they have here. */
const DEFAULTS = new Map(
  Object.entries({ ...srOptions(LARGEST_FACTOR), scaleFactor: "by --factor" }).map(([field, value]) => [flagName(field), value]),
);
const NOT_HERE = ["recipe", ...UNUSED.sr].map(flagName);
const OPTIONS = TRAIN_FLAGS.filter(({ name }) => !NOT_HERE.includes(name)).map((flag) => {
  const value = DEFAULTS.get(flag.name);
  return value === undefined ? flag : { ...flag, help: flag.help.replace(/\(default: .*\)/, `(default: ${value})`) };
});

export const srCommand: Command = {
  name: "sr",
  summary: "enlarge a photo, with details learnt from it",
  words: ["PHOTO|MODEL"],
  details: [
    "Of a PHOTO (PNG or JPEG) it trains a model as the official super-resolution does, writes it, and enlarges with it.\n" +
      "Given that MODEL (.safetensors, or its folder) instead, it needs no training: for another factor, say.\n" +
      "One of singan train will do, less well.",
    "What is enlarged is the photo as trained, its long side limited by --max-size or the preset: auto takes what this\n" +
      "computer can do in reasonable time. The result is FACTOR times that, with details guessed: another seed, others.",
    "What the finest scale adds is added in each of several steps, so a short training shows: after 150 iterations edges\n" +
      "are far too hard at 4 times, where the official training takes 2000. Smaller factors forgive more.",
    PRESET_DETAILS,
  ],
  groups: [
    {
      title: "Flags",
      flags: [
        { name: "factor", value: "F", isNumber: true, help: `${SMALLEST_FACTOR} to ${LARGEST_FACTOR} (default: 4)` },
        { name: "out", value: "DIR", help: "folder for the results (default: out/NAME-sr, or the model's); other files stay" },
        {
          name: "noise",
          value: "random|none",
          help: "none leaves nothing to chance: the seed changes nothing (default: random)",
        },
        { name: "compare", help: "also a picture of photo, bicubic enlargement and result, side by side" },
        PRESET_FLAG,
      ],
    },
    { title: "Options", flags: OPTIONS },
  ],
  examples: [
    ["singan sr photo.jpg --factor 4", "train, and enlarge four times"],
    ["singan sr out/photo-sr --factor 2", "another factor, without training"],
    ["singan sr photo.jpg --max-size 120 --compare", "of 120 pixels 480, beside bicubic interpolation"],
  ],
  run,
};

async function run(args: Args, session: Session): Promise<void> {
  const file = modelPath(args.words[0]!);
  const factor = args.number("factor") ?? 4;
  const fixed = inFlags(() => srOptions(factor));
  const seed = args.whole("seed", 0, 0, 2 ** 32 - 1);
  const noise = args.text("noise") ?? "random";
  if (noise !== "random" && noise !== "none")
    throw new UsageError(`--noise must be random or none, not ${JSON.stringify(noise)}`);
  const isModel = extname(file) === ".safetensors";
  const asked = readAsked(args, fixed);
  const trained = isModel ? modelToUse(file, args) : null;
  const photo = trained ? null : toPlanes(readPhoto(file));
  if (trained) inFlags(() => srPath(trained, factor));
  else requireTrainable(photo!, asked);

  const path = args.text("out") ?? (isModel ? dirname(file) : join("out", `${basename(file, extname(file))}-sr`));
  const result = `x${factor}.png`;
  const comparison = `x${factor}-compare.png`;
  const folder = OutputFolder.open(path, [
    ...(isModel ? [] : [MODEL_FILE]),
    result,
    ...(args.has("compare") ? [comparison] : []),
  ]);
  session.onExit(() => folder.discard());
  const gpu = await openGpu(session);

  let model: Model;
  if (trained) {
    model = trained;
    if (model.options.recipe !== "sr")
      session.note("the model was not trained for super-resolution: singan sr PHOTO trains one, which does better");
  } else {
    session.note(`${basename(file)}: ${sizeText(photo!)}, on ${gpu.adapterName}`);
    const training = await new Trainer(gpu, asked, session).train(photo!, (finest) => forewarn(photo!, finest, factor, session));
    session.note(`trained in ${duration(training.seconds)}`);
    model = singanModel(training.model, SUPER_RESOLUTION);
    folder.write(MODEL_FILE, writeModel(model));
    if (model.scales.length < FEWEST_SCALES)
      session.note(
        `at ${sizeText(model.photo)} there are ${model.scales.length} scales to learn enlarging from, too few for a good picture: ` +
          "take a larger --max-size",
      );
  }

  const sampler = await Sampler.load(gpu, model);
  const picture = await sampler.draw(srPath(model, factor), { seed, noise });
  await sampler.dispose();
  folder.write(result, png(picture));
  if (args.has("compare")) folder.write(comparison, compare(model.photo, picture));
  const paths = folder.commit();

  session.note(`${sizeText(model.photo)} became ${sizeText(picture)}, on ${gpu.adapterName}`);
  if (args.has("json")) {
    const facts = { factor, from: sizeText(model.photo), size: sizeText(picture), seed, noise };
    session.result(JSON.stringify({ files: paths, ...(trained ? {} : { model: join(path, MODEL_FILE) }), ...facts }));
  } else for (const name of paths) session.result(name);
}

/** Says before a training what size to expect, for the photo may be reduced first. */
function forewarn(photo: Size, finest: Size, factor: number, session: Session): void {
  if (photo.width <= finest.width && photo.height <= finest.height) return;
  const result = srSize(finest, factor);
  const isSmaller = result.width <= photo.width && result.height <= photo.height;
  session.note(
    `the photo of ${sizeText(photo)} is first reduced to ${sizeText(finest)}, so the result will have ${sizeText(result)}` +
      `${isSmaller ? ", no more than the photo" : ""}: a larger --max-size keeps more of it`,
  );
}

/** Throws UsageError for flags that only a training heeds. */
function modelToUse(file: string, args: Args): Model {
  const idle = [PRESET_FLAG, ...OPTIONS].find(({ name }) => name !== "seed" && args.has(name));
  if (idle) throw new UsageError(`--${idle.name} is about training, and ${basename(file)} is trained already`);
  return readModelAt(file, SUPER_RESOLUTION);
}

const png = (picture: Planes): Uint8Array => encodePng(toRgb8(picture));

/** Photo with its pixels as squares, bicubic, result. */
function compare(photo: Planes, picture: Planes): Uint8Array {
  const { width, height } = picture;
  return encodePng(sheet([[photo, imresizeTo(photo, { width, height }), picture].map(toRgb8)]));
}
