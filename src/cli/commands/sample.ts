// singan sample MODEL: draws new pictures from a trained model, of any size, from any start scale.

import { dirname, join } from "node:path";
import type { Gpu } from "../../gpu/device.ts";
import { type Labelled, labelledSheet } from "../../image/labels.ts";
import { type Planes, type Rgb8, toRgb8 } from "../../image/planes.ts";
import { encodePng } from "../../image/png.ts";
import { isSameSize } from "../../image/resample.ts";
import { ConsinganSampler } from "../../singan/generation/consingan-sampler.ts";
import { type Path, photoPath, roundHalfToEven, samplePath, sizesFor } from "../../singan/generation/path.ts";
import { Sampler } from "../../singan/generation/singan-sampler.ts";
import type { Size } from "../../singan/model/config.ts";
import { type AnyModel, type ConsinganModel, isConsingan, type Model } from "../../singan/model/model.ts";
import { type Args, type Command, UsageError } from "../args.ts";
import { openGpu } from "../gpu.ts";
import { OutputFolder } from "../output-folder.ts";
import { PngFile } from "../png-file.ts";
import { ShareDone } from "../progress.ts";
import { modelPath, readAnyModelAt } from "../read-files.ts";
import type { Session } from "../session.ts";
import { readFactors, readSize, sizeText } from "../sizes.ts";
import { startScaleFlag, startScales } from "../start-scales.ts";
import { inFlags } from "../train-options.ts";
import { sampleName } from "./train.ts";

export const sampleCommand: Command = {
  name: "sample",
  summary: "draw new pictures from a model, of any size",
  words: ["MODEL"],
  details: [
    "The same model, seed, size and start scale give the same pictures (on one GPU and driver).",
    "A large picture is made in tiles and written as it comes: it takes no more GPU memory than a small one, and its tiles\n" +
      "don't show: its pixels are those that it would have in one piece.",
    "Where the layout must stay, as with faces and buildings, start at a finer scale: scales below it keep the photo's\n" +
      "layout, either by the noise that reconstructs it or by starting from the photo itself, reduced.",
  ],
  groups: [
    {
      title: "Flags",
      flags: [
        {
          name: "out",
          value: "DIR",
          help: "folder for the pictures (default: samples-seedN[-SIZE][-scaleN][-BELOW] beside the model)",
        },
        { name: "count", value: "N", isNumber: true, help: "how many, per start scale (default: 8)" },
        { name: "seed", value: "N", isNumber: true, help: "another seed, other pictures (default: 0)" },
        { name: "size", value: "WxH", help: "of the pictures, in pixels (default: as trained)" },
        { name: "scale", value: "FxF", help: "the same in factors of the trained size: 1.5x1 is half as wide again" },
        startScaleFlag("keep the photo's layout below this scale (default: 0, everything varies); all: from each in turn"),
        {
          name: "below",
          value: "noise|photo",
          help: "what keeps it: the reconstruction's noise, or the photo (default: noise; photo at other sizes)",
        },
      ],
    },
  ],
  examples: [
    ["singan sample out/photo --count 20 --seed 7", "20 pictures"],
    ["singan sample out/photo --size 4096x3072 --count 1", "a wallpaper"],
    ["singan sample out/photo --start-scale 2", "the photo's layout, other details"],
    ["singan sample out/photo --start-scale all --count 3", "what each start scale leaves to chance"],
  ],
  run,
};

const SHEET = "sheet.png";
const SHEET_COLUMNS = 6;
/** Larger pictures make no sheet, px. */
const SHEET_SIDE = 512;

interface Picture {
  readonly name: string;
  readonly startScale: number;
  readonly index: number;
}

/** What draws: the same for all recipes. */
interface Source {
  readonly bands: (startScale: number, index: number, progress: ShareDone) => AsyncIterable<{ readonly picture: Planes }>;
  dispose(): Promise<void>;
}

async function run(args: Args, session: Session): Promise<void> {
  const file = modelPath(args.words[0]!);
  const count = args.whole("count", 8, 1, 10_000);
  const seed = args.whole("seed", 0, 0, 2 ** 32 - 1);
  const model = readAnyModelAt(file);
  const size = wantedSize(args, model);
  const scales = startScales(args, 0, model.scales.length - 1, 0);
  const open = isConsingan(model)
    ? consinganSource(model, size, scales, seed, args)
    : singanSource(model, size, scales, seed, args);
  const many = args.text("start-scale") === "all";
  const pictures: Picture[] = scales.flatMap((startScale) =>
    Array.from({ length: count }, (_, index) => ({
      ...{ startScale, index },
      name: many ? `scale${startScale}-${sampleName(index)}` : sampleName(index),
    })),
  );
  const of = isSameSize(size, model.sizes[model.scales.length - 1]!) ? "" : `-${sizeText(size)}`;
  const from = many ? "-scales" : scales[0]! > 0 ? `-scale${scales[0]}` : "";
  const below = args.has("below") ? `-${args.text("below")}` : "";
  const path = args.text("out") ?? join(dirname(file), `samples-seed${seed}${of}${from}${below}`);
  const isSheet = many && Math.max(size.width, size.height) <= SHEET_SIDE;
  const folder = OutputFolder.open(path, [...pictures.map(({ name }) => name), ...(isSheet ? [SHEET] : [])]);
  session.onExit(() => folder.discard());

  const gpu = await openGpu(session);
  const source = await open(gpu);
  const shown = new Map<number, Labelled[]>(scales.map((scale) => [scale, []]));
  for (const [done, picture] of pictures.entries()) {
    const progress = new ShareDone(session, `picture ${done + 1}/${pictures.length}`);
    const last = await write(source, picture, size, folder, progress);
    const row = shown.get(picture.startScale)!;
    if (isSheet && row.length < SHEET_COLUMNS) row.push({ picture: last, label: `from scale ${picture.startScale}` });
  }
  if (isSheet) folder.write(SHEET, encodePng(labelledSheet([...shown.values()])));
  await source.dispose();
  const written = folder.commit();
  session.note(`${pictures.length} picture${pictures.length === 1 ? "" : "s"} of ${sizeText(size)}, on ${gpu.adapterName}`);
  const facts = {
    size: sizeText(size),
    seed,
    ...(args.has("below") && { below: args.text("below") }),
    ...(many ? { startScales: scales } : { startScale: scales[0] }),
  };
  if (args.has("json")) session.result(JSON.stringify({ samples: written, ...facts }));
  else for (const name of written) session.result(name);
}

function wantedSize(args: Args, model: AnyModel): Size {
  const trained = model.sizes[model.scales.length - 1]!;
  const [size, scale] = [args.text("size"), args.text("scale")];
  if (size !== undefined && scale !== undefined) throw new UsageError("--size and --scale say the same thing: give one of them");
  if (size !== undefined) return checked(model, readSize("size", size, "400x250"));
  if (scale === undefined) return trained;
  const [x, y] = readFactors("scale", scale, "1.5x1");
  return checked(model, { width: roundHalfToEven(trained.width * x), height: roundHalfToEven(trained.height * y) });
}
const checked = (model: AnyModel, size: Size): Size => inFlags(() => sizesFor(model, size).at(-1)!);

type Open = (gpu: Gpu) => Promise<Source>;

/** Throws UsageError for what the model can't draw. */
function singanSource(model: Model, size: Size, scales: readonly number[], seed: number, args: Args): Open {
  const paths = new Map(scales.map((scale) => [scale, pathFrom(args, model, size, scale)]));
  return async (gpu) => {
    const sampler = await Sampler.load(gpu, model);
    return {
      bands: (startScale, index, progress) =>
        sampler.bands(paths.get(startScale)!, { seed, index }, (share) => progress.show(share)),
      dispose: () => sampler.dispose(),
    };
  };
}

function pathFrom(args: Args, model: Model, size: Size, startScale: number): Path {
  const trained = model.sizes[model.scales.length - 1]!;
  const below = args.text("below") ?? (isSameSize(size, trained) ? "noise" : "photo");
  if (below !== "noise" && below !== "photo")
    throw new UsageError(`--below must be noise or photo, not ${JSON.stringify(below)}`);
  return inFlags(() => (below === "photo" ? photoPath(model, { size, startScale }) : samplePath(model, { size, startScale })));
}

/** ConSinGAN's pictures are made in one piece, and below the start scale always by the reconstruction's noise. */
function consinganSource(model: ConsinganModel, size: Size, scales: readonly number[], seed: number, args: Args): Open {
  const trained = model.sizes[model.scales.length - 1]!;
  const { recipe } = model.options;
  if (args.has("below")) throw new UsageError(`--below: the recipe ${recipe} has no choice there`);
  if (!isSameSize(size, trained) && scales.some((scale) => scale > 0))
    throw new UsageError(`--start-scale above 0 needs the trained size, ${sizeText(trained)}, in the recipe ${recipe}`);
  return async (gpu) => {
    const sampler = await ConsinganSampler.load(gpu, model);
    return {
      async *bands(startScale, index) {
        yield { picture: await sampler.sample({ seed, index, startScale, size }) };
      },
      dispose: () => sampler.dispose(),
    };
  };
}

/** Draws one picture into the folder, band by band; gives the last band, which is all of a small picture. */
async function write(
  source: Source,
  { name, startScale, index }: Picture,
  { width, height }: Size,
  folder: OutputFolder,
  progress: ShareDone,
) {
  let last: Rgb8 = { width: 0, height: 0, data: new Uint8Array() };
  await folder.writing(name, async (place) => {
    const png = new PngFile(place, width, height);
    try {
      for await (const { picture } of source.bands(startScale, index, progress)) {
        last = toRgb8(picture);
        await png.add(last);
      }
      await png.end();
    } finally {
      png.close();
    }
  });
  return last;
}
