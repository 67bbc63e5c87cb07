// singan eval MODEL|DIR: how well samples match the photo that they were learnt from, in figures.

import { basename, dirname, join } from "node:path";
import { type Rgb8, toRgb8 } from "../../image/planes.ts";
import { inceptionFigures, reconstructionFigures, sampleFigures } from "../../metrics/figures.ts";
import { toPicture } from "../../metrics/picture.ts";
import { resizeLikePillow } from "../../metrics/pillow-resize.ts";
import { LEAST_SIDE } from "../../metrics/wasserstein.ts";
import { isStretched } from "../../singan/generation/applications/inject.ts";
import type { AnyModel } from "../../singan/model/model.ts";
import { openSampler } from "../../singan/recipes.ts";
import { type Args, type Command, UsageError } from "../args.ts";
import { FileError, shown } from "../file-error.ts";
import { openGpu } from "../gpu.ts";
import { INCEPTION_PACKAGE, loadInception } from "../inception.ts";
import { OutputFolder } from "../output-folder.ts";
import { isDirectory, modelPath, pngNames, readAnyModelAt, readPhoto } from "../read-files.ts";
import type { Session } from "../session.ts";
import { sizeText } from "../sizes.ts";
import { table } from "../table.ts";

interface Row {
  readonly name: string;
  readonly better: "↑" | "↓" | "";
  readonly decimals: number;
  readonly meaning: string;
}
const row = (name: string, better: Row["better"], decimals: number, meaning: string): Row => ({
  name,
  better,
  decimals,
  meaning,
});

/** In the table's order. The names are those of the JSON. */
const ROWS: readonly Row[] = [
  row("swd", "↓", 5, "sliced Wasserstein distance of 7x7 patches; a grey shift of d gives about 0.8 d"),
  row("swd_sd", "", 5, "its standard deviation over samples"),
  row("swd_levels", "↓", 5, "swd per level: full size, 1/2, 1/4, as far as both sides have 16 px"),
  row("swd_pooled", "↓", 5, "swd of all samples' patches as one set: the error that they share"),
  row("swd_detail", "↓", 5, "swd without each patch's mean colour: blur and noise, not layout"),
  row("diversity", "↑", 5, "a pixel's deviation over samples / the photo's deviation over pixels"),
  row("nn_fidelity", "↓", 5, "sample patch to nearest photo patch: 0 where all detail is the photo's"),
  row("nn_coverage", "↓", 5, "photo patch to nearest sample patch: 0 where nothing is missing"),
  row("colour", "↓", 5, "Wasserstein distance of the colour histograms"),
  row("frechet_inception64", "↓", 5, "Fréchet distance of Inception features; not the published SIFID"),
  row("frechet_inception64_sd", "", 5, "its standard deviation over samples"),
  row("psnr", "↑", 3, "of the reconstruction, dB"),
  row("ssim", "↑", 5, "of the reconstruction's luma (Wang et al. 2004)"),
];

const DEFAULT_SAMPLES = 20;

export const evalCommand: Command = {
  name: "eval",
  summary: "tell in figures how well samples match their photo",
  words: ["MODEL|DIR"],
  details: [
    "MODEL draws its samples for this. In DIR they are the files sample*.png, else samples/*.png (as singan train writes\n" +
      "them), else every *.png but real, rec, reconstruction, scales and sheet; all of one size. The photo is resized to it\n" +
      "where it differs.",
    "The same pictures give the same figures; compare nn_fidelity and nn_coverage at equal sizes and numbers of samples.\n" +
      `The Fréchet distance needs the npm package ${INCEPTION_PACKAGE} beside this program.`,
    ["Figures (↑ higher is better, ↓ lower)", ...ROWS.map((r) => `  ${r.name.padEnd(22)} ${r.better || " "} ${r.meaning}`)].join(
      "\n",
    ),
  ],
  groups: [
    {
      title: "Flags",
      flags: [
        { name: "against", value: "PHOTO", help: "PNG or JPEG (default: the photo inside the model, or inside the one in DIR)" },
        { name: "samples", value: "N", isNumber: true, help: `how many a model draws (default: ${DEFAULT_SAMPLES})` },
        { name: "seed", value: "N", isNumber: true, help: "of a model's samples (default: 0)" },
        { name: "rec", value: "FILE", help: "the reconstruction (default: the model's; reconstruction.png or rec.png in DIR)" },
        { name: "out", value: "FILE", help: "write the report there too, as JSON" },
      ],
    },
  ],
  examples: [
    ["singan eval out/photo/model.safetensors", "20 new samples against its photo"],
    ["singan eval out/photo --json", "the samples that singan train wrote"],
    ["singan eval model.safetensors --samples 50 --seed 1 --out figures.json", "more and other samples, into a file"],
  ],
  run,
};

interface Named {
  readonly name: string;
  readonly picture: Rgb8;
}
/** What is compared: samples, all of one size, and perhaps a reconstruction and the model's own photo. */
interface Subject {
  readonly samples: readonly Named[];
  readonly reconstruction: Named | null;
  readonly photo: Named | null;
  /** For the report. */
  readonly facts: object;
}

async function run(args: Args, session: Session): Promise<void> {
  const path = args.words[0]!;
  const out = args.text("out");
  const folder = out === undefined ? null : OutputFolder.open(dirname(out), [basename(out)]);
  session.onExit(() => folder?.discard());

  const isFolder = isDirectory(path);
  const against = args.text("against");
  if (isFolder) {
    const ofModel = ["samples", "seed"].find((name) => args.has(name));
    if (ofModel) throw new UsageError(`--${ofModel} is for a MODEL, which draws its samples; those in a folder are all taken`);
  }
  const given = against === undefined ? null : named(against);
  const subject = isFolder ? fromFolder(path, args) : await fromModel(path, args, session);
  const photo = given ?? subject.photo;
  if (!photo) throw new UsageError("--against PHOTO is missing: what are the pictures in the folder compared with?");
  const { report, notes } = await measure(subject, photo, session);

  for (const note of notes) session.note(note);
  const json = JSON.stringify({ ...subject.facts, against: against ?? null, ...report });
  folder?.write(basename(out!), `${json}\n`);
  folder?.commit();
  if (args.has("json")) session.result(json);
  else for (const line of describe(report)) session.result(line);
}

/** A transparent picture is seen on white, as training sees it. */
const named = (path: string): Named => ({ name: shown(path), picture: readPhoto(path) });

/** Draws samples, as `singan sample` draws them, and the reconstruction. */
async function fromModel(path: string, args: Args, session: Session): Promise<Subject> {
  const count = args.whole("samples", DEFAULT_SAMPLES, 2, 1000);
  const seed = args.whole("seed", 0, 0, 2 ** 32 - 1);
  const rec = args.text("rec");
  const given = rec === undefined ? null : named(rec);
  const model = readAnyModelAt(path);
  const sampler = await openSampler(await openGpu(session), model);
  const samples: Named[] = [];
  for (let index = 0; index < count; index++)
    samples.push({ name: `sample ${index}`, picture: toRgb8(await sampler.sample({ seed, index })) });
  const reconstruction = given ?? { name: "the reconstruction", picture: toRgb8(await sampler.reconstruction()) };
  await sampler.dispose();
  return {
    samples,
    reconstruction,
    photo: photoOf(model),
    facts: { model: path, seed },
  };
}

const photoOf = (model: AnyModel): Named => ({ name: "the model's photo", picture: toRgb8(model.photo) });

const NOT_SAMPLES = /^(real|rec|reconstruction|scales|sheet[^.]*)\./;

function fromFolder(path: string, args: Args): Subject {
  const names = pngNames(path);
  const [top, below] = [names.filter((name) => name.startsWith("sample")), join(path, "samples")];
  const choices = [
    () => top.map((name) => join(path, name)),
    () => (isDirectory(below) ? pngNames(below).map((name) => join(below, name)) : []),
    () => names.filter((name) => !NOT_SAMPLES.test(name)).map((name) => join(path, name)),
  ];
  const files = choices.map((choice) => choice()).find((found) => found.length > 0);
  if (!files) throw new FileError(`there are no samples in ${shown(path)}: no sample*.png, no samples/*.png, no other *.png`);
  const own = ["reconstruction.png", "rec.png"].find((name) => names.includes(name));
  const rec = args.text("rec") ?? (own && join(path, own));
  const model = modelPath(path);
  return {
    samples: files.map(named),
    reconstruction: rec === undefined ? null : named(rec),
    photo: args.has("against") || model === path ? null : photoOf(readAnyModelAt(model)),
    facts: { folder: path },
  };
}

/** Lets an interrupt through. */
const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

type Report = Readonly<Record<string, number | null | readonly number[]>>;

/** All figures, and what whoever reads them should know. Throws FileError where sizes don't fit. */
async function measure(
  { samples, reconstruction }: Subject,
  photo: Named,
  session: Session,
): Promise<{ report: Report; notes: string[] }> {
  const [first] = samples as [Named];
  const { width, height } = first.picture;
  for (const other of [...samples, ...(reconstruction ? [reconstruction] : [])]) {
    if (sizeText(other.picture) !== sizeText(first.picture))
      throw new FileError(
        `${other.name} is ${sizeText(other.picture)}, ${first.name} is ${sizeText(first.picture)}: all must be of one size`,
      );
  }
  if (Math.min(width, height) < LEAST_SIDE)
    throw new FileError(`the samples are ${sizeText(first.picture)}: both sides must have at least ${LEAST_SIDE} px`);
  session.note(
    `measuring ${samples.length} sample${samples.length === 1 ? "" : "s"} of ${sizeText(first.picture)} against ${photo.name} …`,
  );

  const isResized = sizeText(photo.picture) !== sizeText(first.picture);
  const real = toPicture(resizeLikePillow(photo.picture, { width, height }));
  const pictures = samples.map(({ picture }) => toPicture(picture));
  const inception = await loadInception();
  const notes = [
    isResized
      ? `${photo.name} was resized${isStretched(photo.picture, first.picture) ? " and stretched" : ""} from ${sizeText(photo.picture)} (antialiased bicubic)`
      : "",
    inception ? "" : `no Fréchet distance: it needs ${INCEPTION_PACKAGE}, which is not installed beside this program`,
    reconstruction ? "" : "no PSNR and SSIM: there is no reconstruction.png or rec.png; --rec FILE names one",
  ].filter((note) => note !== "");
  const report = {
    ...{ width, height, samples: samples.length },
    real_resized_from: isResized ? [photo.picture.width, photo.picture.height] : null,
    ...(await sampleFigures(real, pictures, pause)),
    ...(inception ? await inceptionFigures(real, pictures, inception, pause) : {}),
    ...(reconstruction ? reconstructionFigures(real, toPicture(reconstruction.picture)) : {}),
  };
  return { report, notes };
}

/** One line per figure that there is. */
function describe(report: Report): string[] {
  const shownValue = (value: number | null, decimals: number): string => (value === null ? "∞ (equal)" : value.toFixed(decimals));
  const rows = ROWS.filter(({ name }) => report[name] !== undefined).map(({ name, better, decimals, meaning }) => {
    const values = [report[name]!].flat() as (number | null)[];
    return [name, better, values.map((value) => shownValue(value, decimals)).join(" "), meaning];
  });
  return table([["figure", "", "value", "meaning (↑ higher is better, ↓ lower)"], ...rows]);
}
