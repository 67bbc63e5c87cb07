// singan instant PHOTO…: pictures like a photo in seconds, without training.

import { basename, extname, join } from "node:path";
import { encodeGif } from "../../image/gif.ts";
import { type Mask, maskOfSize } from "../../image/mask.ts";
import { isSameSize, type Planes, type Rgb8, type Size, toPlanes, toRgb8 } from "../../image/planes.ts";
import { imresizeTo } from "../../image/resample.ts";
import { reducedTo } from "../../instant/first.ts";
import { type InstantRequest, instantPicture, type Start } from "../../instant/instant.ts";
import {
  checkInstant,
  InstantError,
  type InstantOptions,
  instantOptions,
  pairsOf,
  SMALLEST_SIDE,
  shareDone,
} from "../../instant/options.ts";
import { type Args, type Command, UsageError } from "../args.ts";
import { choice, readSize, tileFlag } from "../flag-values.ts";
import { MAX_SIZE, openDenoisers } from "../instant.ts";
import { readMaskFlag } from "../mask-flag.ts";
import { OutputFolder } from "../output-folder.ts";
import { ShareDone } from "../progress.ts";
import { readPhoto, rewording, shown } from "../read-files.ts";
import { counted, sampleName, showResults, sizeText } from "../report.ts";
import type { Session } from "../session.ts";

const GIF_FPS = 10;
/** How many frames the last picture of a GIF stays. */
const GIF_END = 10;
const FORECAST_SECONDS = 5;
/** Of a picture: the coarse scales, which come first, are slower than their share of the work. */
const MEASURED_SHARE = 0.05;

export const instantCommand: Command = {
  name: "instant",
  summary: "make pictures like a photo in seconds, without training",
  words: ["PHOTO…"],
  details: [
    "Rearranges patches of the photo: a picture begins with noise, which patches of the photo replace, coarse to fine.\n" +
      "Nothing is learnt, so there is no model, and every picture takes the same time. The pictures are crisp, but large\n" +
      "smooth areas keep their colours less faithfully than with a trained model, and pieces of the photo can repeat.",
    "With several photos, pictures have patches of all of them. The layout's proportions are those of the first.",
    "The same photos, seed and flags produce the same pictures (on one GPU and driver, or on processors).",
  ],
  flags: {
    "out DIR": "folder for the pictures (default: out/NAME-instant, and the flags that set them apart)",
    "count N": "number of pictures (default: 8)",
    "seed N": "the first picture's seed; the others count up (default: 0)",
    "max-size PX": `long side to which the photo is reduced first, 25 to 4095 (default: ${MAX_SIZE.gpu}; without a GPU ${MAX_SIZE.processor})`,
    "size WxH": "size of the pictures in pixels (default: the photo's)",
    retarget: "keep the photo's layout, at the shape of --size",
    "tile x|y|both": "seamless: what leaves the picture at one side continues at the other",
    "keep MASK": "what stays as in the photo, in white",
    "from PICTURE": "begin with this picture: a painting, an edited photo",
    "freedom SHARE": "with --from: how much may change, 0 to 1 (default: 0.5)",
    "mask FILE": "with --from: what may change, in white (default: everything)",
    "patch PX": "side of a patch (default: 5 to 15, by the photo's size)",
    "coarsest PX": "short side of the coarsest scale; a smaller one varies more (default: 4/3 of a patch)",
    "eta SHARE": "how much of the noise is new in each step, 0 to 1 (default: 0)",
    gif: "also write how each picture came about, as NNN.gif",
    "on gpu|processor": "what computes (default: the GPU, where there is one)",
  },
  examples: [
    ["singan instant photo.jpg", "eight pictures at once"],
    ["singan instant photo.jpg --size 400x250 --count 3", "wider ones"],
    ["singan instant photo.jpg --tile both", "a pattern without seams"],
    ["singan instant photo.jpg --from painting.png --freedom 0.6", "a painting becomes a photo"],
  ],
  run,
};

async function run(args: Args, session: Session): Promise<void> {
  const count = args.whole("count", 8, 1, 10_000);
  const seed = args.seed;
  const wanted = readFlags(args);
  const read: Planes[] = [];
  for (const file of args.words) read.push(toPlanes(await readPhoto(file, session)));
  const on = choice(args, "on", ["gpu", "processor"] as const, null);
  const planFor = (standard: number) => {
    const maxSize = args.whole("max-size", standard, 25, 4095);
    const photos = read.map((photo) => reducedTo(photo, maxSize));
    const at = args.has("max-size") ? photos.findIndex(({ width, height }) => Math.max(width, height, maxSize) > maxSize) : -1;
    if (at >= 0)
      throw new UsageError(
        `--max-size ${maxSize} makes ${shown(args.words[at]!)} shorter than ${SMALLEST_SIDE} pixels: ` +
          `give at least ${Math.max(photos[at]!.width, photos[at]!.height)}`,
      );
    const size = wanted.size ?? photos[0]!;
    const options = instantOptions(photos[0]!, wanted.options);
    rewording(
      InstantError,
      (message) => new UsageError(message),
      () => checkInstant(photos, size, options),
    );
    return { photos, size, options };
  };
  // What can't work is refused before the GPU is opened.
  const shape = planFor(MAX_SIZE.gpu).size;
  const from = args.text("from");
  const inputs: Inputs = {
    from: from === undefined ? null : toPlanes(await readPhoto(from, session)),
    keep: await readMaskFlag(args, "keep", shape, session),
    mask: await readMaskFlag(args, "mask", shape, session),
  };
  const { open, name: adapter, isGpu } = await openDenoisers(on, session);
  const { photos, size, options } = planFor(isGpu ? MAX_SIZE.gpu : MAX_SIZE.processor);
  const photo = photos[0]!;
  const { start, keep } = startOf(args, inputs, photo, size);
  const names = Array.from({ length: count }, (_, index) => sampleName(index));
  const gifOf = (picture: string) => picture.replace(/png$/, "gif");
  const path = args.text("out") ?? join("out", folderName(args, seed));
  const folder = OutputFolder.open(session, path, args.has("gif") ? names.flatMap((one) => [one, gifOf(one)]) : names);

  const pairs = pairsOf(photos, size, options);
  const progress = new ShareDone(session, counted(count, "picture"), {
    forecastFrom: FORECAST_SECONDS,
    measuredShare: MEASURED_SHARE / count,
  });
  for (const [index, file] of names.entries()) {
    const frames: Rgb8[] = [];
    const request: InstantRequest = {
      ...{ ...options, size: { width: size.width, height: size.height }, start },
      ...{ seed: (seed + index) % 2 ** 32, ...(keep && { keep }) },
    };
    const picture = await instantPicture(photos, request, open, (step) => {
      progress.show((index + shareDone(pairs, step)) / count);
      if (args.has("gif")) frames.push(frameOf(step.picture, size));
    });
    folder.writePicture(file, picture);
    const end = Array.from({ length: GIF_END }, () => toRgb8(picture));
    if (args.has("gif")) folder.write(gifOf(file), encodeGif([...frames, ...end], GIF_FPS));
  }
  const files = folder.commit();
  session.note(`${counted(count, "picture")} of ${sizeText(size)}, on ${adapter}`);
  const { patch, coarsest } = options;
  showResults(args, session, files, { files, size: sizeText(size), seed, patch, coarsest, adapter });
}

const nameOf = (file: string): string => basename(file, extname(file));

/** File systems have names of at most 255 bytes. */
const LONGEST_NAME = 100;

/** Where these pictures are written by default: not over those of other flags. */
function folderName(args: Args, seed: number): string {
  const values = ["max-size", "size", "tile", "freedom", "patch", "coarsest", "eta", "on"].filter((flag) => args.has(flag));
  const files = ["keep", "from", "mask"].filter((flag) => args.has(flag));
  const others = args.words.length - 1;
  const parts = [
    ...[nameOf(args.words[0]!), "instant"],
    ...(others > 0 ? [`and-${others}-more`] : []),
    ...(seed > 0 ? [`seed${seed}`] : []),
    ...(args.has("retarget") ? ["retarget"] : []),
    ...values.map((flag) => `${flag}-${args.text(flag)}`),
    ...files.map((flag) => `${flag}-${nameOf(args.text(flag)!)}`),
  ];
  return parts.join("-").slice(0, LONGEST_NAME);
}

/** The flags that need no photo. Throws UsageError. */
function readFlags(args: Args): { size: Size | undefined; options: Partial<InstantOptions> } {
  const text = args.text("size");
  const size = text === undefined ? undefined : readSize("size", text, "400x250");
  const given = (name: "patch" | "coarsest" | "eta") => {
    const value = args.number(name);
    return value === undefined ? {} : { [name]: value };
  };
  const needs = (flag: string, other: string) => {
    if (args.has(flag) && !args.has(other)) throw new UsageError(`--${flag} is for --${other}`);
  };
  needs("freedom", "from");
  needs("mask", "from");
  needs("retarget", "size");
  const starts = ["retarget", "from"].filter((name) => args.has(name));
  if (starts.length > 1) throw new UsageError("--retarget begins with the photo, and --from with a picture: give one of them");
  if (args.has("keep") && args.has("mask"))
    throw new UsageError("--keep says what stays, and --mask what changes: give one of them");
  if (args.has("keep") && args.has("size")) throw new UsageError("--keep needs pictures of the photo's size, without --size");
  const freedom = args.number("freedom") ?? 0.5;
  if (freedom < 0 || freedom > 1) throw new UsageError(`--freedom must be from 0 to 1, not ${freedom}`);
  const wraps = tileFlag(args);
  return { size, options: { ...given("patch"), ...given("coarsest"), ...given("eta"), ...(wraps && { wraps }) } };
}

interface Inputs {
  readonly from: Planes | null;
  readonly keep: Mask | null;
  readonly mask: Mask | null;
}

/** What pictures begin with, and what of them stays. */
function startOf(
  args: Args,
  { from, keep, mask }: Inputs,
  photo: Planes,
  size: Size,
): { start: Start; keep?: InstantRequest["keep"] } {
  const picture = from && imresizeTo(from, size);
  const start: Start = picture
    ? { kind: "picture", picture, freedom: args.number("freedom") ?? 0.5 }
    : { kind: args.has("retarget") ? "photo" : "noise" };
  if (keep) return { start, keep: { picture: photo, mask: maskOfSize(keep, size) } };
  if (!mask || !picture) return { start };
  const changing = maskOfSize(mask, size);
  return { start, keep: { picture, mask: { ...changing, data: changing.data.map((set) => 1 - set) } } };
}

/** A step's picture at the size of the finished one. */
function frameOf(picture: Planes, size: Size): Rgb8 {
  if (isSameSize(picture, size)) return toRgb8(picture);
  return toRgb8(imresizeTo({ ...picture, data: picture.data.map((v) => Math.min(1, Math.max(-1, v))) }, size));
}
