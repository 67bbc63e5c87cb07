// The whole ConSinGAN training: stage by stage, each starting as a copy of the one below it. Official code: train of
// training_generation.py. Hinz, Fisher, Wang, Wermter 2021, Improved Techniques for Training Single-Image GANs.

import { sizeOf } from "../../../autodiff/tensor.ts";
import type { Gpu } from "../../../gpu/device.ts";
import type { Planes } from "../../../image/planes.ts";
import { initialWeights } from "../../../nn/init.ts";
import { imageShape, type Size, type TrainOptions } from "../../model/config.ts";
import type { ConsinganModel, LossRecord, StateDict, TrainEvent } from "../../model/model.ts";
import { buildPyramid, pyramidOf } from "../../model/pyramid.ts";
import {
  discriminatorMacs,
  discriminatorShapes,
  generatorShapes,
  type Part,
  partMacs,
  partsOf,
  stagePart,
} from "../../networks/consingan-network.ts";
import { PURPOSE, randomKey } from "../../networks/noise.ts";
import { trainedParts } from "./rates.ts";
import { StageTrainer } from "./stage-trainer.ts";

/** Trains a model of `photo`, as train() of ../train.ts tells it; options are resolved and the photo is checked there. */
export async function* trainConsingan(
  gpu: Gpu,
  photo: Planes,
  options: TrainOptions,
): AsyncGenerator<TrainEvent, ConsinganModel> {
  const pyramid = pyramidOf(photo, options);
  const { sizes } = pyramid;
  const reals = buildPyramid(photo, pyramid);
  const { channels, seed, iterations } = options;
  const costs = sizes.map((_, stage) => macsPerIteration(stage, sizes, options) * iterations);
  const total = costs.reduce((a, b) => a + b, 0);
  const coarsest = reals[0]!;
  let model: ConsinganModel = {
    ...{ options, sizes, scales: [], coarsest, photo: reals.at(-1)! },
    generator: initialWeights(generatorShapes(1, channels), randomKey(seed, PURPOSE.initialG, 0)),
    discriminator: initialWeights(discriminatorShapes(channels), randomKey(seed, PURPOSE.initialD, 0)),
  };
  let done = 0;
  for (const [stage, real] of reals.entries()) {
    const size = sizes[stage]!;
    const started = performance.now();
    const { discriminator } = model;
    const generator = stage === 0 ? model.generator : grown(model.generator, stage, channels);
    const amps = model.scales.map(({ noiseAmp }) => noiseAmp);
    const upTo = sizes.slice(0, stage + 1);
    const trainer = await StageTrainer.create(gpu, {
      stage,
      sizes: upTo,
      options,
      real,
      coarsest,
      amps,
      generator,
      discriminator,
    });
    let prepared: Promise<unknown> | null = null;
    try {
      const noiseAmp = await trainer.measureNoiseAmp();
      yield { kind: "scale", scale: stage, size, channels, noiseAmp, work: { done, total } };
      if (stage + 1 < sizes.length) prepared = rehearseStage(gpu.dryRun(true), stage + 1, sizes, options).catch(() => {});
      let losses: LossRecord | undefined;
      for await (const { iteration, losses: latest } of trainer.iterations()) {
        losses = latest;
        const work = { done: done + (costs[stage]! * iteration) / iterations, total };
        yield { kind: "progress", scale: stage, iteration, losses, work, preview: () => trainer.preview(iteration) };
      }
      const nets = await trainer.stateDicts();
      const preview = await trainer.preview(iterations + 1);
      const seconds = (performance.now() - started) / 1000;
      model = { ...model, ...nets, scales: [...model.scales, { size, channels, noiseAmp, losses: losses!, seconds }] };
      done += costs[stage]!;
      yield { kind: "scaleDone", scale: stage, model, preview, work: { done, total } };
    } finally {
      await prepared; // also when left early: a process that ends while Dawn compiles may crash
      trainer.dispose();
    }
  }
  return model;
}

/** The generator with one more stage, a copy of its newest; names in the order of its parts. */
function grown(generator: StateDict, stage: number, channels: number): StateDict {
  const original = (name: string): string => name.replace(`${stagePart(stage)}.`, `${stagePart(stage - 1)}.`);
  return new Map([...generatorShapes(stage + 1, channels).keys()].map((name) => [name, generator.get(original(name))!]));
}

/** Sets up the training of a stage, all zeros, on `stand` (Gpu.rehearsal). Gives the bytes it takes. */
async function rehearseStage(stand: Gpu, stage: number, sizes: readonly Size[], options: TrainOptions): Promise<number> {
  const zeros = (shapes: ReturnType<typeof generatorShapes>): StateDict =>
    new Map([...shapes].map(([name, shape]) => [name, new Float32Array(sizeOf(shape))]));
  const picture = (size: Size): Planes => ({ ...size, data: new Float32Array(sizeOf(imageShape(size))) });
  await StageTrainer.create(stand, {
    ...{ stage, sizes: sizes.slice(0, stage + 1), options, amps: Array<number>(stage).fill(0) },
    real: picture(sizes[stage]!),
    coarsest: picture(sizes[0]!),
    generator: zeros(generatorShapes(stage + 1, options.channels)),
    discriminator: zeros(discriminatorShapes(options.channels)),
  });
  return stand.stats().bytes;
}

/** GPU memory that a training takes at most, in bytes. Throws PyramidError for a photo that can't be trained, GpuError beyond a limit. */
export async function forecastConsinganBytes(gpu: Gpu, photo: Size, options: TrainOptions): Promise<number> {
  const { sizes } = pyramidOf(photo, options);
  const bytes = await Promise.all(sizes.map((_, stage) => rehearseStage(gpu.dryRun(false), stage, sizes, options)));
  return Math.max(...bytes);
}

/**
 * Multiply-adds of one iteration at a stage, counting a gradient pass like its forward passes: a D step is 10 passes of D (3 for each picture,
 * 4 for the penalty), the adversarial term 2; a pair of pictures passes forward through all parts, and back twice through those that learn.
 */
export function macsPerIteration(stage: number, sizes: readonly Size[], options: TrainOptions): number {
  const { channels, dSteps } = options;
  const learning = new Set<Part>(trainedParts(stage, options).map(({ part }) => part));
  const generator = partsOf(stage + 1).map((part) => {
    const at = part === "head" ? 0 : part === "tail" ? stage : Number(part.slice("body.".length));
    return (learning.has(part) ? 3 : 1) * partMacs(part, sizes[at]!, channels);
  });
  return 2 * generator.reduce((a, b) => a + b, 0) + (10 * dSteps + 2) * discriminatorMacs(sizes[stage]!, channels);
}
