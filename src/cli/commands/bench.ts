// singan bench --profile: times every kernel of an iteration, at every scale.

import { PyramidError } from "../../singan/model/pyramid.ts";
import { planWithoutGpu, profileScale } from "../../singan/recipes.ts";
import type { ScaleProfile } from "../../singan/training/profile.ts";
import { type Args, type Command, UsageError } from "../args.ts";
import { readSize } from "../flag-values.ts";
import { openGpu, tuneFor } from "../gpu.ts";
import { rewording } from "../read-files.ts";
import { sizeText, table } from "../report.ts";
import type { Session } from "../session.ts";
import { flagName, givenOptions, inFlags, TRAIN_FLAGS } from "../training-flags.ts";

const DEFAULT_SIZE = "250x188";
/** Training flags that do not change the time of an iteration. */
const OMITTED_FLAGS = [
  "iterations",
  "lr",
  "lrDropAt",
  "lrScale",
  "averageOver",
  "alphaRec",
  "alphaShare",
  "lambdaGp",
  "noiseAmp",
  "seed",
].map(flagName);

export const benchCommand: Command = {
  name: "bench",
  summary: "time the kernels of a training on this computer",
  words: [],
  details: [
    "For each scale, shows the wall time and the number of dispatches of an iteration. For each op and kernel, shows calls\n" +
      "per iteration, milliseconds, share of the time in kernels, GFLOP/s (convolutions only, counted as direct sums) and\n" +
      "GB/s (every bound buffer counted once). Trains on noise instead of a photo, which takes the same time.",
    "Kernels are timed by the GPU's clock, each in a pass of its own, which makes each a little slower. So for at least\n" +
      "the share 1 − (sum of all kernels' times)/(wall time) of an iteration no kernel runs. Whole iterations and single\n" +
      "kernels are timed alternately, in 3 to 7 rounds. The figures are those of the round with the median share.",
  ],
  flags: {
    profile: "time the kernels of a training (required)",
    "size WxH": `size of the photo (default: ${DEFAULT_SIZE})`,
    "scales N|N-M|all": "scales of the photo's pyramid to time; 0 is the coarsest (default: all)",
  },
  options: TRAIN_FLAGS.filter(({ name }) => !OMITTED_FLAGS.includes(name)),
  examples: [
    ["singan bench --profile", "times the kernels at every scale"],
    ["singan bench --profile --scales 0-4 --json", "times the first five scales and prints JSON"],
    ["singan bench --profile --size 64x48 --channels 16", "times a small photo with few channels"],
  ],
  run,
};

async function run(args: Args, session: Session): Promise<void> {
  if (!args.has("profile")) throw new UsageError("bench needs --profile; `npm run bench` compares with other libraries");
  const photo = readSize("size", args.text("size") ?? DEFAULT_SIZE, DEFAULT_SIZE);
  const asked = { preset: "full", options: givenOptions(args) } as const;
  const ofSize = (message: string) => new UsageError(`--size: ${message}`);
  const plan = rewording(PyramidError, ofSize, () => inFlags(() => planWithoutGpu(photo, asked)));
  const { options, pyramid } = plan;
  const scales = readScales(args.text("scales") ?? "all", pyramid.stopScale);

  const gpu = await openGpu(session);
  const isJson = args.has("json");
  if (!isJson) session.result(`${sizeText(photo)}, ${pyramid.sizes.length} scales, on ${gpu.adapterName}`);
  const used = new Set(scales);
  await tuneFor(gpu, session, plan, (scale) => used.has(scale));
  const profiles: ScaleProfile[] = [];
  for (const scale of scales) {
    session.note(`timing scale ${scale}, ${sizeText(pyramid.sizes[scale]!)}: whole iterations, and single kernels`);
    const profile = await profileScale(gpu, pyramid, options, scale);
    profiles.push(profile);
    if (!isJson) for (const line of describe(profile)) session.result(line);
  }
  if (!isJson) return;
  const adapter = { name: gpu.adapterName, isSoftware: gpu.isSoftware };
  const named = profiles.map((profile) => ({ ...profile, size: sizeText(profile.size) }));
  const { iterations: _, ...given } = options;
  session.result(JSON.stringify({ photo: sizeText(photo), adapter, options: given, scales: named }));
}

function describe({ scale, size, channels, dispatches, wallMs, kernelMs, idleShare, kernels }: ScaleProfile): string[] {
  const head = ["op", "kernel", "calls", "ms", "share", "GFLOP/s", "GB/s"];
  const rate = (value: number | null): string => (value === null ? "–" : value.toFixed(value < 10 ? 2 : 0));
  const rows = kernels.map(({ op, kernel, calls, ms, share, gflops, gbps }) => [
    ...[op, kernel, String(calls), ms.toFixed(3), percent(share), rate(gflops), rate(gbps)],
  ]);
  return [
    "",
    `scale ${scale}: ${sizeText(size)}, ${channels} channels; per iteration ${dispatches} dispatches, ` +
      `${wallMs.toFixed(2)} ms, ${kernelMs.toFixed(2)} ms in kernels; no kernel ran in at least ${percent(idleShare)} of the time`,
    ...table([head, ...rows]),
  ];
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function readScales(text: string, last: number): number[] {
  const [, from, to = from] = /^(\d{1,3})(?:-(\d{1,3}))?$/.exec(text === "all" ? `0-${last}` : text) ?? [];
  const [first, end] = [Number(from), Number(to)];
  if (!(first <= end && end <= last))
    throw new UsageError(`--scales must be all, N or N-M with scales from 0 to ${last}, not ${JSON.stringify(text)}`);
  return Array.from({ length: end - first + 1 }, (_, i) => first + i);
}
