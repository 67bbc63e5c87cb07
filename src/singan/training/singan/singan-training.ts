// How the recipes singan and sr train: scale by scale, each frozen when it is done. Official code: train() of training.py.

import { normals } from "../../../autodiff/philox.ts";
import { sizeOf } from "../../../autodiff/tensor.ts";
import type { Gpu } from "../../../gpu/device.ts";
import { rmse } from "../../../image/planes.ts";
import { initialWeights } from "../../../nn/init.ts";
import { channelsAt, OptionError, type Size, type TrainOptions } from "../../model/config.ts";
import { type Model, type Preview, photoAt, requireScale, type ScaleModel, type StateDict } from "../../model/model.ts";
import { type Palette, quantized } from "../../model/palette.ts";
import type { Pyramid } from "../../model/pyramid.ts";
import { BLOCKS, type Net, parameterShapes, zStarShape } from "../../model/shapes.ts";
import { isStatistic, singanModels, srModels } from "../../model/singan-models.ts";
import { FrozenScale, type Upsample, upsampler } from "../../networks/frozen-scale.ts";
import { macsPerPass } from "../../networks/networks.ts";
import { PURPOSE, randomKey } from "../../networks/noise.ts";
import { madeUpPicture, NO_LOSSES, NOISE_AMP } from "../dry-run.ts";
import type { LevelTrainer, TrainerState } from "../level-trainer.ts";
import type { Course, FinishedLevels, LevelRecord, TrainingRecipe, TrainingSetup, ValueSource } from "../recipe.ts";
import { type TrainControl, type TrainEvent, trainLevel } from "../train.ts";
import { passOn, reconstructionOf, reconstructionStatistics, typicalZStar } from "./reconstruction.ts";
import { ScaleTrainer } from "./scale-trainer.ts";

const training = {
  macsPerIteration: singanMacs,
  begin: (gpu: Gpu, setup: TrainingSetup, finished?: FinishedLevels<Model>) => new SinganCourse(gpu, setup, finished),
  madeUp,
};
export const singanTraining: TrainingRecipe<Model> = { ...singanModels, ...training };
export const srTraining: TrainingRecipe<Model> = { ...srModels, ...training };

export class SinganCourse implements Course<Model> {
  readonly #frozen: FrozenScale[];
  readonly #upsample: Upsample;
  #finished: FinishedLevels<Model>;

  /**
   * `start` is for retraining for a painting: scales begin from fresh weights with this noise amplitude. The chain's pictures are put into the
   * palette's colours [k,3]; the reconstruction in `finished` has only these already.
   */
  constructor(
    private readonly gpu: Gpu,
    private readonly setup: TrainingSetup,
    finished?: FinishedLevels<Model>,
    private readonly start?: { readonly palette: Float32Array; readonly noiseAmp: number },
  ) {
    const { options, pyramid, reals } = setup;
    const { sizes, scaleFactor } = pyramid;
    this.#upsample = upsampler(options.upsample, scaleFactor);
    const zStar = () => {
      const count = sizeOf(zStarShape(sizes[0]!, options));
      return Float32Array.from(normals(randomKey(options.seed, PURPOSE.zStar, 0), 0, count));
    };
    this.#finished = finished ?? {
      model: { options, scaleFactor, sizes, scales: [], zStar: zStar(), photo: reals.at(-1)! },
      reconstruction: null,
    };
    this.#frozen = this.#finished.model.scales.map((scale) => new FrozenScale(gpu, scale, options));
  }

  get finished(): FinishedLevels<Model> {
    return this.#finished;
  }

  open(scale: number, state?: TrainerState): Promise<ScaleTrainer> {
    const { options, pyramid, reals, noiseStream } = this.setup;
    const { model, reconstruction } = this.#finished;
    const channels = channelsAt(scale, options);
    const real = reals[scale]!;
    const measured = reconstruction ? options.noiseAmp * rmse(real, reconstruction) : 1;
    return ScaleTrainer.create(this.gpu, {
      ...{ scale, size: pyramid.sizes[scale]!, channels, options, real, state, noiseStream },
      ...{ frozen: this.#frozen, upsample: this.#upsample, zPrev: reconstruction },
      zStar: scale === 0 ? model.zStar : null,
      noiseAmp: state?.noiseAmp ?? this.start?.noiseAmp ?? measured,
      palette: this.start?.palette,
      ...startingWeights(scale, channels, options, this.start ? undefined : model.scales.at(-1)),
    });
  }

  async finish(scale: number, trainer: LevelTrainer, { noiseAmp, losses, seconds }: LevelRecord): Promise<Preview> {
    const { gpu } = this;
    const { options, pyramid } = this.setup;
    const { model, reconstruction } = this.#finished;
    (trainer as ScaleTrainer).finish();
    const nets = await trainer.stateDicts();
    const preview = await trainer.preview(options.iterations + 1);
    trainer.dispose(); // what follows takes memory in addition
    const [size, channels] = [pyramid.sizes[scale]!, channelsAt(scale, options)];
    const trained: ScaleModel = { size, channels, noiseAmp, ...nets, losses, seconds: seconds() };
    const frozen = new FrozenScale(gpu, trained, options);
    this.#frozen.push(frozen);
    const zStar = scale === 0 && options.zStar === "redrawn" ? await typicalZStar(gpu, frozen, options) : model.zStar;
    const ofReconstruction = () => reconstructionStatistics(gpu, trained, reconstruction, { ...model, zStar });
    const finished = options.statistics === "recalibrated" ? { ...trained, reconstruction: await ofReconstruction() } : trained;
    const passed = await passOn(gpu, finished, reconstruction, { ...model, zStar }, scale, this.#upsample);
    this.#finished = { model: { ...model, zStar, scales: [...model.scales, finished] }, reconstruction: passed.next };
    return { ...preview, reconstruction: passed.picture };
  }

  dispose(): void {
    for (const scale of this.#frozen) scale.dispose();
  }
}

/** Fresh weights, or the previous scale's where the width is the same. */
function startingWeights(scale: number, channels: number, options: TrainOptions, previous?: ScaleModel) {
  if (previous?.channels === channels) return { generator: previous.generator, discriminator: previous.discriminator };
  const fresh = (net: Net, purpose: number): StateDict =>
    initialWeights(parameterShapes(net, channels, options), randomKey(options.seed, purpose, scale));
  return { generator: fresh("generator", PURPOSE.initialG), discriminator: fresh("discriminator", PURPOSE.initialD) };
}

function madeUp(pyramid: Pyramid, count: number, options: TrainOptions, values: ValueSource): FinishedLevels<Model> {
  const { sizes, scaleFactor } = pyramid;
  const photo = { width: 0, height: 0, data: new Float32Array() };
  const zStar = values.draw(2, sizeOf(zStarShape(sizes[0]!, options)));
  const scales = sizes.slice(0, count).map((size, scale) => madeUpScale(scale, size, options, values));
  return {
    model: { options, scaleFactor, sizes, scales, zStar, photo },
    reconstruction: count === 0 ? null : madeUpPicture(sizes[count]!, options, 1, values),
  };
}

function madeUpScale(scale: number, size: Size, { seed, ...options }: TrainOptions, values: ValueSource): ScaleModel {
  const channels = channelsAt(scale, options);
  const draw = (net: Net, purpose: number) =>
    values.weights(parameterShapes(net, channels, options), randomKey(seed, purpose, scale));
  const generator = draw("generator", PURPOSE.initialG);
  for (const block of BLOCKS) {
    generator.set(`${block}.norm.running_mean`, new Float32Array(channels));
    generator.set(`${block}.norm.running_var`, new Float32Array(channels).fill(1));
  }
  const discriminator = draw("discriminator", PURPOSE.initialD);
  const statistics = new Map([...generator].filter(([name]) => isStatistic(name)));
  return {
    ...{ size, channels, noiseAmp: scale === 0 ? 1 : NOISE_AMP, generator, discriminator, losses: NO_LOSSES, seconds: 0 },
    ...(options.statistics === "recalibrated" && { reconstruction: statistics }),
  };
}

/**
 * Multiply-adds of one iteration at a scale; see macsPerIteration. A D step is 12 passes of D. Its fake is one pass of G and of the frozen
 * chain, once for all D steps at the coarsest scale. A G step is 5 passes of G, or 6 where its fake is made anew. The adversarial pass is 2
 * passes of D, once per iteration where it is replayed.
 */
function singanMacs(scale: number, sizes: readonly Size[], options: TrainOptions): number {
  const pass = (net: Net, k: number) => macsPerPass(net, channelsAt(k, options), sizes[k]!, options);
  const [g, d] = [pass("generator", scale), pass("discriminator", scale)];
  const chain = Array.from({ length: scale }, (_, k) => pass("generator", k)).reduce((a, b) => a + b, 0);
  const replay = options.gStep === "replay";
  const fakes = (scale === 0 ? 1 : options.dSteps) * (g + chain);
  return options.dSteps * 12 * d + fakes + options.gSteps * (replay ? 5 : 6) * g + (replay ? 1 : options.gSteps) * 2 * d;
}

/**
 * The model with scale `scale` trained anew, from fresh weights, for as many iterations as the model was, with the frozen chain's pictures
 * in the palette's colours. Throws OptionError unless 1 ≤ scale ≤ last. Official code: train_paint; as there, the noise amplitude comes
 * from the reconstruction before quantization.
 */
export async function* retrainBy(
  gpu: Gpu,
  recipe: TrainingRecipe<Model>,
  { model, scale, palette }: Retraining,
  control: TrainControl<Model> = {},
): AsyncGenerator<TrainEvent<Model>, Model> {
  requireScale(model, scale, 1);
  if (model.options.imageChannels !== 3) throw new OptionError("only a model of colours can be retrained for painting");
  if (recipe.isForEnlargement) throw new OptionError("a model for super-resolution can't be retrained for painting");
  const { options, scaleFactor } = model;
  const sizes = model.sizes.slice(0, scale + 1); // the scales that the training knows: this one is the last
  const real = photoAt(model, scale);
  const before = await reconstructionOf(gpu, model, scale);
  const reals = sizes.map(() => real);
  const pyramid = { sizes, scaleFactor, factors: [], scale1: 1, stopScale: scale };
  const finished = {
    model: { ...model, sizes, photo: real, scales: model.scales.slice(0, scale) },
    reconstruction: quantized(before, palette),
  };
  const setup = { options, pyramid, reals, noiseStream: control.from?.noiseStream ?? 0 };
  const course = new SinganCourse(gpu, setup, control.from ?? finished, {
    palette,
    noiseAmp: options.noiseAmp * rmse(real, before),
  });
  try {
    if (control.from?.level !== scale + 1) yield* trainLevel(gpu, course, { recipe, options, pyramid }, scale, control);
    const retrained = course.finished.model.scales[scale]!;
    return { ...model, scales: model.scales.map((s, k) => (k === scale ? retrained : s)) };
  } finally {
    course.dispose();
  }
}

/** What a retraining for a painting changes: one scale of a model, for a palette. */
export interface Retraining {
  readonly model: Model;
  readonly scale: number;
  readonly palette: Palette;
}
