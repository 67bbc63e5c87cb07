// singan animate MODEL: writes an animation from a trained model as GIF, APNG or single frames; --loop makes it repeat without a jump.

import { dirname, join } from "node:path";
import { deflateSync } from "node:zlib";
import { encodeApng, MAX_APNG_FPS } from "../../image/apng.ts";
import { encodeGif } from "../../image/gif.ts";
import { gifDelay, MAX_GIF_FPS } from "../../image/gif-delay.ts";
import { type Rgb8, toRgb8 } from "../../image/planes.ts";
import { ANIMATION, type AnimationOptions, animate, animationPath } from "../../singan/generation/applications/animation.ts";
import { trainedSize } from "../../singan/generation/sampling.ts";
import { SinganSampler } from "../../singan/generation/singan-sampler.ts";
import { megabytes } from "../../singan/training/plan.ts";
import { type Args, type Command, UsageError } from "../args.ts";
import { choice } from "../flag-values.ts";
import { openGpu } from "../gpu.ts";
import { OutputFolder } from "../output-folder.ts";
import { ShareDone } from "../progress.ts";
import { modelPath, readModelAt } from "../read-files.ts";
import { counted, showResults, sizeText } from "../report.ts";
import type { Session } from "../session.ts";
import { inFlags } from "../training-flags.ts";

const FORMATS = ["gif", "apng", "png"] as const;
const NAMES = { gif: "animation.gif", apng: "animation.png" } as const;
const FRAMES = "animation";
const FRAME_NAMES = /^\d{4,}\.png$/;
const MAX_FRAMES = 10_000;
/** The frames of one file are held in memory until all are rendered: GIF has one palette for all of them. */
const MAX_HELD_BYTES = 1e9;

export const animateCommand: Command = {
  name: "animate",
  summary: "make an animation from a model",
  words: ["MODEL"],
  details: [
    "The noise of each scale walks at random around the noise of the photo's reconstruction. The same model and flags produce\n" +
      "the same frames (on one GPU and driver). With --loop the walk ends where it began: the last frame is followed by the\n" +
      "first as smoothly as by any other.",
    "Any model of the recipes singan and sr can be animated. The best ones are trained for it, with noise up to the borders\n" +
      "and a coarsest side of 20 px: singan train PHOTO --preset animation has the size of the paper, and\n" +
      "singan train PHOTO --min-size 20 --noise-padding is fast enough for any computer.",
    "A GIF has 256 colours for all frames, and each frame lasts a whole number of hundredths of a second. An APNG, which\n" +
      "browsers show, is exact.",
  ],
  flags: {
    "out DIR": "folder for the result (default: the model's); old frames are deleted, other files stay",
    "format gif|apng|png": "animation.gif, animation.png (APNG) or frames animation/0000.png … (default: gif)",
    "frames N": `number of frames (default: ${ANIMATION.frames})`,
    "fps N": "frames per second (default: 10)",
    "alpha F": `0 to 1: a larger value stays nearer to the photo (default: ${ANIMATION.alpha})`,
    "beta F": `0 to 1: a larger value moves more smoothly and slowly (default: ${ANIMATION.beta})`,
    "start-scale N": "the scales below it stand still (default: 0, everything moves)",
    loop: "end where it began, so that it repeats without a jump",
    "seed N": "another seed makes another walk (default: 0)",
  },
  examples: [
    ["singan animate out/photo --loop", "ten seconds, repeated without end"],
    ["singan animate out/photo --start-scale 2 --beta 0.95 --loop", "calm: only details move"],
    ["singan animate out/photo --frames 48 --fps 24 --format apng", "exact colours"],
  ],
  run,
};

async function run(args: Args, session: Session): Promise<void> {
  const file = modelPath(args.words[0]!);
  const format = choice(args, "format", FORMATS, "gif");
  const options: AnimationOptions = {
    frames: args.whole("frames", ANIMATION.frames, 1, MAX_FRAMES),
    seed: args.seed,
    alpha: args.number("alpha") ?? ANIMATION.alpha,
    beta: args.number("beta") ?? ANIMATION.beta,
    startScale: args.number("start-scale") ?? ANIMATION.startScale,
    loop: args.has("loop"),
  };
  const fps = args.whole("fps", 10, 1, format === "gif" ? MAX_GIF_FPS : MAX_APNG_FPS);
  const model = readModelAt(file, "animation");
  inFlags(() => animationPath(model, options));
  const size = trainedSize(model);
  const bytes = 3 * size.width * size.height * options.frames;
  if (format !== "png" && bytes > MAX_HELD_BYTES)
    throw new UsageError(
      `${options.frames} frames of ${sizeText(size)} take ${megabytes(bytes)}, and one file can have at most ${megabytes(MAX_HELD_BYTES)}: ` +
        "use fewer --frames, or --format png",
    );

  const path = args.text("out") ?? dirname(file);
  const frameName = (index: number) => join(FRAMES, `${String(index).padStart(4, "0")}.png`);
  const names = format === "png" ? Array.from({ length: options.frames }, (_, i) => frameName(i)) : [NAMES[format]];
  const folder = OutputFolder.open(session, path, names);
  const gpu = await openGpu(session);
  const sampler = await SinganSampler.load(gpu, model);
  const progress = new ShareDone(session, "frames");
  const held: Rgb8[] = [];
  let done = 0;
  for await (const frame of animate(sampler, options)) {
    if (format === "png") folder.writePicture(names[done]!, frame);
    else held.push(toRgb8(frame));
    progress.show(++done / options.frames);
  }
  await sampler.dispose();
  if (format !== "png") folder.write(names[0]!, format === "gif" ? encodeGif(held, fps) : encodeApng(held, fps, deflateSync));
  const written = folder.commit(format === "png" ? { stale: { folder: FRAMES, names: FRAME_NAMES } } : {});

  session.note(`${counted(options.frames, "frame")} of ${sizeText(size)}, on ${gpu.adapterName}`);
  const shown = format === "gif" ? 100 / gifDelay(fps) : fps;
  if (shown !== fps)
    session.note(`GIF counts hundredths of a second: ${gifDelay(fps)} per frame, ${shown.toFixed(1)} frames per second`);
  showResults(args, session, written, { files: written, format, size: sizeText(size), ...options, fps: shown });
}
