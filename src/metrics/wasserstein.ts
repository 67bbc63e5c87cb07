// The sliced Wasserstein-1 distance between two sets of patches, and the Wasserstein-1 distance between colour histograms.
// Rabin, Peyré, Delon, Bernot 2011 (slices); Karras et al. 2018, section 5 (7x7 patches at every level of a pyramid).

import type { NumpyRandom } from "./numpy-random.ts";
import { AREA, patchCount, patchRows, products, VALUES } from "./patches.ts";
import { half, meanAndDeviation, type Pause, type Picture } from "./picture.ts";

const DIRECTIONS = 256;
/** At most this many projections are in memory at once (64 MB). For large pictures this means fewer directions at a time. */
const MAX_PROJECTIONS = 2 ** 24;
/** Number of patches that are projected at once. */
const ROWS = 512;
/** Both sides of a level have at least this many pixels. */
export const LEAST_SIDE = 16;
const LEVELS = 3;

/** Random unit vectors as rows: [DIRECTIONS, VALUES] in float32. The normal numbers are drawn column by column. */
function unitDirections(random: NumpyRandom): Float32Array {
  const directions = new Float32Array(DIRECTIONS * VALUES);
  const squares = new Float32Array(DIRECTIONS);
  for (let k = 0; k < VALUES; k++) {
    for (let d = 0; d < DIRECTIONS; d++) {
      const x = Math.fround(random.normal());
      directions[d * VALUES + k] = x;
      squares[d] = squares[d]! + Math.fround(x * x);
    }
  }
  return directions.map((x, i) => x / Math.fround(Math.sqrt(squares[Math.floor(i / VALUES)]!)));
}

/** The sorted projections of all patches of a picture, one array per direction: of whole patches, and of patches minus their mean colour. */
function sortedProjections(picture: Picture, directions: Float32Array): { whole: Float32Array[]; detail: Float32Array[] } {
  const [n, m] = [patchCount(picture), directions.length / VALUES];
  const empty = () => Array.from({ length: m }, () => new Float32Array(n));
  const [whole, detail] = [empty(), empty()];
  // A patch of one colour projects to Σ_c colour[c]·(sum of the direction's values in channel c).
  const sums = channelSums(directions);
  for (let first = 0; first < n; first += ROWS) {
    const rows = patchRows(
      picture,
      Uint32Array.from({ length: Math.min(ROWS, n - first) }, (_, i) => first + i),
    );
    const means = channelSums(rows).map((sum) => sum / AREA);
    const projected = products(rows, directions);
    for (let i = 0; i < rows.length / VALUES; i++) {
      for (let d = 0; d < m; d++) {
        const x = projected[i * m + d]!;
        whole[d]![first + i] = x;
        const flat = means[3 * i]! * sums[3 * d]! + means[3 * i + 1]! * sums[3 * d + 1]! + means[3 * i + 2]! * sums[3 * d + 2]!;
        detail[d]![first + i] = x - flat;
      }
    }
  }
  for (const values of [...whole, ...detail]) values.sort();
  return { whole, detail };
}

/** The sum of every channel's AREA values: [n, VALUES] → [n, 3]. */
function channelSums(rows: Float32Array): Float64Array {
  const sums = new Float64Array(rows.length / AREA);
  for (let i = 0; i < rows.length; i++) sums[Math.floor(i / AREA)]! += rows[i]!;
  return sums;
}

/** Mean of |a[i] − b[⌊i/times⌋]|: the Wasserstein-1 distance between two sorted arrays, where every value of b counts `times` times. */
function transport(a: Float32Array, b: Float32Array, times = 1): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[Math.floor(i / times)]!);
  return sum / a.length;
}

const average = (values: readonly number[]): number => meanAndDeviation(values).mean;

/** The distance of every sample, that of the patches of all samples as one set, and the mean over samples without each patch's mean colour. */
async function levelDistance(
  real: Picture,
  samples: readonly Picture[],
  directions: Float32Array,
  pause: Pause,
): Promise<{ readonly each: readonly number[]; readonly pooled: number; readonly detail: number }> {
  const n = patchCount(real);
  const atOnce = Math.min(DIRECTIONS, Math.max(1, Math.floor(MAX_PROJECTIONS / (n * samples.length))));
  const each = samples.map(() => 0);
  let [pooled, detail] = [0, 0];
  for (let first = 0; first < DIRECTIONS; first += atOnce) {
    const some = directions.subarray(first * VALUES, (first + atOnce) * VALUES);
    const target = sortedProjections(real, some);
    const together = target.whole.map(() => new Float32Array(samples.length * n));
    for (const [s, sample] of samples.entries()) {
      await pause();
      const projected = sortedProjections(sample, some);
      for (const [d, whole] of projected.whole.entries()) {
        each[s]! += transport(whole, target.whole[d]!) / DIRECTIONS;
        detail += transport(projected.detail[d]!, target.detail[d]!) / DIRECTIONS / samples.length;
        together[d]!.set(whole, s * n);
      }
    }
    await pause();
    for (const [d, all] of together.entries()) pooled += transport(all.sort(), target.whole[d]!, samples.length) / DIRECTIONS;
  }
  return { each, pooled, detail };
}

/**
 * The sliced Wasserstein-1 distance between the 7x7x3 patches of samples and of the photo. swd is the mean over 256 random unit directions,
 * over the samples, and over the levels at full, half and quarter size (as long as both sides have 16 px).  All pictures have one size and
 * values in [0,1]. Adding d to all values changes swd by about 0.8·d. The help of `singan eval` explains the figures.
 */
export async function slicedWasserstein(real: Picture, samples: readonly Picture[], random: NumpyRandom, pause: Pause) {
  const directions = unitDirections(random);
  const levels: Awaited<ReturnType<typeof levelDistance>>[] = [];
  let [target, pyramid] = [real, samples];
  while (levels.length < LEVELS && Math.min(target.width, target.height) >= LEAST_SIDE) {
    levels.push(await levelDistance(target, pyramid, directions, pause));
    [target, pyramid] = [half(target), pyramid.map(half)];
  }
  const each = samples.map((_, s) => average(levels.map((level) => level.each[s]!)));
  const { mean, deviation } = meanAndDeviation(each, 1);
  return {
    swd: mean,
    swd_sd: deviation,
    swd_levels: levels.map((level) => average(level.each)),
    swd_pooled: average(levels.map(({ pooled }) => pooled)),
    swd_detail: average(levels.map(({ detail }) => detail)),
  };
}

/** The Wasserstein-1 distance between the 256-bin histograms of all samples and of the photo: mean over R, G and B, for values in [0,1]. */
export function colourDistance(real: Picture, samples: readonly Picture[]): number {
  const shares = (pictures: readonly Picture[], channel: number): Float64Array => {
    const counts = new Float64Array(256);
    for (const { data } of pictures) for (let i = channel; i < data.length; i += 3) counts[Math.round(data[i]! * 255)]! += 1;
    const pixels = (pictures.length * real.data.length) / 3;
    return counts.map((count) => count / pixels);
  };
  return average(
    [0, 1, 2].map((channel) => {
      const [a, b] = [shares([real], channel), shares(samples, channel)];
      let [difference, sum] = [0, 0];
      for (let v = 0; v < 256; v++) {
        difference += a[v]! - b[v]!;
        sum += Math.abs(difference);
      }
      return sum / 255;
    }),
  );
}
