// singan train PHOTO: trains a model, and writes it with samples, reconstruction, a sheet of all scales and a report.

import { basename, extname, join } from "node:path";
import type { Gpu } from "../../gpu/device.ts";
import { type Planes, sheet, toPlanes, toRgb8 } from "../../image/planes.ts";
import { encodePng } from "../../image/png.ts";
import { inRecipe, PAPER, PRESETS, type PresetName, resolveOptions, type Size, type TrainOptions } from "../../singan/config.ts";
import type { AnyModel, Preview, ScaleRecord } from "../../singan/model.ts";
import { writeModel } from "../../singan/model-file.ts";
import { chooseAuto, forecastSeconds, measureSpeed } from "../../singan/presets.ts";
import { buildPyramid, pyramidOf } from "../../singan/pyramid.ts";
import { forecastBytes } from "../../singan/rehearsal.ts";
import { openSampler } from "../../singan/sampler.ts";
import { train } from "../../singan/train.ts";
import { type Args, type Command, UsageError } from "../args.ts";
import { OutputFolder, readPhoto } from "../files.ts";
import { openGpu } from "../gpu.ts";
import { duration, Progress } from "../progress.ts";
import type { Session } from "../session.ts";
import { givenOptions, inFlags, TRAIN_FLAGS } from "../train-options.ts";
import { scalesOf, tuneFor } from "../tuning.ts";
import { versions } from "../versions.ts";

const FILES = {
  model: "model.safetensors",
  reconstruction: "reconstruction.png",
  scales: "scales.png",
  report: "report.json",
} as const;
const SAMPLES = "samples";
/** Small pictures are enlarged in the sheet, px. */
const SHEET_CELL_WIDTH = 256;
export const sampleName = (index: number): string => `${String(index).padStart(3, "0")}.png`;
const SAMPLE_NAMES = /^\d{3,}\.png$/;
const MAX_SAMPLES = 10_000;

const presetNames = ["auto", ...Object.keys(PRESETS)];

export const trainCommand: Command = {
  name: "train",
  summary: "train a model of one photo",
  words: ["PHOTO"],
  details: [
    "PHOTO is a PNG or JPEG. Writes model.safetensors, samples/*.png, reconstruction.png, report.json and\n" +
      "scales.png (each scale's real picture, reconstruction and sample) into DIR, all at the end.",
    "The preset auto times a few steps on this computer's GPU, picks what is done in reasonable time, and says\n" +
      "what and how long that takes before it starts. Flags under Options override a preset's values. With both\n" +
      "--max-size and --iterations, and no --preset, nothing is timed: all other values are the paper's.",
  ],
  groups: [
    {
      title: "Flags",
      flags: [
        { name: "out", value: "DIR", help: "folder for the results (default: out/NAME OF THE PHOTO)" },
        { name: "samples", value: "N", isNumber: true, help: "how many samples to draw (default: 8)" },
        { name: "preset", value: presetNames.join("|"), help: "where the options come from (default: auto)" },
      ],
    },
    { title: "Options", flags: TRAIN_FLAGS },
  ],
  examples: [
    ["singan train photo.jpg", "what this computer can do in reasonable time"],
    ["singan train photo.jpg --preset paper --out out/big", "as in the paper: 250 px, 2000 iterations per scale"],
    ["singan train photo.png --max-size 64 --iterations 200", "small and quick"],
  ],
  run,
};

async function run(args: Args, session: Session): Promise<void> {
  const file = args.words[0]!;
  const given = givenOptions(args);
  const preset = readPreset(args, given);
  const count = args.whole("samples", 8, 0, MAX_SAMPLES);
  const photo = toPlanes(readPhoto(file));
  // What can't be trained is refused before the GPU is opened; auto takes what the paper's size can hold.
  const { recipe = "singan" } = given;
  const intended = inFlags(() => resolveOptions({ ...inRecipe(preset === "auto" ? PAPER : PRESETS[preset], recipe), ...given }));
  pyramidOf(photo, intended);

  const path = args.text("out") ?? join("out", basename(file, extname(file)));
  const samples = Array.from({ length: count }, (_, i) => join(SAMPLES, sampleName(i)));
  const folder = OutputFolder.open(path, [...Object.values(FILES), ...samples]);
  session.onExit(() => folder.discard());

  const gpu = await openGpu(session);
  session.note(`${basename(file)}: ${photo.width}x${photo.height}, on ${gpu.adapterName}`);
  const chosen = await choose(gpu, preset, args, given, sizeOf(photo), session);
  const { sizes } = pyramidOf(photo, chosen.options);
  await tuneFor(gpu, session, scalesOf(sizes, chosen.options));
  const { model, previews, seconds } = await watch(gpu, photo, chosen, session);

  folder.write(FILES.model, writeModel(model));
  const sampler = await openSampler(gpu, model);
  const { seed } = model.options;
  for (const [index, name] of samples.entries()) folder.write(name, png(await sampler.sample({ seed, index })));
  folder.write(FILES.reconstruction, png(await sampler.reconstruction()));
  await sampler.dispose();
  folder.write(FILES.scales, scaleSheet(photo, model, previews));
  const facts = { photo: { name: basename(file), size: sizeText(photo) }, preset: chosen.preset, seconds };
  folder.write(FILES.report, `${JSON.stringify({ ...facts, ...report(gpu, model) }, null, 2)}\n`);
  const paths = folder.commit({ folder: SAMPLES, names: SAMPLE_NAMES });

  session.note(`trained ${model.scales.length} scale${model.scales.length === 1 ? "" : "s"} in ${duration(seconds)}`);
  if (args.has("json")) {
    const named = Object.fromEntries(Object.entries(FILES).map(([key, name]) => [key, join(path, name)]));
    session.result(
      JSON.stringify({ ...named, samples: samples.map((name) => join(path, name)), preset: chosen.preset, seconds }),
    );
  } else for (const written of paths) session.result(written);
}

const sizeText = ({ width, height }: Size): string => `${width}x${height}`;
/** What a report tells of a scale. */
export const describeScale = ({ size, channels, noiseAmp, losses, seconds }: ScaleRecord) => ({
  size: sizeText(size),
  channels,
  noiseAmp,
  losses,
  seconds,
});
const sizeOf = ({ width, height }: Size): Size => ({ width, height });
const png = (picture: Planes): Uint8Array => encodePng(toRgb8(picture));

function readPreset(args: Args, given: Partial<TrainOptions>): PresetName | "auto" {
  const preset = args.text("preset") ?? (given.maxSize !== undefined && given.iterations !== undefined ? "paper" : "auto");
  if (!presetNames.includes(preset))
    throw new UsageError(
      `--preset must be ${presetNames.slice(0, -1).join(", ")} or ${presetNames.at(-1)}, not ${JSON.stringify(preset)}`,
    );
  return preset as PresetName | "auto";
}

interface Chosen {
  readonly preset: string;
  readonly options: TrainOptions;
  readonly forecastSeconds: number | null;
}

/** The options to train with; says what they are, and how long that takes where it was timed. */
async function choose(
  gpu: Gpu,
  preset: PresetName | "auto",
  args: Args,
  given: Partial<TrainOptions>,
  photo: Size,
  session: Session,
): Promise<Chosen> {
  const isTimed = preset === "auto" || args.has("preset");
  if (isTimed) session.note("timing a few steps …");
  const { recipe = "singan" } = given;
  const auto = preset === "auto" ? await chooseAuto(gpu, photo, recipe) : null;
  const name = auto?.preset ?? preset;
  const base = auto?.options ?? inRecipe(PRESETS[preset as PresetName], recipe);
  const options = inFlags(() => resolveOptions({ ...base, ...given }));
  const { sizes } = pyramidOf(photo, options);
  const isChanged = Object.keys(given).some((field) => field !== "seed");
  const forecast = isTimed ? forecastSeconds(auto?.speed ?? (await measureSpeed(gpu)), photo, options) : null;
  const { width, height } = sizes.at(-1)!;
  const megabytes = Math.ceil((await forecastBytes(gpu, photo, options)) / 1e6);
  session.note(
    `${auto ? "auto picks " : ""}${name}${isChanged ? " with your flags" : ""}: ${sizes.length} scales up to ${width}x${height}, ` +
      `${options.iterations} iterations each, ${options.channels} channels; ` +
      `${megabytes} MB of GPU memory${forecast === null ? "" : `, about ${duration(forecast)}`}`,
  );
  return { options, preset: auto ? `auto: ${name}` : name, forecastSeconds: forecast };
}

/** Trains under a progress display; the previews of all scales are kept for the sheet. */
async function watch(gpu: Gpu, photo: Planes, { options, forecastSeconds: forecast }: Chosen, session: Session) {
  const { sizes } = pyramidOf(photo, options);
  const progress = new Progress(session, { scales: sizes.length, iterations: options.iterations, forecastSeconds: forecast });
  const previews: Preview[] = [];
  const events = train(gpu, photo, options);
  for (;;) {
    const { done, value } = await events.next();
    if (done) return { model: value, previews, seconds: progress.elapsedSeconds };
    progress.show(value);
    if (value.kind === "scaleDone") previews.push(value.preview);
  }
}

/** Rows: scales, coarsest first. Columns: real, reconstruction, sample. */
function scaleSheet(photo: Planes, { options }: AnyModel, previews: readonly Preview[]): Uint8Array {
  const reals = buildPyramid(photo, pyramidOf(photo, options));
  const rows = previews.map(({ reconstruction, sample }, k) => [reals[k]!, reconstruction, sample].map(toRgb8));
  return encodePng(sheet(rows, { leastWidth: SHEET_CELL_WIDTH }));
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
