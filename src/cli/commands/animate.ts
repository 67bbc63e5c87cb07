// singan animate MODEL: a moving picture from a trained model, as GIF, APNG or single frames; endless without a seam by --loop.

import { dirname, join } from "node:path";
import { encodeApng, MAX_APNG_FPS } from "../../image/apng.ts";
import { encodeGif, gifDelay, MAX_GIF_FPS } from "../../image/gif.ts";
import { type Rgb8, toRgb8 } from "../../image/planes.ts";
import { encodePng } from "../../image/png.ts";
import {
  ANIMATION,
  type AnimationOptions,
  animate,
  animationPath,
  frameSize,
} from "../../singan/generation/applications/animation.ts";
import { Sampler } from "../../singan/generation/singan-sampler.ts";
import { type Args, type Command, UsageError } from "../args.ts";
import { openGpu } from "../gpu.ts";
import { megabytes } from "../memory.ts";
import { OutputFolder } from "../output-folder.ts";
import { ShareDone } from "../progress.ts";
import { modelPath, readModelAt } from "../read-files.ts";
import type { Session } from "../session.ts";
import { sizeText } from "../sizes.ts";
import { inFlags } from "../train-options.ts";

const FORMATS = ["gif", "apng", "png"] as const;
const NAMES = { gif: "animation.gif", apng: "animation.png" } as const;
const FRAMES = "animation";
const FRAME_NAMES = /^\d{4,}\.png$/;
const MAX_FRAMES = 10_000;
/** A file's frames are held until all are there: for GIF's one palette, and to write all or nothing. */
const MAX_HELD_BYTES = 1e9;

export const animateCommand: Command = {
  name: "animate",
  summary: "make a moving picture from a model",
  words: ["MODEL"],
  details: [
    "The noise of all scales walks at random around that of the photo's reconstruction. The same model, seed and numbers\n" +
      "give the same frames (on one GPU and driver). With --loop the walk ends where it began: the first frame follows the last\n" +
      "as any other follows the one before.",
    "Any model of one generator per scale can be animated. Best are those trained for it, with noise up to the borders and a\n" +
      "coarsest side of 20 px: singan train PHOTO --preset animation, which is the paper's size, or on any computer\n" +
      "singan train PHOTO --min-size 20 --noise-padding.",
    "GIF has 256 colours for all frames, which last whole hundredths of a second; APNG, which browsers show, is exact.",
  ],
  groups: [
    {
      title: "Flags",
      flags: [
        { name: "out", value: "DIR", help: "folder for the result (default: the model's); other files stay, old frames do not" },
        {
          name: "format",
          value: FORMATS.join("|"),
          help: "animation.gif, animation.png (APNG) or frames animation/0000.png … (default: gif)",
        },
        { name: "frames", value: "N", isNumber: true, help: `how many (default: ${ANIMATION.frames})` },
        { name: "fps", value: "N", isNumber: true, help: "frames per second (default: 10)" },
        {
          name: "alpha",
          value: "F",
          isNumber: true,
          help: `0 to 1: the larger, the nearer to the photo (default: ${ANIMATION.alpha})`,
        },
        {
          name: "beta",
          value: "F",
          isNumber: true,
          help: `0 to 1: the larger, the smoother and slower (default: ${ANIMATION.beta})`,
        },
        { name: "start-scale", value: "N", isNumber: true, help: "scales below it stand still (default: 0, everything moves)" },
        { name: "loop", help: "end where it began, so that it repeats without a jump" },
        { name: "seed", value: "N", isNumber: true, help: "another seed, another walk (default: 0)" },
      ],
    },
  ],
  examples: [
    ["singan animate out/photo --loop", "ten seconds, for ever"],
    ["singan animate out/photo --start-scale 2 --beta 0.95 --loop", "calm: only details move"],
    ["singan animate out/photo --frames 48 --fps 24 --format apng", "exact colours"],
  ],
  run,
};

async function run(args: Args, session: Session): Promise<void> {
  const file = modelPath(args.words[0]!);
  const wanted = args.text("format") ?? "gif";
  const format = FORMATS.find((name) => name === wanted);
  if (!format)
    throw new UsageError(
      `--format must be ${FORMATS.slice(0, -1).join(", ")} or ${FORMATS.at(-1)}, not ${JSON.stringify(wanted)}`,
    );
  const options: AnimationOptions = {
    frames: args.whole("frames", ANIMATION.frames, 1, MAX_FRAMES),
    seed: args.whole("seed", ANIMATION.seed, 0, 2 ** 32 - 1),
    alpha: args.number("alpha") ?? ANIMATION.alpha,
    beta: args.number("beta") ?? ANIMATION.beta,
    startScale: args.number("start-scale") ?? ANIMATION.startScale,
    loop: args.has("loop"),
  };
  const fps = args.whole("fps", 10, 1, format === "gif" ? MAX_GIF_FPS : MAX_APNG_FPS);
  const model = readModelAt(file, "animation");
  inFlags(() => animationPath(model, options));
  const size = frameSize(model);
  const bytes = 3 * size.width * size.height * options.frames;
  if (format !== "png" && bytes > MAX_HELD_BYTES)
    throw new UsageError(
      `${options.frames} frames of ${sizeText(size)} take ${megabytes(bytes)}, and at most ${megabytes(MAX_HELD_BYTES)} are held for one file: ` +
        "take fewer --frames, or --format png",
    );

  const path = args.text("out") ?? dirname(file);
  const frameName = (index: number) => join(FRAMES, `${String(index).padStart(4, "0")}.png`);
  const names = format === "png" ? Array.from({ length: options.frames }, (_, i) => frameName(i)) : [NAMES[format]];
  const folder = OutputFolder.open(path, names);
  session.onExit(() => folder.discard());
  const gpu = await openGpu(session);
  const sampler = await Sampler.load(gpu, model);
  const progress = new ShareDone(session, "frames");
  const held: Rgb8[] = [];
  let done = 0;
  for await (const frame of animate(sampler, options)) {
    if (format === "png") folder.write(names[done]!, encodePng(toRgb8(frame)));
    else held.push(toRgb8(frame));
    progress.show(++done / options.frames);
  }
  await sampler.dispose();
  if (format !== "png") folder.write(names[0]!, (format === "gif" ? encodeGif : encodeApng)(held, fps));
  const written = folder.commit(format === "png" ? { folder: FRAMES, names: FRAME_NAMES } : undefined);

  session.note(`${options.frames} frame${options.frames === 1 ? "" : "s"} of ${sizeText(size)}, on ${gpu.adapterName}`);
  const shown = format === "gif" ? 100 / gifDelay(fps) : fps;
  if (shown !== fps)
    session.note(`GIF counts hundredths of a second: ${gifDelay(fps)} per frame, ${shown.toFixed(1)} frames per second`);
  if (args.has("json")) session.result(JSON.stringify({ files: written, format, size: sizeText(size), ...options, fps: shown }));
  else for (const name of written) session.result(name);
}
