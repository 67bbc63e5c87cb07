// The whole training: a photo's pyramid, scale by scale from coarse to fine, each frozen when done. Official code: train().

import { normals } from "../../autodiff/philox.ts";
import { leaf, type Shape, sizeOf, type Tensor } from "../../autodiff/tensor.ts";
import type { Gpu, Slice } from "../../gpu/device.ts";
import { type Planes, rmse } from "../../image/planes.ts";
import { initialWeights } from "../../nn/init.ts";
import { compile, submit } from "../../runtime/program.ts";
import { channelsAt, imageShape, OptionError, resolveOptions, type Size, type TrainOptions } from "../model/config.ts";
import type { AnyModel, LossRecord, Model, ScaleModel, StateDict, TrainEvent } from "../model/model.ts";
import { buildPyramid, type Pyramid, pyramidOf } from "../model/pyramid.ts";
import { FrozenScale, grey, greyShape, noiseSize, type Upsample, upsampler } from "../networks/frozen-scale.ts";
import { macsPerPass, parameterShapes } from "../networks/networks.ts";
import { PURPOSE, randomKey } from "../networks/noise.ts";
import { macsPerIteration as consinganMacs, trainConsingan } from "./consingan/train.ts";
import { rehearse } from "./rehearsal.ts";
import { ScaleTrainer } from "./singan/scale-trainer.ts";
import { typicalZStar } from "./singan/z-star.ts";

/**
 * Trains a model of `photo` and returns it; yields what happens on the way. Nothing runs ahead by more than one batch while the
 * consumer does not ask, so a pause is not asking; leaving the loop ends the training and frees its GPU memory.
 * Throws OptionError or PyramidError before any work where the options or the photo's size can't be trained.
 */
export async function* train(gpu: Gpu, photo: Planes, wanted: Partial<TrainOptions> = {}): AsyncGenerator<TrainEvent, AnyModel> {
  const options = resolveOptions(wanted);
  if (photo.data.length !== 3 * photo.width * photo.height || !photo.data.every(Number.isFinite)) {
    throw new OptionError(`a photo of ${photo.width}x${photo.height} must have ${3 * photo.width * photo.height} finite values`);
  }
  if (options.recipe === "consingan") return yield* trainConsingan(gpu, photo, options);
  const pyramid = pyramidOf(photo, options);
  const { sizes, scaleFactor } = pyramid;
  const reals = buildPyramid(photo, pyramid);
  const upsample = upsampler(options.upsample, scaleFactor);
  const costs = sizes.map((_, scale) => macsPerIteration(scale, sizes, options) * options.iterations);
  const total = costs.reduce((a, b) => a + b, 0);

  const frozen: FrozenScale[] = [];
  const zShape = greyShape(noiseSize(sizes[0]!, options));
  let zStar: Float32Array = Float32Array.from(normals(randomKey(options.seed, PURPOSE.zStar, 0), 0, sizeOf(zShape)));
  let model: Model = { options, scaleFactor, sizes, scales: [], zStar, photo: reals.at(-1)! };
  let zPrev: Planes | null = null;
  let done = 0;
  try {
    for (const [scale, real] of reals.entries()) {
      const size = sizes[scale]!;
      const channels = channelsAt(scale, options);
      const noiseAmp = zPrev ? options.noiseAmp * rmse(real, zPrev) : 1;
      const started = performance.now();
      const trainer = await ScaleTrainer.create(gpu, {
        scale,
        size,
        channels,
        options,
        real,
        frozen,
        upsample,
        zPrev,
        zStar: scale === 0 ? zStar : null,
        noiseAmp,
        ...startingWeights(scale, channels, options, model.scales.at(-1)),
      });
      let prepared: Promise<void> | null = null;
      try {
        yield { kind: "scale", scale, size, channels, noiseAmp, work: { done, total } };
        if (scale + 1 < sizes.length) prepared = prepare(gpu, scale + 1, pyramid, options);
        let losses: LossRecord | undefined;
        for await (const step of trainer.iterations()) {
          losses = step.losses;
          const work = { done: done + (costs[scale]! * step.iteration) / options.iterations, total };
          yield {
            kind: "progress",
            scale,
            iteration: step.iteration,
            losses,
            work,
            preview: () => trainer.preview(step.iteration),
          };
        }
        if (options.statistics === "recalibrated") trainer.recalibrate();
        const nets = await trainer.stateDicts();
        const preview = await trainer.preview(options.iterations + 1);
        const seconds = (performance.now() - started) / 1000;
        const finished: ScaleModel = { size, channels, noiseAmp, ...nets, losses: losses!, seconds };
        frozen.push(new FrozenScale(gpu, finished));
        if (scale === 0 && options.zStar === "redrawn") zStar = await typicalZStar(gpu, frozen[0]!, options);
        model = { ...model, zStar, scales: [...model.scales, finished] };
        const rebuilt = await reconstruct(gpu, frozen.at(-1)!, zPrev, [zStar, zShape], sizes[scale + 1], upsample);
        zPrev = rebuilt.next;
        done += costs[scale]!;
        yield {
          kind: "scaleDone",
          scale,
          model,
          preview: { ...preview, reconstruction: rebuilt.picture },
          work: { done, total },
        };
      } finally {
        await prepared; // also when left early: a process that ends while Dawn compiles may crash
        trainer.dispose();
      }
    }
    return model;
  } finally {
    for (const scale of frozen) scale.dispose();
  }
}

/** Compiles what a scale will need while another trains. What fails here fails again, and is told, when the scale begins. */
async function prepare(gpu: Gpu, scale: number, pyramid: Pyramid, options: TrainOptions): Promise<void> {
  try {
    await rehearse(gpu.dryRun(true), scale, pyramid, options);
  } catch {}
}

/** Fresh weights, or the previous scale's where the width is the same. */
export function startingWeights(scale: number, channels: number, { seed }: TrainOptions, previous?: ScaleModel) {
  if (previous?.channels === channels) return { generator: previous.generator, discriminator: previous.discriminator };
  const fresh = (net: "generator" | "discriminator", purpose: number): StateDict =>
    initialWeights(parameterShapes(net, channels), randomKey(seed, purpose, scale));
  return { generator: fresh("generator", PURPOSE.initialG), discriminator: fresh("discriminator", PURPOSE.initialD) };
}

/** The frozen scale's reconstruction, and the same brought to the next scale. */
async function reconstruct(
  gpu: Gpu,
  frozen: FrozenScale,
  zPrev: Planes | null,
  [zStar, zShape]: readonly [Float32Array, Shape],
  nextSize: Size | undefined,
  upsample: Upsample,
): Promise<{ picture: Planes; next: Planes | null }> {
  const shape = imageShape(frozen.size);
  const previous = leaf("zPrev", shape);
  const z = leaf("zStar", zShape);
  const picture = frozen.apply(zPrev ? null : grey(z), previous);
  const next = nextSize ? upsample(picture, frozen.size, nextSize) : null;
  const outputs = next ? [picture, next] : [picture];
  const own: [Tensor, Slice][] = [
    [previous, gpu.upload(zPrev?.data ?? new Float32Array(previous.size), "zPrev")],
    [z, gpu.upload(zStar, "z*")],
  ];
  const program = await compile(gpu, { name: "reconstruction", outputs, bindings: new Map([...own, ...frozen.bindings]) });
  try {
    submit(gpu, [program]);
    const [data, nextData] = await gpu.read(outputs.map((t) => program.slice(t)));
    return { picture: { ...frozen.size, data: data! }, next: nextSize ? { ...nextSize, data: nextData! } : null };
  } finally {
    program.dispose();
    for (const [, slice] of own) gpu.free(slice);
  }
}

/**
 * Multiply-adds of one iteration at a scale, counting a gradient pass like its forward passes: a D step is 12 passes of D, and its fake
 * one of G and a frozen chain (once for all at the coarsest scale); a G step 5 of G; the adversarial pass 2 of D, once where it is replayed.
 */
export function macsPerIteration(scale: number, sizes: readonly Size[], options: TrainOptions): number {
  if (options.recipe === "consingan") return consinganMacs(scale, sizes, options);
  const at = (k: number) => ({ ...sizes[k]!, channels: channelsAt(k, options) });
  const pass = (net: "generator" | "discriminator", k: number) => macsPerPass(net, at(k).channels, at(k));
  const [g, d] = [pass("generator", scale), pass("discriminator", scale)];
  const chain = Array.from({ length: scale }, (_, k) => pass("generator", k)).reduce((a, b) => a + b, 0);
  const replay = options.gStep === "replay";
  const fakes = (scale === 0 ? 1 : options.dSteps) * (g + chain);
  return options.dSteps * 12 * d + fakes + options.gSteps * (replay ? 5 : 6) * g + (replay ? 1 : options.gSteps) * 2 * d;
}
