// All figures of samples against the photo that they were learnt from, and of the reconstruction, under the names of the JSON report.
// Everything random is seeded: the same pictures, the same figures.

import { fitGaussian, frechetDistance, symmetricRoot } from "./frechet.ts";
import { FEATURES, type Inception, inceptionFeatures } from "./inception.ts";
import { nearestPatches } from "./nearest.ts";
import { NumpyRandom } from "./numpy-random.ts";
import { luma, meanAndDeviation, type Pause, type Picture } from "./picture.ts";
import { psnr, ssim } from "./ssim.ts";
import { colourDistance, type SlicedWasserstein, slicedWasserstein } from "./wasserstein.ts";

/** Fixed: figures of different runs draw the same directions. */
const SEED = 20191027;

export interface SampleFigures extends SlicedWasserstein {
  readonly diversity: number;
  readonly nn_fidelity: number;
  readonly nn_coverage: number;
  readonly colour: number;
}

export interface ReconstructionFigures {
  /** dB; null where the pictures are equal. */
  readonly psnr: number | null;
  readonly ssim: number;
}

export interface InceptionFigures {
  readonly frechet_inception64: number;
  readonly frechet_inception64_sd: number;
}

/** Decimals of the report; the projections' own noise begins at the fourth. */
const rounded = (value: number, decimals = 5): number => Number(value.toFixed(decimals));

/**
 * Standard deviation (n−1) over samples of each pixel's luma, mean over pixels, relative to the deviation of the photo's luma; 0 of one
 * sample.  Rott Shaham et al. 2019, section 4.
 */
function diversity(real: Picture, samples: readonly Picture[]): number {
  const grey = samples.map(luma);
  const spread = grey[0]!.map(
    (_, p) =>
      meanAndDeviation(
        grey.map((g) => g[p]!),
        1,
      ).deviation,
  );
  return meanAndDeviation(spread).mean / meanAndDeviation(luma(real)).deviation;
}

/** Figures of samples (at least one) against the photo, all of one size with both sides ≥ 16; rounded to 5 decimals. */
export async function sampleFigures(
  real: Picture,
  samples: readonly Picture[],
  pause: Pause = async () => {},
): Promise<SampleFigures> {
  const swd = await slicedWasserstein(real, samples, new NumpyRandom(SEED), pause);
  const { nn_fidelity, nn_coverage } = await nearestPatches(real, samples, new NumpyRandom(SEED), pause);
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
  };
}

/** Figures of the reconstruction against the photo, of one size; rounded to 3 decimals of a dB, and 5. */
export function reconstructionFigures(real: Picture, reconstruction: Picture): ReconstructionFigures {
  const decibels = psnr(real, reconstruction);
  return { psnr: decibels === null ? null : rounded(decibels, 3), ssim: rounded(ssim(real, reconstruction)) };
}

/**
 * Fréchet distance between the Inception features of one sample and of the photo, mean and deviation (n−1) over samples. SIFID's formula
 * and layer, but not its numbers: the weights are Keras's, in 8 bits. Pictures as sampleFigures; rounded to 5 decimals.
 */
export async function inceptionFigures(
  real: Picture,
  samples: readonly Picture[],
  inception: Inception,
  pause: Pause = async () => {},
): Promise<InceptionFigures> {
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
