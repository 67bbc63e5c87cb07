// singan paint, edit and harmonize: injects a picture into a trained model at one scale, or at each scale.

import { basename, dirname, extname, join } from "node:path";
import { type Labelled, labelledSheet } from "../../image/labels.ts";
import { isFull, type Mask, MaskError, maskOfDifference, maskOfPicture, pictureOfMask } from "../../image/mask.ts";
import { flattened, type Planes, type Rgb8, toPlanes, toRgb8 } from "../../image/planes.ts";
import { encodePng } from "../../image/png.ts";
import {
  blendInto,
  composite,
  isStretched,
  maskToPhotoSize,
  paint,
  photoOf,
  softMask,
  toPhotoSize,
} from "../../singan/generation/applications/inject.ts";
import { SinganSampler } from "../../singan/generation/singan-sampler.ts";
import type { Model } from "../../singan/model/model.ts";
import { type Args, type Command, type FlagHelp, UsageError } from "../args.ts";
import { startScaleFlag, startScales } from "../flag-values.ts";
import { openGpu, TrainingGpu } from "../gpu.ts";
import { OutputFolder } from "../output-folder.ts";
import { paintQuantized } from "../quantized-painting.ts";
import { FileError, modelPath, readLayer, readMaskPicture, readModelAt, rewording } from "../read-files.ts";
import { showResults, sizeText } from "../report.ts";
import type { Session } from "../session.ts";
import { RESUME_FLAGS, resumptionOf } from "../unfinished.ts";

const SHEET = "sheet.png";
const MASK = "mask.png";

const flags = (name: string): FlagHelp => ({
  ...startScaleFlag("(required) where the picture is injected: 1 changes most, the last scale least; all: use each"),
  "out DIR": `folder for the results (default: ${name}-NAME OF THE PICTURE in the model's folder)`,
  "seed N": "another seed makes other details (default: 0)",
});
const MASK_FLAG: FlagHelp = {
  "mask FILE": "what may change, in white (default: the opaque part, or the difference to the photo)",
};
const MASKS =
  "A mask says what may change. It is --mask FILE, which is set where FILE is opaque and lighter than half, or not black\n" +
  "if all of it is darker. Without --mask it is the opaque part of the picture; if hardly anything is transparent, it is\n" +
  "the part that differs from the photo. The mask is widened and blurred; outside it every pixel stays as in the photo.\n" +
  "Writes NAME-scaleN.png, the picture before blending as NAME-scaleN-whole.png, and as mask.png the mask before it is\n" +
  "widened, which --mask takes.";

export const paintCommand: Command = {
  name: "paint",
  summary: "turn a painting into a picture like the photo",
  words: ["MODEL", "PAINTING"],
  details: [
    "PAINTING is a picture with the desired layout in flat colours; it is resized to the photo's size. With --quantize\n" +
      "its colours become the nearest of the photo's five main colours, and that one scale is trained again on pictures with\n" +
      "these colours, for as many iterations as the model. The model file does not change.",
  ],
  flags: {
    ...flags("paint"),
    quantize: "replace the painting's colours by the photo's, and train the scale again for them",
    ...RESUME_FLAGS,
  },
  examples: [
    ["singan paint out/photo drawing.png --start-scale 1", "the drawing's layout, the photo's look"],
    ["singan paint out/photo drawing.png --start-scale all", "one picture per scale, and a sheet of all"],
  ],
  run: runPaint,
};

export const editCommand: Command = {
  name: "edit",
  summary: "blend moved or copied parts into the photo",
  words: ["MODEL", "EDITED"],
  details: ["EDITED is the photo with some parts copied or moved.", MASKS],
  flags: { ...flags("edit"), ...MASK_FLAG },
  examples: [
    ["singan edit out/photo edited.png --start-scale 2", "the changed parts, blended in"],
    ["singan edit out/photo edited.png --mask mask.png --start-scale all", "every scale, in one sheet"],
  ],
  run: (args, session) => runBlend("edit", args, session),
};

export const harmonizeCommand: Command = {
  name: "harmonize",
  summary: "fit an object that was pasted into the photo",
  words: ["MODEL", "COMPOSITE"],
  details: [
    "COMPOSITE is the photo with a foreign object in it, or the object alone on a transparent background of the same shape.",
    MASKS,
  ],
  flags: { ...flags("harmonize"), ...MASK_FLAG },
  examples: [
    ["singan harmonize out/photo pasted.png --start-scale 2", "the object in the photo's texture"],
    ["singan harmonize out/photo object.png --start-scale all", "the mask is its opaque part"],
  ],
  run: (args, session) => runBlend("harmonize", args, session),
};

/** The words and flags that the three commands share. */
interface Injection {
  readonly model: Model;
  readonly name: string;
  readonly scales: readonly number[];
  readonly hasSheet: boolean;
  readonly seed: number;
  readonly path: string;
}

function readInjection(kind: string, args: Args): Injection {
  const [given, picture] = args.words as [string, string];
  const file = modelPath(given);
  const model = readModelAt(file, kind === "paint" ? "painting" : kind === "edit" ? "editing" : "harmonization");
  if (model.options.imageChannels === 4)
    throw new FileError(`${file}: the model was trained with transparency, so pictures can't be injected into it`);
  const last = model.scales.length - 1;
  if (last < 1)
    throw new FileError(`${file}: the model has one scale only, and a picture is injected at the second one or above`);
  const scales = startScales(args, 1, last);
  const name = basename(picture, extname(picture));
  const path = args.text("out") ?? join(dirname(file), `${kind}-${name}`);
  return { model, name, scales, hasSheet: args.text("start-scale") === "all", seed: args.seed, path };
}

const fileOf = (name: string, scale: number, more = ""): string => `${name}-scale${scale}${more}.png`;
function noteStretching(picture: Rgb8, { model }: Injection, file: string, session: Session): void {
  const photo = photoOf(model);
  if (isStretched(picture, photo))
    session.note(`${file} is ${sizeText(picture)}: it is stretched to the photo's ${sizeText(photo)}`);
}

async function runPaint(args: Args, session: Session): Promise<void> {
  const injection = readInjection("paint", args);
  const { model, name, scales, hasSheet, seed, path } = injection;
  const file = args.words[1]!;
  const layer = await readLayer(file, session);
  const painting = flattened(layer);
  const names = scales.map((scale) => fileOf(name, scale));
  const isQuantized = args.has("quantize");
  if (isQuantized && model.options.imageChannels !== 3)
    throw new UsageError("--quantize needs the model of a photo with colours");
  const resumption = resumptionOf(args);
  if (!isQuantized && resumption !== "either") throw new UsageError(`--${resumption} is for --quantize, which trains`);
  const folder = OutputFolder.open(session, path, [...names, ...(hasSheet ? [SHEET] : [])], { isLocked: isQuantized });
  noteStretching(painting, injection, file, session);
  if (layer.alpha) session.note(`${file} is partly transparent: those parts become white`);

  const planes = toPhotoSize(model, toPlanes(painting));
  const pictures: Labelled[] = [{ picture: toRgb8(planes), label: "painting" }];
  const add = (scale: number, picture: Planes) => {
    folder.writePicture(fileOf(name, scale), picture);
    pictures.push({ picture: toRgb8(picture), label: `scale ${scale}` });
  };
  const clears: (() => Promise<void>)[] = [];
  if (isQuantized) {
    const gpu = new TrainingGpu(session);
    for (const scale of scales) {
      const what = `training scale ${scale} again${scales.length > 1 ? `, of ${scales.length}` : ""}`;
      const one = { model, painting: planes, scale, seed, what, folder: path, resumption };
      const { picture, clear } = await paintQuantized(gpu, one, session);
      add(scale, picture);
      clears.push(clear);
    }
  } else {
    const sampler = await SinganSampler.load(await openGpu(session), model);
    for (const scale of scales) add(scale, await paint(sampler, planes, scale, { seed }));
    await sampler.dispose();
  }
  if (hasSheet) folder.write(SHEET, encodePng(labelledSheet([pictures])));
  const files = folder.commit();
  for (const clear of clears) await clear();
  showResults(args, session, files, { files, startScales: scales, seed });
}

async function runBlend(kind: "edit" | "harmonize", args: Args, session: Session): Promise<void> {
  const injection = readInjection(kind, args);
  const { model, name, scales, hasSheet, seed, path } = injection;
  const { picture, marked, mask } = await readMasked(kind, args, injection, session);
  const names = scales.flatMap((scale) => [fileOf(name, scale), fileOf(name, scale, "-whole")]);
  const folder = OutputFolder.open(session, path, [...names, MASK, ...(hasSheet ? [SHEET] : [])]);

  const gpu = await openGpu(session);
  const sampler = await SinganSampler.load(gpu, model);
  const wholes: Labelled[] = [{ picture: toRgb8(picture), label: kind === "edit" ? "edited" : "composite" }];
  const results: Labelled[] = [{ picture: pictureOfMask(mask), label: "soft mask" }];
  for (const scale of scales) {
    const { whole, blended } = await blendInto(sampler, picture, mask, scale, { seed });
    folder.writePicture(fileOf(name, scale), blended);
    folder.writePicture(fileOf(name, scale, "-whole"), whole);
    wholes.push({ picture: toRgb8(whole), label: `scale ${scale}, whole` });
    results.push({ picture: toRgb8(blended), label: `scale ${scale}, blended` });
  }
  await sampler.dispose();
  folder.write(MASK, encodePng(pictureOfMask(marked)));
  if (hasSheet) folder.write(SHEET, encodePng(labelledSheet([wholes, results])));
  const files = folder.commit();
  showResults(args, session, files, { files, startScales: scales, seed });
}

/**
 * Reads the picture and the mask of what may change, both resized to the photo's size; that mask as it was marked, and widened and blurred. Throws
 * FileError, UsageError.
 */
async function readMasked(
  kind: "edit" | "harmonize",
  args: Args,
  injection: Injection,
  session: Session,
): Promise<{ picture: Planes; marked: Mask; mask: Mask }> {
  const { model } = injection;
  const file = args.words[1]!;
  const layer = await readLayer(file, session);
  const { width, height } = layer.picture;
  const alpha: Mask | null = layer.alpha && { width, height, data: Float32Array.from(layer.alpha, (a) => a / 255) };
  const planes = toPlanes(layer.picture);
  const picture = alpha ? composite(model, planes, alpha) : toPhotoSize(model, planes);
  const source = args.text("mask");
  const masks = (given: Mask, from: string): { marked: Mask; mask: Mask } => {
    const marked = maskToPhotoSize(model, given);
    const mask = rewording(
      MaskError,
      (message) => new FileError(`${from}: ${message}`),
      () => softMask(model, marked, kind),
    );
    return { marked, mask };
  };
  let found: ReturnType<typeof masks> | null = null;
  if (source !== undefined) {
    const given = await readMaskPicture(source, session);
    if (isStretched(given, layer.picture))
      throw new UsageError(`--mask: ${source} is ${sizeText(given)}, which does not fit ${file} of ${sizeText(layer.picture)}`);
    found = masks(maskOfPicture(given), source);
  } else if (alpha) {
    const opaque = masks({ ...alpha, data: alpha.data.map((a) => Number(a >= 0.5)) }, `the opaque part of ${file}`);
    // A few transparent pixels, which many programs leave behind, do not cut anything out.
    if (!isFull(opaque.mask)) found = opaque;
  }
  const { marked, mask } = found ?? masks(maskOfDifference(picture, photoOf(model)), `the difference of ${file} to the photo`);
  if (isFull(mask)) session.note("the mask covers the whole picture, so nothing of the photo stays");
  noteStretching(layer.picture, injection, file, session);
  return { picture, marked, mask };
}
