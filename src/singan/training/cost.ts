// What trainings cost, in multiply-adds: what forecasts and progress bars go by.

import { channelsAt, type Size, type TrainOptions } from "../model/config.ts";
import type { Net } from "../model/shapes.ts";
import { macsPerPass } from "../networks/networks.ts";
import type { TrainingRecipe } from "./recipe.ts";

/** Multiply-adds of all iterations, by level. */
export const costsOf = (recipe: TrainingRecipe, sizes: readonly Size[], options: TrainOptions): number[] =>
  sizes.map((_, level) => recipe.macsPerIteration(level, sizes, options) * options.iterations);

/**
 * Multiply-adds of one iteration of SinGAN at a scale, counting a gradient pass like its forward passes: a D step is 12 passes of D, and its
 * fake one of G and of the frozen chain (once for all D steps at the coarsest scale); a G step is 5 passes of G, or 6 where its fake is made
 * anew; the adversarial pass is 2 of D, once per iteration where it is replayed.
 */
export function singanMacs(scale: number, sizes: readonly Size[], options: TrainOptions): number {
  const pass = (net: Net, k: number) => macsPerPass(net, channelsAt(k, options), sizes[k]!);
  const [g, d] = [pass("generator", scale), pass("discriminator", scale)];
  const chain = Array.from({ length: scale }, (_, k) => pass("generator", k)).reduce((a, b) => a + b, 0);
  const replay = options.gStep === "replay";
  const fakes = (scale === 0 ? 1 : options.dSteps) * (g + chain);
  return options.dSteps * 12 * d + fakes + options.gSteps * (replay ? 5 : 6) * g + (replay ? 1 : options.gSteps) * 2 * d;
}
