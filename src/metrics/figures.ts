// All figures of samples and reconstruction against the photo, under their names in the JSON report of `singan eval`.
// All random numbers are seeded, so the same pictures always have the same figures.

import { copies } from "./copies.ts";
import { edgeSteps } from "./edges.ts";
import { fitGaussian, frechetDistance, symmetricRoot } from "./frechet.ts";
import { FEATURES, type Inception, inceptionFeatures } from "./inception.ts";
import { nearestPatches } from "./nearest.ts";
import { NumpyRandom } from "./numpy-random.ts";
import { luma, meanAndDeviation, type Pause, type Picture } from "./picture.ts";
import { psnr, ssim } from "./ssim.ts";
import { colourDistance, slicedWasserstein } from "./wasserstein.ts";

/** Fixed, so that different runs use the same random directions and patches. */
const SEED = 20191027;

/** Rounds for the report. The random directions make the figures uncertain from the fourth decimal on. */
const rounded = (value: number, decimals = 5): number => Number(value.toFixed(decimals));

/**
 * The standard deviation (n−1) of a pixel's luma over the samples, averaged over pixels and divided by the standard deviation of the photo's
 * luma over its pixels. It is 0 for a single sample.  Rott Shaham et al. 2019, section 4.
 */
function diversity(real: Picture, samples: readonly Picture[]): number {
  const grey = samples.map(luma);
  const at = (p: number) => grey.map((values) => values[p]!);
  const spread = grey[0]!.map((_, p) => meanAndDeviation(at(p), 1).deviation);
  return meanAndDeviation(spread).mean / meanAndDeviation(luma(real)).deviation;
}

/** Figures of at least one sample against the photo, rounded to 5 decimals. All pictures have one size, with both sides ≥ 16. */
export async function sampleFigures(real: Picture, samples: readonly Picture[], pause: Pause = async () => {}) {
  const swd = await slicedWasserstein(real, samples, new NumpyRandom(SEED), pause);
  const { nn_fidelity, nn_coverage } = await nearestPatches(real, samples, new NumpyRandom(SEED), pause);
  const { in_place, largest_copy } = await copies(real, samples, pause);
  return {
    swd: rounded(swd.swd),
    swd_sd: rounded(swd.swd_sd),
    swd_levels: swd.swd_levels.map((level) => rounded(level)),
    swd_pooled: rounded(swd.swd_pooled),
    swd_detail: rounded(swd.swd_detail),
    diversity: rounded(diversity(real, samples)),
    nn_fidelity: rounded(nn_fidelity),
    nn_coverage: rounded(nn_coverage),
    colour: rounded(colourDistance(real, samples)),
    in_place: rounded(in_place),
    largest_copy: rounded(largest_copy),
  };
}

/** How seamless pictures are as tiles (edgeSteps()), rounded to 5 decimals. */
export function edgeFigures(pictures: readonly Picture[]): { edge_x: number; edge_y: number } {
  const { edge_x, edge_y } = edgeSteps(pictures);
  return { edge_x: rounded(edge_x), edge_y: rounded(edge_y) };
}

/** Figures of the reconstruction against a photo of the same size. PSNR, null for equal pictures, is rounded to 3 decimals, SSIM to 5. */
export function reconstructionFigures(real: Picture, reconstruction: Picture): { psnr: number | null; ssim: number } {
  const decibels = psnr(real, reconstruction);
  return { psnr: decibels === null ? null : rounded(decibels, 3), ssim: rounded(ssim(real, reconstruction)) };
}

/**
 * Fréchet distance between the Inception features of a sample and of the photo: mean and standard deviation (n−1) over samples, rounded to
 * 5 decimals. Formula and layer are SIFID's, but the weights are Keras's in 8 bits, so the numbers can't be compared with published ones.
 * Requirements for the pictures as in sampleFigures.
 */
export async function inceptionFigures(
  real: Picture,
  samples: readonly Picture[],
  inception: Inception,
  pause: Pause = async () => {},
) {
  const gaussian = (picture: Picture) => fitGaussian(inceptionFeatures(picture, inception), FEATURES);
  const target = gaussian(real);
  const root = symmetricRoot(target.covariance, FEATURES);
  const each: number[] = [];
  for (const sample of samples) {
    await pause();
    each.push(frechetDistance(target, gaussian(sample), root));
  }
  const { mean, deviation } = meanAndDeviation(each, 1);
  return { frechet_inception64: rounded(mean), frechet_inception64_sd: rounded(deviation) };
}
