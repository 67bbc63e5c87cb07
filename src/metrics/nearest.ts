// Distances from every patch of one set of pictures to the nearest patch of another, in both directions: false detail and missing detail.

import type { NumpyRandom } from "./numpy-random.ts";
import { patchCount, patchRows, products, VALUES } from "./patches.ts";
import { meanAndDeviation, type Pause, type Picture } from "./picture.ts";

const MAX_PATCHES = 4000;
/** Number of patches that are compared with all others at once. */
const ROWS = 200;

/** All numbers below `total`, or a random choice of MAX_PATCHES of them if there are more. */
const draw = (total: number, random: NumpyRandom): Uint32Array =>
  total > MAX_PATCHES ? random.choice(total, MAX_PATCHES) : Uint32Array.from({ length: total }, (_, i) => i);

/** At most MAX_PATCHES random patches of all pictures, which have one size, as rows. */
function drawnRows(pictures: readonly Picture[], random: NumpyRandom): Float32Array {
  const each = patchCount(pictures[0]!);
  const drawn = draw(pictures.length * each, random);
  const rows = pictures.map((picture, p) =>
    patchRows(
      picture,
      drawn.filter((i) => Math.floor(i / each) === p).map((i) => i % each),
    ),
  );
  const all = new Float32Array(drawn.length * VALUES);
  let at = 0;
  for (const some of rows) {
    all.set(some, at);
    at += some.length;
  }
  return all;
}

const squares = (rows: Float32Array): Float64Array => {
  const sums = new Float64Array(rows.length / VALUES);
  for (let i = 0; i < rows.length; i++) sums[Math.floor(i / VALUES)]! += rows[i]! * rows[i]!;
  return sums;
};

/**
 * The mean over patches of the RMS distance to the nearest patch of the other set: from the samples to the photo (nn_fidelity, 0 if every
 * detail exists in the photo) and from the photo to all samples (nn_coverage, 0 if nothing is missing). At most 4000 random patches of each
 * set take part, so compare these figures only for equal picture sizes and equal numbers of samples.
 */
export async function nearestPatches(
  real: Picture,
  samples: readonly Picture[],
  random: NumpyRandom,
  pause: Pause,
): Promise<{ nn_fidelity: number; nn_coverage: number }> {
  const targets = drawnRows([real], random);
  const queries = drawnRows(samples, random);
  const [ofQueries, ofTargets] = [squares(queries), squares(targets)];
  const toTarget = new Float64Array(ofQueries.length).fill(Infinity);
  const toQuery = new Float64Array(ofTargets.length).fill(Infinity);
  for (let first = 0; first < ofQueries.length; first += ROWS) {
    await pause();
    const count = Math.min(ROWS, ofQueries.length - first);
    const dots = products(queries.subarray(first * VALUES, (first + count) * VALUES), targets);
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < ofTargets.length; j++) {
        // |a−b|² = |a|² + |b|² − 2ab. The values are float32 and the sum is float64, so its error is below 1e-13.
        const squared = ofQueries[first + i]! + ofTargets[j]! - 2 * dots[i * ofTargets.length + j]!;
        if (squared < toTarget[first + i]!) toTarget[first + i] = squared;
        if (squared < toQuery[j]!) toQuery[j] = squared;
      }
    }
  }
  const rms = (nearest: Float64Array): number => meanAndDeviation(nearest.map((d) => Math.sqrt(Math.max(0, d) / VALUES))).mean;
  return { nn_fidelity: rms(toTarget), nn_coverage: rms(toQuery) };
}
