// singan sample MODEL: makes new pictures from a trained model, of any size, from any start scale.

import { dirname, join } from "node:path";
import { availableMemory } from "node:process";
import { type Labelled, labelledSheet } from "../../image/labels.ts";
import { isSameSize, type Rgb8, toLayer, toRgb8 } from "../../image/planes.ts";
import { encodePng } from "../../image/png.ts";
import { roundHalfToEven } from "../../singan/generation/path.ts";
import { type SampleOptions, type Sampler, type ShareProgress, trainedSize } from "../../singan/generation/sampling.ts";
import type { Size } from "../../singan/model/config.ts";
import type { AnyModel } from "../../singan/model/model.ts";
import { checkSample, openSampler, sampleBytes } from "../../singan/recipes.ts";
import { megabytes } from "../../singan/training/plan.ts";
import { type Args, type Command, UsageError } from "../args.ts";
import { readFactors, readSize, startScaleFlag, startScales, tileFlag } from "../flag-values.ts";
import { openGpu } from "../gpu.ts";
import { readMaskFlag } from "../mask-flag.ts";
import { OutputFolder } from "../output-folder.ts";
import { PngFile } from "../png-file.ts";
import { ShareDone } from "../progress.ts";
import { modelPath, readAnyModelAt } from "../read-files.ts";
import { counted, noteUnfinished, sampleName, showResults, sizeText } from "../report.ts";
import type { Session } from "../session.ts";
import { inFlags } from "../training-flags.ts";

export const sampleCommand: Command = {
  name: "sample",
  summary: "make new pictures from a model, of any size",
  words: ["MODEL"],
  details: [
    "MODEL is a .safetensors file, or the folder of a training. An unfinished one makes pictures with its finished scales.",
    "The same model, seed, size and start scale produce the same pictures (on one GPU and driver).",
    "A large picture is computed in tiles and written band by band. It needs no more GPU memory than a small one, and each\n" +
      "of its pixels has the value that it would have if the picture were computed in one piece.",
    "Start at a finer scale where the layout must stay, as with faces and buildings. The scales below the start scale keep\n" +
      "the photo's layout: they use the noise that reconstructs the photo, or they are replaced by the reduced photo.",
  ],
  flags: {
    "out DIR": "folder for the pictures (default: samples-seedN[-SIZE][-scaleN][-BELOW] in the model's folder)",
    "count N": "number of pictures per start scale (default: 8)",
    "seed N": "another seed makes other pictures (default: 0)",
    "size WxH": "size of the pictures in pixels (default: as trained)",
    "scale FxF": "the size as factors of the trained one: 1.5x1 is wider by half",
    ...startScaleFlag("keep the photo's layout below this scale (default: 0, everything varies); all: use every scale"),
    "tile x|y|both": "seamless: what leaves the picture at one side continues at the other",
    "keep MASK": "what stays as in the photo, in white",
    "below noise|photo": "what keeps it: the reconstruction's noise or the photo (default: noise; at other sizes photo)",
  },
  examples: [
    ["singan sample out/photo --count 20 --seed 7", "20 pictures"],
    ["singan sample out/photo --size 4096x3072 --count 1", "a wallpaper"],
    ["singan sample out/photo --tile both --size 256x256", "seamless tiles"],
    ["singan sample out/photo --start-scale 2", "the photo's layout, other details"],
    ["singan sample out/photo --start-scale all --count 3", "what varies from each start scale on"],
  ],
  run,
};

const SHEET = "sheet.png";
const SHEET_COLUMNS = 6;
/** No sheet is written of pictures with a longer side, px. */
const SHEET_SIDE = 512;

async function run(args: Args, session: Session): Promise<void> {
  const file = modelPath(args.words[0]!);
  const count = args.whole("count", 8, 1, 10_000);
  const seed = args.seed;
  const model = readAnyModelAt(file);
  const trained = trainedSize(model);
  noteUnfinished(session, model);
  const size = readWantedSize(args, trained);
  const scales = startScales(args, 0, model.scales.length - 1, 0);
  const below = args.text("below") as SampleOptions["below"];
  const wraps = tileFlag(args);
  const keep = await readMaskFlag(args, "keep", trained, session);
  const pictures: SampleOptions[] = scales.flatMap((startScale) =>
    Array.from({ length: count }, (_, index) => ({
      ...{ seed, index, startScale, size },
      ...(below !== undefined && { below }),
      ...(wraps && { wraps }),
      ...(keep && { keep }),
    })),
  );
  inFlags(() => {
    for (const options of pictures) checkSample(model, options);
  });
  requireMemory(model, size);
  const many = args.text("start-scale") === "all";
  const nameOf = ({ startScale, index = 0 }: SampleOptions): string =>
    many ? `scale${startScale}-${sampleName(index)}` : sampleName(index);
  const suffix = [
    ...(isSameSize(size, trained) ? [] : [sizeText(size)]),
    ...(many ? ["scales"] : scales[0]! > 0 ? [`scale${scales[0]}`] : []),
    ...(below === undefined ? [] : [below]),
    ...(wraps ? [`tile-${args.text("tile")}`] : []),
    ...(keep ? ["kept"] : []),
    ...(model.scales.length < model.sizes.length ? [`${model.scales.length}of${model.sizes.length}`] : []),
  ];
  const path = args.text("out") ?? join(dirname(file), [`samples-seed${seed}`, ...suffix].join("-"));
  const isSheet = many && Math.max(size.width, size.height) <= SHEET_SIDE;
  const folder = OutputFolder.open(session, path, [...pictures.map(nameOf), ...(isSheet ? [SHEET] : [])]);

  const gpu = await openGpu(session);
  const sampler = await openSampler(gpu, model);
  const rows = new Map<number, Labelled[]>(scales.map((scale) => [scale, []]));
  const progress = new ShareDone(session, `sampling ${counted(pictures.length, "picture")}`);
  for (const [done, options] of pictures.entries()) {
    const { startScale = 0 } = options;
    const show: ShareProgress = (share) => progress.show((done + share) / pictures.length);
    const last = await write(sampler, options, size, folder, nameOf(options), show);
    show(1);
    const row = rows.get(startScale)!;
    if (isSheet && row.length < SHEET_COLUMNS) row.push({ picture: last, label: `from scale ${startScale}` });
  }
  if (isSheet) folder.write(SHEET, encodePng(labelledSheet([...rows.values()])));
  await sampler.dispose();
  const written = folder.commit();
  session.note(`${counted(pictures.length, "picture")} of ${sizeText(size)}, on ${gpu.adapterName}`);
  const facts = {
    size: sizeText(size),
    seed,
    ...(below !== undefined && { below }),
    ...(wraps && { tile: args.text("tile") }),
    ...(many ? { startScales: scales } : { startScale: scales[0] }),
  };
  showResults(args, session, written, { samples: written, ...facts });
}

function readWantedSize(args: Args, trained: Size): Size {
  const [size, scale] = [args.text("size"), args.text("scale")];
  if (size !== undefined && scale !== undefined) throw new UsageError("--size and --scale say the same thing: give one of them");
  if (size !== undefined) return readSize("size", size, "400x250");
  if (scale === undefined) return trained;
  const [x, y] = readFactors("scale", scale, "1.5x1");
  return { width: roundHalfToEven(trained.width * x), height: roundHalfToEven(trained.height * y) };
}

/** Throws where the pictures of a sample don't fit into the free main memory, and names the largest size that fits. */
function requireMemory(model: AnyModel, size: Size): void {
  const [needed, free] = [sampleBytes(model, size), availableMemory()];
  if (needed <= free) return;
  const factor = Math.sqrt(free / needed);
  const fits = sizeText({ width: Math.floor(factor * size.width), height: Math.floor(factor * size.height) });
  throw new Error(
    `a picture of ${sizeText(size)} takes ${megabytes(needed)} of main memory, and ${megabytes(free)} are free: ` +
      `up to about --size ${fits} fits`,
  );
}

/** Writes one picture into the folder, band by band, and returns the last band, which is all of a small picture. */
async function write(
  sampler: Sampler,
  options: SampleOptions,
  { width, height }: Size,
  folder: OutputFolder,
  name: string,
  progress: ShareProgress,
): Promise<Rgb8> {
  let last: Rgb8 = { width: 0, height: 0, data: new Uint8Array() };
  await folder.writing(name, async (path) => {
    const png = new PngFile(path, width, height, sampler.model.options.imageChannels === 4);
    try {
      for await (const { picture } of sampler.bands(options, progress)) {
        last = toRgb8(picture);
        const layer = toLayer(picture);
        await png.add(layer.picture, layer.alpha);
      }
      await png.end();
    } finally {
      png.close();
    }
  });
  return last;
}
