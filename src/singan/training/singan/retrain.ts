// A scale trained once more for a painting: on pictures in the painting's few colours, all other scales as they are.
// Official code: train_paint. Its noise amplitude comes from the reconstruction before quantization, as there.

import type { Gpu } from "../../../gpu/device.ts";
import { rmse } from "../../../image/planes.ts";
import { OptionError } from "../../model/config.ts";
import { type Model, photoAt, requireScale } from "../../model/model.ts";
import { type Palette, quantized } from "../../model/palette.ts";
import type { TrainingRecipe } from "../recipe.ts";
import { trainLevel } from "../train.ts";
import { reconstructionOf, SinganCourse } from "./singan-training.ts";

/**
 * The model with scale `scale` trained anew, from fresh weights, for as many iterations as the model was, with the frozen chain's pictures
 * in the palette's colours. Yields the iterations done. Throws OptionError unless 1 ≤ scale ≤ last.
 */
export async function* retrainBy(
  gpu: Gpu,
  recipe: TrainingRecipe<Model>,
  model: Model,
  scale: number,
  palette: Palette,
): AsyncGenerator<{ readonly iteration: number; readonly iterations: number }, Model> {
  requireScale(model, scale, 1);
  if (recipe.isForEnlargement) throw new OptionError("a model for super-resolution can't be retrained for painting");
  const { options, scaleFactor } = model;
  const sizes = model.sizes.slice(0, scale + 1); // the scales that the training knows: this one is the last
  const real = photoAt(model, scale);
  const before = await reconstructionOf(gpu, model, scale);
  const reals = sizes.map(() => real);
  const setup = { options, pyramid: { sizes, scaleFactor, factors: [], scale1: 1, stopScale: scale }, reals };
  const finished = {
    model: { ...model, sizes, scales: model.scales.slice(0, scale) },
    reconstruction: quantized(before, palette),
  };
  const course = new SinganCourse(gpu, setup, finished, { palette, noiseAmp: options.noiseAmp * rmse(real, before) });
  try {
    for await (const event of trainLevel(gpu, recipe, course, setup, scale))
      if (event.kind === "progress") yield { iteration: event.iteration, iterations: options.iterations };
    const retrained = course.finished.model.scales[scale]!;
    return { ...model, scales: model.scales.map((s, k) => (k === scale ? retrained : s)) };
  } finally {
    course.dispose();
  }
}
