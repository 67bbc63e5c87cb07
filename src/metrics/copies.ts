// How much of a sample is the photo itself: for every patch of the sample, where the nearest patch of the photo lies.
// The same figures as quality.py (test/fixtures/metrics), which compares all patches by a matrix product.

import { patchCount, patchRows, SIDE, VALUES } from "./patches.ts";
import { meanAndDeviation, type Pause, type Picture } from "./picture.ts";

/** A picture's values 0…255, as they were before toPicture(). */
const integers = ({ data }: Picture): Int32Array => Int32Array.from(data, (v) => Math.round(255 * v));

/** |a−b|², up to what all candidates for one patch a have in common: |b|² − 2ab.  In float64, of the float32 values. */
function floatDistance(sample: Picture, query: number, photo: Picture, candidate: number): number {
  const [a, b] = [patchRows(sample, [query]), patchRows(photo, [candidate])];
  let [square, product] = [0, 0];
  for (let k = 0; k < VALUES; k++) {
    square += b[k]! * b[k]!;
    product += a[k]! * b[k]!;
  }
  return square - 2 * product;
}

/**
 * For every patch of the sample the number of the nearest patch of the photo; of equally near ones the first.  Both [height, width, 3].
 * All pairs of patches that one shift brings together are compared at once: the squared differences of the pixels are summed along columns
 * and rows, so a pair costs a few operations and not 147. The sums are exact, in units of 1/255². Patches whose distances differ by at most
 * one such unit are compared again by their float32 values, as quality.py does (test/fixtures/metrics).
 */
async function nearestNumbers(photo: Picture, sample: Picture, pause: Pause): Promise<Int32Array> {
  const { width, height } = photo;
  const [columns, rows] = [width - SIDE + 1, height - SIDE + 1];
  const [p, s] = [integers(photo), integers(sample)];
  const count = patchCount(photo);
  const least = new Int32Array(count).fill(2 ** 30);
  const found = new Int32Array(count);
  const errors = new Int32Array(width * height);
  const sums = new Int32Array(width);
  const isNearer = (query: number, candidate: number): boolean => {
    const [one, other] = [floatDistance(sample, query, photo, candidate), floatDistance(sample, query, photo, found[query]!)];
    return one < other || (one === other && candidate < found[query]!);
  };
  for (let dy = 1 - rows; dy < rows; dy++) {
    await pause();
    const [top, bottom] = [Math.max(0, -dy), Math.min(height, height - dy)];
    for (let dx = 1 - columns; dx < columns; dx++) {
      const [left, right] = [Math.max(0, -dx), Math.min(width, width - dx)];
      const shift = dy * columns + dx;
      sums.fill(0);
      for (let y = top; y < bottom; y++) {
        for (let x = left; x < right; x++) {
          const [i, j] = [3 * (y * width + x), 3 * ((y + dy) * width + x + dx)];
          const [r, g, b] = [s[i]! - p[j]!, s[i + 1]! - p[j + 1]!, s[i + 2]! - p[j + 2]!];
          const error = r * r + g * g + b * b;
          errors[y * width + x] = error;
          sums[x]! += error - (y - top >= SIDE ? errors[(y - SIDE) * width + x]! : 0);
        }
        if (y - top < SIDE - 1) continue;
        const first = (y - SIDE + 1) * columns;
        let sum = 0;
        for (let x = left; x < right; x++) {
          sum += sums[x]! - (x - left >= SIDE ? sums[x - SIDE]! : 0);
          if (x - left < SIDE - 1) continue;
          const query = first + x - SIDE + 1;
          if (sum > least[query]! + 1) continue;
          if (sum < least[query]! - 1 || isNearer(query, query + shift)) {
            found[query] = query + shift;
            least[query] = Math.min(sum, least[query]!);
          }
        }
      }
    }
  }
  return found;
}

/** The size of the largest set of equal values that hang together along rows and columns of a grid. */
function largestRegion(values: Int32Array, columns: number): number {
  const isSeen = new Uint8Array(values.length);
  const stack: number[] = [];
  let largest = 0;
  for (let start = 0; start < values.length; start++) {
    if (isSeen[start]) continue;
    let size = 0;
    const visit = (at: number, isInside: boolean) => {
      if (!isInside || isSeen[at] || values[at] !== values[start]) return;
      isSeen[at] = 1;
      stack.push(at);
    };
    visit(start, true);
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      size++;
      const x = at % columns;
      visit(at - columns, at >= columns);
      visit(at + columns, at + columns < values.length);
      visit(at - 1, x > 0);
      visit(at + 1, x < columns - 1);
    }
    largest = Math.max(largest, size);
  }
  return largest;
}

/**
 * Means over samples. in_place: the share of a sample's patches whose nearest photo patch lies where they lie, to 1 px. largest_copy: the
 * largest connected region of patches whose nearest photo patches are all shifted by the same vector, as a share of the sample's patches.
 * Both are 1 where the sample is the photo.
 */
export async function copies(
  photo: Picture,
  samples: readonly Picture[],
  pause: Pause,
): Promise<{ in_place: number; largest_copy: number }> {
  const columns = photo.width - SIDE + 1;
  const [inPlace, largest]: [number[], number[]] = [[], []];
  for (const sample of samples) {
    const found = await nearestNumbers(photo, sample, pause);
    let here = 0;
    const shifts = found.map((number, at) => {
      const dy = Math.floor(number / columns) - Math.floor(at / columns);
      const dx = (number % columns) - (at % columns);
      if (Math.abs(dy) <= 1 && Math.abs(dx) <= 1) here++;
      return dy * 2 * columns + dx; // |dx| < columns, so that shifts differ in this
    });
    inPlace.push(here / found.length);
    largest.push(largestRegion(shifts, columns) / found.length);
  }
  return { in_place: meanAndDeviation(inPlace).mean, largest_copy: meanAndDeviation(largest).mean };
}
