// The training of one photo, as far as there is time: model and pictures of the finished scales are written whenever a scale is done.

import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Gpu } from "../../src/gpu/device.ts";
import { type Labelled, labelledSheet } from "../../src/image/labels.ts";
import { type Planes, toPlanes, toRgb8 } from "../../src/image/planes.ts";
import { encodePng, readPng } from "../../src/image/png.ts";
import type { AnyModel, Preview } from "../../src/singan/model/model.ts";
import { openSampler, planWithoutGpu, train, writeModel } from "../../src/singan/recipes.ts";
import type { PlanOptions, TrainingPlan } from "../../src/singan/training/plan.ts";
import { replaceFile, say } from "../node.ts";

/** On a software adapter the paper's schedule would take days: there a small one shows that everything works. */
const PLANS: Readonly<Record<"software" | "hardware", PlanOptions>> = {
  software: { preset: "preview", options: { channels: 16, maxChannels: 16, iterations: 60 } },
  hardware: { preset: "full", options: {} },
};

const SAMPLES = 3;
/** Small pictures are enlarged in the sheet, px. */
const SHEET_CELL_WIDTH = 256;
/** The sheet also shows the scale in training, as it was at most so long ago. */
const SHEET_MS = 15_000;
const LOG_MS = 1000;

/**
 * Writes progress.ndjson, scales.png, and for the finished scales model.safetensors, samples and reconstruction into `folder`. `prepare` is
 * called before the training starts. Throws where a loss is not finite.
 */
export async function trainPhoto(
  gpu: Gpu,
  file: string,
  folder: string,
  prepare: (plan: Pick<TrainingPlan, "pyramid" | "options">) => Promise<void>,
): Promise<void> {
  const photo = toPlanes(readPng(readFileSync(file)));
  const plan = planWithoutGpu(photo, PLANS[gpu.isSoftware ? "software" : "hardware"]);
  const { options, pyramid } = plan;
  mkdirSync(folder, { recursive: true });
  await prepare(plan);

  const start = performance.now();
  const log = (record: object): void => {
    const seconds = Number(((performance.now() - start) / 1000).toFixed(3));
    appendFileSync(join(folder, "progress.ndjson"), `${JSON.stringify({ seconds, ...record })}\n`);
  };
  log({ adapter: gpu.adapterName, options, sizes: pyramid.sizes });
  const rows: (readonly Labelled[])[] = [];
  const row = (scale: number, { real, reconstruction, sample }: Preview, state: string): readonly Labelled[] => [
    { picture: toRgb8(real), label: `scale ${scale}, photo of ${real.width}x${real.height}` },
    { picture: toRgb8(reconstruction), label: `reconstruction${state}` },
    { picture: toRgb8(sample), label: `sample${state}` },
  ];
  const writeSheet = (all: readonly (readonly Labelled[])[]): void =>
    replaceFile(join(folder, "scales.png"), encodePng(labelledSheet(all, SHEET_CELL_WIDTH)));

  let [loggedAt, sheetAt] = [0, start];
  for await (const event of train(gpu, photo, options)) {
    const now = performance.now();
    if (event.kind === "scale") log({ scale: event.scale, size: event.size, channels: event.channels });
    if (event.kind === "progress") {
      const { scale, iteration, losses } = event;
      if (!Object.values(losses).every(Number.isFinite))
        throw new Error(`scale ${scale}, iteration ${iteration}: a loss is not finite: ${JSON.stringify(losses)}`);
      if (now - loggedAt > LOG_MS) {
        loggedAt = now;
        log({ scale, iteration, losses });
      }
      if (now - sheetAt > SHEET_MS) {
        sheetAt = now;
        writeSheet([...rows, row(scale, (await event.preview())!, ` after ${iteration} iterations`)]);
      }
    }
    if (event.kind === "scaleDone") {
      const { scale, model, preview } = event;
      rows.push(row(scale, preview, ""));
      writeSheet(rows);
      await writeFinished(gpu, folder, model);
      sheetAt = performance.now();
      const { seconds } = model.scales[scale]!;
      log({ scale, done: true, scaleSeconds: seconds, losses: model.scales[scale]!.losses });
      say(`scale ${scale} of ${pyramid.sizes.length}: ${seconds.toFixed(1)} s for ${options.iterations} iterations`);
    }
  }
}

/** The model of the scales that are done, random samples of it and the reconstruction. */
async function writeFinished(gpu: Gpu, folder: string, model: AnyModel): Promise<void> {
  replaceFile(join(folder, "model.safetensors"), writeModel(model));
  const sampler = await openSampler(gpu, model);
  try {
    const png = (picture: Planes): Uint8Array => encodePng(toRgb8(picture));
    for (let index = 0; index < SAMPLES; index++)
      replaceFile(join(folder, `sample-${index}.png`), png(await sampler.sample({ seed: model.options.seed, index })));
    replaceFile(join(folder, "reconstruction.png"), png(await sampler.reconstruction()));
  } finally {
    await sampler.dispose();
  }
}
