// singan sample MODEL: draws new pictures from a trained model.

import { dirname, join } from "node:path";
import { toRgb8 } from "../../image/planes.ts";
import { encodePng } from "../../image/png.ts";
import { openSampler } from "../../singan/sampler.ts";
import type { Args, Command } from "../args.ts";
import { OutputFolder, readAnyModelAt } from "../files.ts";
import { openGpu } from "../gpu.ts";
import type { Session } from "../session.ts";
import { sampleName } from "./train.ts";

export const sampleCommand: Command = {
  name: "sample",
  summary: "draw new pictures from a model",
  words: ["MODEL"],
  details: ["The same model, seed and start scale give the same pictures (on one GPU and driver)."],
  groups: [
    {
      title: "Flags",
      flags: [
        { name: "out", value: "DIR", help: "folder for the pictures (default: samples-seedN beside the model)" },
        { name: "count", value: "N", isNumber: true, help: "how many (default: 8)" },
        { name: "seed", value: "N", isNumber: true, help: "another seed, other pictures (default: 0)" },
        {
          name: "start-scale",
          value: "K",
          isNumber: true,
          help: "keep the photo's layout below this scale (default: 0, everything varies)",
        },
      ],
    },
  ],
  examples: [
    ["singan sample out/photo/model.safetensors --count 20 --seed 7", "20 pictures"],
    ["singan sample out/photo/model.safetensors --start-scale 2", "the photo's layout, other details"],
  ],
  run,
};

async function run(args: Args, session: Session): Promise<void> {
  const file = args.words[0]!;
  const count = args.whole("count", 8, 1, 10_000);
  const seed = args.whole("seed", 0, 0, 2 ** 32 - 1);
  const model = readAnyModelAt(file);
  const startScale = args.whole("start-scale", 0, 0, model.scales.length - 1);
  const path = args.text("out") ?? join(dirname(file), `samples-seed${seed}${startScale > 0 ? `-scale${startScale}` : ""}`);
  const names = Array.from({ length: count }, (_, i) => sampleName(i));
  const folder = OutputFolder.open(path, names);
  session.onExit(() => folder.discard());

  const gpu = await openGpu(session);
  const sampler = await openSampler(gpu, model);
  for (const [index, name] of names.entries()) {
    folder.write(name, encodePng(toRgb8(await sampler.sample({ seed, index, startScale }))));
  }
  await sampler.dispose();
  const paths = folder.commit();
  const { width, height } = model.scales.at(-1)!.size;
  session.note(`${count} pictures of ${width}x${height}, on ${gpu.adapterName}`);
  if (args.has("json")) session.result(JSON.stringify({ samples: paths, size: `${width}x${height}`, seed, startScale }));
  else for (const written of paths) session.result(written);
}
