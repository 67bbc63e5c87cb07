// How the recipe consingan trains: stage by stage, each starting as a copy of the one below it. Official code: train of
// training_generation.py. Hinz, Fisher, Wang, Wermter 2021, Improved Techniques for Training Single-Image GANs.

import type { Gpu } from "../../../gpu/device.ts";
import { initialWeights } from "../../../nn/init.ts";
import type { Size, TrainOptions } from "../../model/config.ts";
import {
  consinganModels,
  discriminatorShapes,
  generatorShapes,
  type Part,
  partsOf,
  stagePart,
} from "../../model/consingan-models.ts";
import type { ConsinganModel, Preview, StateDict } from "../../model/model.ts";
import type { Pyramid } from "../../model/pyramid.ts";
import { discriminatorMacs, partMacs } from "../../networks/consingan-network.ts";
import { PURPOSE, randomKey } from "../../networks/noise.ts";
import { madeUpPicture, NO_LOSSES, NOISE_AMP } from "../dry-run.ts";
import type { LevelTrainer, TrainerState } from "../level-trainer.ts";
import type { Course, FinishedLevels, LevelRecord, TrainingRecipe, TrainingSetup, ValueSource } from "../recipe.ts";
import { StageTrainer, trainedParts } from "./stage-trainer.ts";

export const consinganTraining: TrainingRecipe<ConsinganModel> = {
  ...consinganModels,
  macsPerIteration,
  begin: (gpu, setup, finished) => new ConsinganCourse(gpu, setup, finished),
  madeUp,
};

class ConsinganCourse implements Course<ConsinganModel> {
  #finished: FinishedLevels<ConsinganModel>;

  constructor(
    private readonly gpu: Gpu,
    private readonly setup: TrainingSetup,
    finished?: FinishedLevels<ConsinganModel>,
  ) {
    const { options, pyramid, reals } = setup;
    const weights = firstWeights(options, initialWeights);
    const model = { options, sizes: pyramid.sizes, scales: [], coarsest: reals[0]!, photo: reals.at(-1)!, ...weights };
    this.#finished = finished ?? { model, reconstruction: null };
  }

  get finished(): FinishedLevels<ConsinganModel> {
    return this.#finished;
  }

  open(stage: number, state?: TrainerState): Promise<StageTrainer> {
    const { options, pyramid, reals, noiseStream } = this.setup;
    const { generator, discriminator, scales, coarsest } = this.#finished.model;
    return StageTrainer.create(this.gpu, {
      ...{
        stage,
        sizes: pyramid.sizes.slice(0, stage + 1),
        options,
        real: reals[stage]!,
        coarsest,
        discriminator,
        state,
        noiseStream,
      },
      amps: scales.map(({ noiseAmp }) => noiseAmp),
      generator: stage === 0 ? generator : grown(generator, stage, options.channels),
    });
  }

  async finish(stage: number, trainer: LevelTrainer, { noiseAmp, losses, seconds }: LevelRecord): Promise<Preview> {
    const { options, pyramid } = this.setup;
    const { model } = this.#finished;
    const nets = await trainer.stateDicts();
    const preview = await trainer.preview(options.iterations + 1);
    const record = { size: pyramid.sizes[stage]!, channels: options.channels, noiseAmp, losses, seconds: seconds() };
    this.#finished = { model: { ...model, ...nets, scales: [...model.scales, record] }, reconstruction: null };
    return preview;
  }

  dispose(): void {}
}

/** Both networks before the first stage. */
const firstWeights = ({ channels, seed }: TrainOptions, draw: ValueSource["weights"]) => ({
  generator: draw(generatorShapes(1, channels), randomKey(seed, PURPOSE.initialG, 0)),
  discriminator: draw(discriminatorShapes(channels), randomKey(seed, PURPOSE.initialD, 0)),
});

/** The generator with one more stage, a copy of its newest; names in the order of its parts. */
function grown(generator: StateDict, stage: number, channels: number): StateDict {
  const original = (name: string): string => name.replace(`${stagePart(stage)}.`, `${stagePart(stage - 1)}.`);
  return new Map([...generatorShapes(stage + 1, channels).keys()].map((name) => [name, generator.get(original(name))!]));
}

function madeUp(pyramid: Pyramid, count: number, options: TrainOptions, values: ValueSource): FinishedLevels<ConsinganModel> {
  const { sizes } = pyramid;
  const { channels, seed } = options;
  const record = { channels, noiseAmp: NOISE_AMP, losses: NO_LOSSES, seconds: 0 };
  const model: ConsinganModel = {
    ...{ options, sizes, scales: sizes.slice(0, count).map((size) => ({ ...record, size })) },
    ...firstWeights(options, values.weights),
    generator: values.weights(generatorShapes(Math.max(1, count), channels), randomKey(seed, PURPOSE.initialG, 0)),
    coarsest: madeUpPicture(sizes[0]!, options, 1, values),
    photo: { width: 0, height: 0, data: new Float32Array() },
  };
  return { model, reconstruction: null };
}

/**
 * Multiply-adds of one iteration at a stage, counting a gradient pass like its forward passes: a D step is 10 passes of D (3 for each picture,
 * 4 for the penalty), the adversarial term 2; a pair of pictures passes forward through all parts, and back twice through those that learn.
 */
function macsPerIteration(stage: number, sizes: readonly Size[], options: TrainOptions): number {
  const { channels, dSteps } = options;
  const learning = new Set<Part>(trainedParts(stage, options).map(({ part }) => part));
  const generator = partsOf(stage + 1).map((part) => {
    const at = part === "head" ? 0 : part === "tail" ? stage : Number(part.slice("body.".length));
    return (learning.has(part) ? 3 : 1) * partMacs(part, sizes[at]!, channels);
  });
  return 2 * generator.reduce((a, b) => a + b, 0) + (10 * dSteps + 2) * discriminatorMacs(sizes[stage]!, channels);
}
