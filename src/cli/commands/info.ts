// singan info MODEL: shows what is in a model file. Needs no GPU.

import { statSync } from "node:fs";
import { openCheckpoints, recipeOf } from "../../singan/recipes.ts";
import type { Args, Command } from "../args.ts";
import { checkpointFiles, checkpointFolder } from "../checkpoint-folder.ts";
import { duration } from "../progress.ts";
import { isDirectory, modelPath, readAnyModelAt } from "../read-files.ts";
import { describeScale, table } from "../report.ts";
import type { Session } from "../session.ts";
import { asFlags } from "../training-flags.ts";

export const infoCommand: Command = {
  name: "info",
  summary: "show what is in a model file",
  words: ["MODEL"],
  flags: {},
  examples: [
    ["singan info out/photo", "shows scales, sizes, losses and options"],
    ["singan info out/photo --json", "prints the same as JSON"],
  ],
  run,
};

async function run(args: Args, session: Session): Promise<void> {
  const unfinished = await unfinishedIn(args.words[0]!);
  if (unfinished && unfinished.model.scales.length === 0) {
    if (args.has("json")) session.result(JSON.stringify({ unfinished: unfinished.at }));
    else session.result(unfinished.text);
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
  const trained = scales.length === sizes.length ? `${sizes.length} scales` : `${scales.length} of ${sizes.length} scales`;
  session.result(
    `${file}: ${bytes < 1e6 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`}, ${trained} up to ${size}, trained in ${duration(seconds)}`,
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
  session.result(`singan ${recipeOf(options).isForEnlargement ? "sr" : "train"} PHOTO ${asFlags(options)}`);
  if (unfinished) session.result(unfinished.text);
}

/** How far the unfinished training in a folder is; null where there is none. */
async function unfinishedIn(folder: string) {
  if (!isDirectory(folder) || checkpointFiles(folder).length === 0) return null;
  const { found } = await openCheckpoints(checkpointFolder(folder), () => {});
  if (!found) return null;
  const { level: scale, trainer, model } = found.state;
  const at = { scale, scales: model.sizes.length, iteration: trainer?.iteration ?? 0, iterations: model.options.iterations };
  const place =
    scale === at.scales ? "its end" : `scale ${scale} of 0-${at.scales - 1}, iteration ${at.iteration} of ${at.iterations}`;
  return { model, at, text: `unfinished: the training in ${folder} is at ${place}` };
}
