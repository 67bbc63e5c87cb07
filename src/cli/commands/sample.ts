// singan sample MODEL: draws new pictures from a trained model, of any size, from any start scale.

import { dirname, join } from "node:path";
import { toRgb8 } from "../../image/planes.ts";
import { PngFile } from "../../image/png-stream.ts";
import type { Size } from "../../singan/config.ts";
import { Sampler } from "../../singan/generate.ts";
import type { Model } from "../../singan/model.ts";
import { type Path, photoPath, roundHalfToEven, samplePath, sizesFor } from "../../singan/path.ts";
import { type Args, type Command, UsageError } from "../args.ts";
import { OutputFolder, readModelAt } from "../files.ts";
import { openGpu } from "../gpu.ts";
import { ShareDone } from "../progress.ts";
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
          help: "folder for the pictures (default: samples-seedN beside the model); other files stay",
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
    ["singan sample out/photo/model.safetensors --count 20 --seed 7", "20 pictures"],
    ["singan sample out/photo/model.safetensors --size 4096x3072 --count 1", "a wallpaper"],
    ["singan sample out/photo/model.safetensors --start-scale 2", "the photo's layout, other details"],
    ["singan sample out/photo/model.safetensors --start-scale all --count 3", "what each start scale leaves to chance"],
  ],
  run,
};

interface Picture {
  readonly name: string;
  readonly path: Path;
  readonly index: number;
}

async function run(args: Args, session: Session): Promise<void> {
  const file = args.words[0]!;
  const count = args.whole("count", 8, 1, 10_000);
  const seed = args.whole("seed", 0, 0, 2 ** 32 - 1);
  const model = readModelAt(file);
  const size = wantedSize(args, model);
  const scales = startScales(args, 0, model.scales.length - 1, 0);
  const paths = scales.map((startScale) => pathFrom(args, model, size, startScale));
  const many = scales.length > 1;
  const pictures: Picture[] = paths.flatMap((path, i) =>
    Array.from({ length: count }, (_, index) => ({
      ...{ path, index },
      name: many ? `scale${scales[i]}-${sampleName(index)}` : sampleName(index),
    })),
  );
  const from = many ? "-scales" : scales[0]! > 0 ? `-scale${scales[0]}` : "";
  const path = args.text("out") ?? join(dirname(file), `samples-seed${seed}${from}`);
  const folder = OutputFolder.open(
    path,
    pictures.map(({ name }) => name),
  );
  session.onExit(() => folder.discard());

  const gpu = await openGpu(session);
  const sampler = await Sampler.load(gpu, model);
  for (const [done, picture] of pictures.entries())
    await write(sampler, picture, seed, folder, new ShareDone(session, `picture ${done + 1}/${pictures.length}`));
  await sampler.dispose();
  const written = folder.commit();
  session.note(`${pictures.length} picture${pictures.length === 1 ? "" : "s"} of ${sizeText(size)}, on ${gpu.adapterName}`);
  if (args.has("json"))
    session.result(
      JSON.stringify({
        samples: written,
        size: sizeText(size),
        seed,
        ...(many ? { startScales: scales } : { startScale: scales[0] }),
      }),
    );
  else for (const name of written) session.result(name);
}

function wantedSize(args: Args, model: Model): Size {
  const trained = model.sizes[model.scales.length - 1]!;
  const [size, scale] = [args.text("size"), args.text("scale")];
  if (size !== undefined && scale !== undefined) throw new UsageError("--size and --scale say the same thing: give one of them");
  if (size !== undefined) return checked(model, readSize("size", size, "400x250"));
  if (scale === undefined) return trained;
  const [x, y] = readFactors("scale", scale, "1.5x1");
  return checked(model, { width: roundHalfToEven(trained.width * x), height: roundHalfToEven(trained.height * y) });
}
const checked = (model: Model, size: Size): Size => inFlags(() => sizesFor(model, size).at(-1)!);

function pathFrom(args: Args, model: Model, size: Size, startScale: number): Path {
  const trained = model.sizes[model.scales.length - 1]!;
  const isTrained = size.width === trained.width && size.height === trained.height;
  const below = args.text("below") ?? (isTrained ? "noise" : "photo");
  if (below !== "noise" && below !== "photo")
    throw new UsageError(`--below must be noise or photo, not ${JSON.stringify(below)}`);
  return inFlags(() => (below === "photo" ? photoPath(model, { size, startScale }) : samplePath(model, { size, startScale })));
}

/** Draws one picture into the folder, band by band. */
async function write(sampler: Sampler, { name, path, index }: Picture, seed: number, folder: OutputFolder, progress: ShareDone) {
  const { width, height } = path.stages.at(-1)!.size;
  await folder.writing(name, async (place) => {
    const png = new PngFile(place, width, height);
    try {
      for await (const { picture } of sampler.bands(path, { seed, index }, (share) => progress.show(share)))
        await png.add(toRgb8(picture));
      await png.end();
    } finally {
      png.close();
    }
  });
}
