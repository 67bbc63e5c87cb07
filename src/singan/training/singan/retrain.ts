// A scale trained once more for a painting: on pictures in the painting's few colours, all other scales as they are.
// Official code: train_paint. Its noise amplitude comes from the reconstruction before quantization, as there.

import type { Gpu } from "../../../gpu/device.ts";
import { type Planes, rmse } from "../../../image/planes.ts";
import { reconstructionPath } from "../../generation/path.ts";
import { SinganSampler } from "../../generation/singan-sampler.ts";
import { OptionError } from "../../model/config.ts";
import { type Model, photoAt, requireScale } from "../../model/model.ts";
import { type Palette, quantized } from "../../model/palette.ts";
import { enlarge } from "../../model/upsampling.ts";
import { FrozenScale, upsampler } from "../../networks/frozen-scale.ts";
import { startingWeights } from "../train.ts";
import { ScaleTrainer } from "./scale-trainer.ts";

/**
 * The model with scale `scale` trained anew, from fresh weights, for as many iterations as the model was, with the frozen chain's pictures
 * in the palette's colours. Yields the iterations done. Throws OptionError unless 1 ≤ scale ≤ last.
 */
export async function* retrainQuantized(
  gpu: Gpu,
  model: Model,
  scale: number,
  palette: Palette,
): AsyncGenerator<{ readonly iteration: number; readonly iterations: number }, Model> {
  requireScale(model, scale, 1);
  const { options, scaleFactor, sizes } = model;
  if (options.recipe === "sr") throw new OptionError("a model for super-resolution can't be retrained for painting");
  const [size, channels] = [sizes[scale]!, model.scales[scale]!.channels];
  const real = photoAt(model, scale);
  const before = await reconstructionBefore(gpu, model, scale);
  const noiseAmp = options.noiseAmp * rmse(real, before);
  const frozen = model.scales.slice(0, scale).map((s) => new FrozenScale(gpu, s));
  try {
    const trainer = await ScaleTrainer.create(gpu, {
      ...{ scale, size, channels, options, real, frozen, noiseAmp, palette },
      upsample: upsampler(options.upsample, scaleFactor),
      zPrev: quantized(before, palette),
      zStar: null,
      ...startingWeights(scale, channels, options),
    });
    try {
      const started = performance.now();
      let losses = model.scales[scale]!.losses;
      for await (const step of trainer.iterations()) {
        losses = step.losses;
        yield { iteration: step.iteration, iterations: options.iterations };
      }
      if (options.statistics === "recalibrated") trainer.recalibrate();
      const nets = await trainer.stateDicts();
      const seconds = (performance.now() - started) / 1000;
      const retrained = { size, channels, noiseAmp, ...nets, losses, seconds };
      return { ...model, scales: model.scales.map((s, k) => (k === scale ? retrained : s)) };
    } finally {
      trainer.dispose();
    }
  } finally {
    for (const one of frozen) one.dispose();
  }
}

/** The reconstruction of the scale before, enlarged to `scale`. */
async function reconstructionBefore(gpu: Gpu, model: Model, scale: number): Promise<Planes> {
  const sampler = await SinganSampler.load(gpu, { ...model, scales: model.scales.slice(0, scale) });
  try {
    const path = reconstructionPath(sampler.model);
    return enlarge(await sampler.render(path, { seed: 0 }), model.scaleFactor, model.sizes[scale]!, model.options.upsample);
  } finally {
    await sampler.dispose();
  }
}
