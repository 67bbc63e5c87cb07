// singan eval MODEL|DIR: measures how well samples match the photo.

import { basename, dirname, join } from "node:path";
import { type Rgb8, toRgb8 } from "../../image/planes.ts";
import { edgeFigures, inceptionFigures, reconstructionFigures, sampleFigures } from "../../metrics/figures.ts";
import { toPicture } from "../../metrics/picture.ts";
import { resizeLikePillow } from "../../metrics/pillow-resize.ts";
import { LEAST_SIDE } from "../../metrics/wasserstein.ts";
import { isStretched } from "../../singan/generation/applications/inject.ts";
import type { AnyModel } from "../../singan/model/model.ts";
import { openSampler } from "../../singan/recipes.ts";
import { type Args, type Command, UsageError } from "../args.ts";
import { openGpu } from "../gpu.ts";
import { INCEPTION_PACKAGE, loadInception } from "../inception.ts";
import { OutputFolder } from "../output-folder.ts";
import { FileError, isDirectory, modelPath, pngNames, readAnyModelAt, readPhoto, shown } from "../read-files.ts";
import { counted, noteUnfinished, sizeText, table } from "../report.ts";
import type { Session } from "../session.ts";

/** In the order of the table. The names are the keys of the JSON report. */
const ROWS: readonly (readonly [name: string, better: "↑" | "↓" | "", decimals: number, meaning: string])[] = [
  ["swd", "↓", 5, "sliced Wasserstein distance between 7x7 patches; 0.8 d if all values are off by d"],
  ["swd_sd", "", 5, "standard deviation of swd over the samples"],
  ["swd_levels", "↓", 5, "swd at full, half and quarter size, as long as both sides have 16 px"],
  ["swd_pooled", "↓", 5, "swd of the patches of all samples as one set: the error that all samples share"],
  ["swd_detail", "↓", 5, "swd without the mean colour of each patch: shows blur and noise, not layout"],
  ["diversity", "↑", 5, "deviation of a pixel over the samples / deviation of the photo over its pixels"],
  ["nn_fidelity", "↓", 5, "distance from sample patches to the nearest in the photo: 0 = no false detail"],
  ["nn_coverage", "↓", 5, "distance from photo patches to the nearest in the samples: 0 = nothing missing"],
  ["colour", "↓", 5, "Wasserstein distance between the colour histograms"],
  ["in_place", "↓", 5, "share of a sample's patches whose nearest photo patch lies at their place, to 1 px"],
  ["largest_copy", "↓", 5, "the largest piece of a sample that is one piece of the photo, as a share of the sample"],
  ["frechet_inception64", "↓", 5, "Fréchet distance between Inception features; not comparable to published SIFID"],
  ["frechet_inception64_sd", "", 5, "standard deviation of frechet_inception64 over the samples"],
  ["edge_x", "", 5, "with --tile: mean step across the left and right border / mean step inside; 1 = seamless"],
  ["edge_y", "", 5, "with --tile: the same for the upper and lower border"],
  ["psnr", "↑", 3, "PSNR of the reconstruction, in dB"],
  ["ssim", "↑", 5, "SSIM of the reconstruction's luma (Wang et al. 2004)"],
];

const DEFAULT_SAMPLES = 20;

export const evalCommand: Command = {
  name: "eval",
  summary: "measure how well samples match the photo",
  words: ["MODEL|DIR"],
  details: [
    "With MODEL, new samples of the model are measured. With DIR, the samples are the files sample*.png, or else\n" +
      "samples/*.png (where singan train writes them), or else every *.png except real, rec, reconstruction, scales and\n" +
      "sheet. All samples must have one size. A photo of another size is resized to it.",
    "The same pictures always have the same figures. Compare nn_fidelity and nn_coverage only for equal sizes and numbers of\n" +
      `samples. The Fréchet distance needs the npm package ${INCEPTION_PACKAGE}, installed next to this program.`,
    [
      "Figures (↑ higher is better, ↓ lower is better)",
      ...ROWS.map(([name, better, , meaning]) => `  ${name.padEnd(22)} ${better || " "} ${meaning}`),
    ].join("\n"),
  ],
  flags: {
    "against PHOTO": "the picture to compare with (default: the photo in the model, or in the model in DIR)",
    "samples N": `number of samples of MODEL (default: ${DEFAULT_SAMPLES})`,
    "seed N": "seed of the samples of MODEL (default: 0)",
    "rec FILE": "reconstruction (default: the model's; in DIR reconstruction.png or rec.png)",
    tile: "also measure how seamless the samples are as tiles",
    "out FILE": "also write the report to this file, as JSON",
  },
  examples: [
    ["singan eval out/photo/model.safetensors", "measures 20 new samples"],
    ["singan eval out/photo --json", "measures the samples that singan train wrote"],
    ["singan eval model.safetensors --samples 50 --seed 1 --out figures.json", "writes the report to a file, too"],
  ],
  run,
};

interface Named {
  readonly name: string;
  readonly picture: Rgb8;
}
/** The pictures to measure: samples, and a reconstruction and the model's photo if there are any. */
interface Subject {
  readonly samples: readonly Named[];
  readonly reconstruction: Named | null;
  readonly photo: Named | null;
  /** Where the samples come from, for the report. */
  readonly source: object;
}

async function run(args: Args, session: Session): Promise<void> {
  const path = args.words[0]!;
  const out = args.text("out");
  const folder = out === undefined ? null : OutputFolder.open(session, dirname(out), [basename(out)]);

  const isFolder = isDirectory(path);
  const against = args.text("against");
  if (isFolder) {
    const ofModel = ["samples", "seed"].find((name) => args.has(name));
    if (ofModel) throw new UsageError(`--${ofModel} is for a MODEL; in a folder all samples are measured`);
  }
  const given = against === undefined ? null : await named(against, session);
  const subject = isFolder ? await fromFolder(path, args, session) : await fromModel(path, args, session);
  const photo = given ?? subject.photo;
  if (!photo) throw new UsageError("--against PHOTO is missing: the folder has no model whose photo could be used");
  const { report, notes } = await measure(subject, photo, args.has("tile"), session);

  for (const note of notes) session.note(note);
  const json = JSON.stringify({ ...subject.source, against: against ?? null, ...report });
  folder?.write(basename(out!), `${json}\n`);
  folder?.commit();
  if (args.has("json")) session.result(json);
  else for (const line of describe(report)) session.result(line);
}

const named = async (path: string, session: Session): Promise<Named> => ({
  ...{ name: shown(path), picture: await readPhoto(path, session) },
});

/** Makes the reconstruction and the same samples as `singan sample`. */
async function fromModel(path: string, args: Args, session: Session): Promise<Subject> {
  const count = args.whole("samples", DEFAULT_SAMPLES, 2, 1000);
  const seed = args.seed;
  const rec = args.text("rec");
  const given = rec === undefined ? null : await named(rec, session);
  const model = readAnyModelAt(path);
  noteUnfinished(session, model);
  const sampler = await openSampler(await openGpu(session), model);
  const samples: Named[] = [];
  for (let index = 0; index < count; index++)
    samples.push({ name: `sample ${index}`, picture: toRgb8(await sampler.sample({ seed, index })) });
  const reconstruction = given ?? { name: "the reconstruction", picture: toRgb8(await sampler.reconstruction()) };
  await sampler.dispose();
  return { samples, reconstruction, photo: photoOf(model), source: { model: path, seed } };
}

const photoOf = (model: AnyModel): Named => ({ name: "the model's photo", picture: toRgb8(model.photo) });

const NOT_SAMPLES = /^(real|rec|reconstruction|scales|sheet[^.]*)\./;

async function fromFolder(path: string, args: Args, session: Session): Promise<Subject> {
  const names = pngNames(path);
  const [top, below] = [names.filter((name) => name.startsWith("sample")), join(path, "samples")];
  const choices = [
    () => top.map((name) => join(path, name)),
    () => (isDirectory(below) ? pngNames(below).map((name) => join(below, name)) : []),
    () => names.filter((name) => !NOT_SAMPLES.test(name)).map((name) => join(path, name)),
  ];
  const files = choices.map((choice) => choice()).find((found) => found.length > 0);
  if (!files) throw new FileError(`there are no samples in ${shown(path)}: no sample*.png, no samples/*.png and no other *.png`);
  const own = ["reconstruction.png", "rec.png"].find((name) => names.includes(name));
  const rec = args.text("rec") ?? (own && join(path, own));
  const model = modelPath(path);
  const samples: Named[] = [];
  for (const file of files) samples.push(await named(file, session));
  return {
    samples,
    reconstruction: rec === undefined ? null : await named(rec, session),
    photo: args.has("against") || model === path ? null : photoOf(readAnyModelAt(model)),
    source: { folder: path },
  };
}

/** Returns to the event loop once, so that signals are handled. */
const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

type Report = Readonly<Record<string, number | null | readonly number[]>>;

/** Returns all figures, and notes for the user about them. Throws FileError if the sizes of the pictures don't fit. */
async function measure(
  { samples, reconstruction }: Subject,
  photo: Named,
  isTile: boolean,
  session: Session,
): Promise<{ report: Report; notes: string[] }> {
  const [first] = samples as [Named];
  const { width, height } = first.picture;
  for (const other of [...samples, ...(reconstruction ? [reconstruction] : [])]) {
    if (sizeText(other.picture) !== sizeText(first.picture))
      throw new FileError(
        `all pictures must have one size, but ${other.name} is ${sizeText(other.picture)} and ${first.name} is ${sizeText(first.picture)}`,
      );
  }
  if (Math.min(width, height) < LEAST_SIDE)
    throw new FileError(`the samples are ${sizeText(first.picture)}, but both sides must have at least ${LEAST_SIDE} px`);
  session.note(`measuring ${counted(samples.length, "sample")} of ${sizeText(first.picture)} against ${photo.name} …`);

  const isResized = sizeText(photo.picture) !== sizeText(first.picture);
  const real = toPicture(resizeLikePillow(photo.picture, { width, height }));
  const pictures = samples.map(({ picture }) => toPicture(picture));
  const inception = await loadInception();
  const notes = [
    isResized
      ? `${photo.name} was resized${isStretched(photo.picture, first.picture) ? " and stretched" : ""} from ${sizeText(photo.picture)} (antialiased bicubic)`
      : "",
    inception ? "" : `no Fréchet distance: the npm package ${INCEPTION_PACKAGE} is not installed next to this program`,
    reconstruction ? "" : "no PSNR and SSIM: the folder has no reconstruction.png or rec.png; --rec FILE names another file",
  ].filter((note) => note !== "");
  const report = {
    ...{ width, height, samples: samples.length },
    real_resized_from: isResized ? [photo.picture.width, photo.picture.height] : null,
    ...(await sampleFigures(real, pictures, pause)),
    ...(isTile ? edgeFigures(pictures) : {}),
    ...(inception ? await inceptionFigures(real, pictures, inception, pause) : {}),
    ...(reconstruction ? reconstructionFigures(real, toPicture(reconstruction.picture)) : {}),
  };
  return { report, notes };
}

function describe(report: Report): string[] {
  const shownValue = (value: number | null, decimals: number): string => (value === null ? "∞ (equal)" : value.toFixed(decimals));
  const rows = ROWS.filter(([name]) => report[name] !== undefined).map(([name, better, decimals, meaning]) => {
    const values = [report[name]!].flat() as (number | null)[];
    return [name, better, values.map((value) => shownValue(value, decimals)).join(" "), meaning];
  });
  return table([["figure", "", "value", "meaning (↑ higher is better, ↓ lower is better)"], ...rows]);
}
