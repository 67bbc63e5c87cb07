// singan info MODEL: shows what is in a model file. Needs no GPU.

import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { AnyModel } from "../../singan/model/model.ts";
import { openCheckpoints, recipeOf } from "../../singan/recipes.ts";
import { CheckpointError } from "../../singan/training/checkpoint.ts";
import type { Args, Command } from "../args.ts";
import { checkpointFiles, checkpointFolder } from "../checkpoint-folder.ts";
import { duration } from "../progress.ts";
import { FileError, isDirectory, MODEL_FILE, modelPath, readAnyModelAt, shown } from "../read-files.ts";
import { describeScale, sizeText, table } from "../report.ts";
import type { Session } from "../session.ts";
import { asFlags } from "../training-flags.ts";

export const infoCommand: Command = {
  name: "info",
  summary: "show what is in a model file",
  words: ["MODEL"],
  details: ["MODEL is a .safetensors file, or the folder of a training, finished or not."],
  flags: {},
  examples: [
    ["singan info out/photo", "shows scales, sizes, losses and options"],
    ["singan info out/photo --json", "prints the same as JSON"],
  ],
  run,
};

async function run(args: Args, session: Session): Promise<void> {
  const [folder] = args.words as [string];
  const unfinished = await unfinishedIn(folder);
  if (unfinished && unfinished.model.scales.length === 0 && !existsSync(join(folder, MODEL_FILE))) {
    const { at, text, model } = unfinished;
    if (args.has("json")) session.result(JSON.stringify({ unfinished: at, options: model.options }));
    else session.result(`${text}\n\nits settings: ${commandOf(model)}`);
    return;
  }
  const file = modelPath(args.words[0]!);
  const model = readAnyModelAt(file);
  const { options, sizes, scales, photo } = model;
  const bytes = statSync(file).size;
  const seconds = scales.reduce((sum, scale) => sum + scale.seconds, 0);
  const size = `${photo.width}x${photo.height}`;
  if (args.has("json")) {
    session.result(
      JSON.stringify({
        file,
        bytes,
        size,
        ...("scaleFactor" in model && { scaleFactor: model.scaleFactor }),
        wantedScales: sizes.length,
        scales: scales.map(describeScale),
        seconds,
        options,
        ...(unfinished && { unfinished: unfinished.at }),
      }),
    );
    return;
  }
  const isWhole = scales.length === sizes.length;
  const trained = isWhole ? `${sizes.length} scales` : `${scales.length} of ${sizes.length} scales`;
  const largest = isWhole ? size : `${sizeText(scales.at(-1)!.size)} (of ${size})`;
  session.result(
    `${file}: ${bytes < 1e6 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`}, ${trained} up to ${largest}, trained in ${duration(seconds)}${KINDS[options.imageChannels] ?? ""}`,
  );
  session.result("");
  const head = ["scale", "size", "channels", "noise", "reconstruction", "D real", "D fake", "penalty", "time"];
  const rows = scales.map(({ size: s, channels, noiseAmp, losses: l, seconds: took }, k) => [
    String(k),
    `${s.width}x${s.height}`,
    String(channels),
    noiseAmp.toFixed(4),
    ...[l.reconstruction, l.dReal, l.dFake, l.gradientPenalty].map((loss) => loss.toFixed(4)),
    duration(took),
  ]);
  for (const line of table([head, ...rows])) session.result(line);
  session.result("");
  session.result(`its settings: ${commandOf(model)}`);
  if (unfinished) session.result(unfinished.text);
}

/** What is said of models whose pictures have other channels than colours. */
const KINDS: Readonly<Record<number, string>> = { 1: ", grey", 4: ", with transparency" };

/** The command that trains such a model. */
const commandOf = ({ options }: AnyModel): string =>
  `singan ${recipeOf(options).isForEnlargement ? "sr" : "train"} PHOTO ${asFlags(options)}${options.imageChannels === 4 ? " --alpha channel" : ""}`;

/** How far the unfinished training in a folder is; null where there is none. */
async function unfinishedIn(folder: string) {
  if (!isDirectory(folder) || checkpointFiles(folder).length === 0) return null;
  const { found } = await openCheckpoints(checkpointFolder(folder), () => {}).catch((error: unknown) => {
    if (!(error instanceof CheckpointError)) throw error;
    throw new FileError(`the checkpoints in ${shown(folder)} can't be used (${error.message})`);
  });
  if (!found) return null;
  const { level: scale, trainer, model } = found.state;
  const at = { scale, scales: model.sizes.length, iteration: trainer?.iteration ?? 0, iterations: model.options.iterations };
  const place =
    scale === at.scales ? "its end" : `scale ${scale} of 0-${at.scales - 1}, iteration ${at.iteration} of ${at.iterations}`;
  return { model, at, text: `unfinished: the training in ${folder} is at ${place}` };
}
