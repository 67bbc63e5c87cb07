// The denoiser of patches on a processor: AssemblyScript, four pixels at a time in the SIMD of WebAssembly. All values are float32, and
// pictures are planes: [3, height, width].
//
// For one shift s of the photo against the sample, the distances of all pairs (patch at p, photo's patch at p+s) are sums over windows of one
// picture, e(p) = Σ_c (x(p) − α·y(p+s))² − expected. So a pair costs a few operations, whatever the size of a patch. The last term, 3σ², is the
// mean of the noise's square: it changes no weight, and keeps the sums of good pairs near 0, where float32 is finest. No sum over a window is
// a difference of two larger ones.
//
// One share of the shifts is every shares-th row of them. `softmax` finds the smallest distance of each patch and Σ 2^(…) of the others
// relative to it; `fold` adds weight·photo, for weights that are blurred with the window of a patch. `softmax` also notes which rows of a shift
// have a weight. Where the smallest distances are nearly known before, few have one, and `fold` skips the others.

import { addRows, blurAlong, TAPS } from "./blur";
import { allocate, PADDING, PLANE } from "./memory";
import { LOGITS, weightOf } from "./weight";

export { allocate, allocatePicture, mostPixels, planeBytes, reset } from "./memory";

/** No distance is as large: that of a pair that does not exist, and of a patch without pairs. */
const NONE: f32 = 1e30;

// The sample, one photo, and what is known of the sample's patches.
let patch: i32 = 0;
let n: usize = 0;
let width: i32 = 0;
let height: i32 = 0;
let x: usize = 0;
let photoWidth: i32 = 0;
let photoHeight: i32 = 0;
let y: usize = 0;
/** α·y */
let scaled: usize = 0;
let best: usize = 0;
let total: usize = 0;
/** For each patch of the sample, where its best one is: which photo, and at which shift (see place()). */
let places: usize = 0;
let sums: usize = 0;
let alpha: f32 = 0;
let scale: f32 = 0;
let expected: f32 = 0;

// Memory for a row, or for the last `patch` rows.
let rowBytes: usize = 0;
let errors: usize = 0;
let prefix: usize = 0;
let columns: usize = 0;
let fours: usize = 0;
let weights: usize = 0;
let blurred: usize = 0;
let mixed: usize = 0;
let zeros: usize = 0;
let firsts: usize = 0;
let lasts: usize = 0;
let tapRows: usize = 0;
let tapWeights: usize = 0;

// The pairs of one shift: patches of the sample from (left, top) on, `count` in each of `rows` rows.
let left: i32 = 0;
let top: i32 = 0;
let count: i32 = 0;
let rows: i32 = 0;
let sx: i32 = 0;
let sy: i32 = 0;

/** How noisy the sample is: x = α·picture + σ·noise, with scale = log₂e/(2σ²) and expected = 3σ². */
export function setLevel(a: f32, s: f32, e: f32): void {
  alpha = a;
  scale = s;
  expected = e;
}

/** The sample, at `xAt`, and the arrays for its patches: their best distances, their totals, and the sums of its pixels. */
export function setSample(side: i32, window: usize, sampleWidth: i32, sampleHeight: i32, xAt: usize): void {
  patch = side;
  n = window;
  width = sampleWidth;
  height = sampleHeight;
  x = xAt;
  const row = width + 2 * PADDING;
  rowBytes = (<usize>row) << 2;
  errors = allocate(patch * row);
  prefix = allocate(row);
  columns = allocate(row + patch);
  fours = allocate(row + patch);
  weights = allocate(row + 2 * patch) + ((<usize>patch) << 2);
  blurred = allocate(patch * row);
  mixed = allocate(row);
  zeros = allocate(row);
  firsts = allocate(patch);
  lasts = allocate(patch);
  tapRows = allocate(patch + TAPS);
  tapWeights = allocate(patch + TAPS);
}

export function setPatches(bestAt: usize, totalAt: usize, placesAt: usize, sumsAt: usize): void {
  best = bestAt;
  total = totalAt;
  places = placesAt;
  sums = sumsAt;
}

/** A photo, and memory for another one of its size. */
export function setPhoto(w: i32, h: i32, yAt: usize, scaledAt: usize): void {
  photoWidth = w;
  photoHeight = h;
  y = yAt;
  scaled = scaledAt;
  for (let c: usize = 0; c < 3 * PLANE; c += PLANE)
    for (let j: usize = 0; j < (<usize>(w * h)) << 2; j += 16)
      v128.store(scaled + c + j, f32x4.mul(f32x4.splat(alpha), v128.load(y + c + j)));
}

/** Σ_c (x − α·y)² − e, of four pixels. */
function errorAt(at: usize, photoAt: usize, e: v128): v128 {
  const a = f32x4.sub(v128.load(at), v128.load(photoAt));
  const b = f32x4.sub(v128.load(at, PLANE), v128.load(photoAt, PLANE));
  const c = f32x4.sub(v128.load(at, 2 * PLANE), v128.load(photoAt, 2 * PLANE));
  return f32x4.sub(f32x4.add(f32x4.add(f32x4.mul(a, a), f32x4.mul(b, b)), f32x4.mul(c, c)), e);
}

/**
 * The next row of pixels of this shift. columns[j] becomes the sum of its last `patch` errors in column j; false where there are fewer rows.
 * Rows form blocks of `patch` rows. At a block's end its errors become sums from each row to that end, so that a window is such a sum and
 * a running sum of the next block.
 */
function addRow(index: i32): bool {
  const at = x + ((<usize>((top + index) * width + left)) << 2);
  const photoAt = scaled + ((<usize>((top + index + sy) * photoWidth + left + sx)) << 2);
  const bytes = (<usize>(count + patch - 1)) << 2;
  const inBlock = index % patch;
  const row = errors + <usize>inBlock * rowBytes;
  const next = row + rowBytes;
  const running = prefix;
  const column = columns;
  const mean = f32x4.splat(expected);
  if (inBlock === 0) memory.fill(running, 0, rowBytes);
  if (index < patch - 1) {
    for (let j: usize = 0; j < bytes; j += 16) {
      const e = errorAt(at + j, photoAt + j, mean);
      v128.store(running + j, f32x4.add(v128.load(running + j), e));
      v128.store(row + j, e);
    }
    return false;
  }
  if (inBlock < patch - 1) {
    for (let j: usize = 0; j < bytes; j += 16) {
      const e = errorAt(at + j, photoAt + j, mean);
      const sum = f32x4.add(v128.load(running + j), e);
      v128.store(running + j, sum);
      v128.store(row + j, e);
      v128.store(column + j, f32x4.add(sum, v128.load(next + j)));
    }
    return true;
  }
  for (let j: usize = 0; j < bytes; j += 16) {
    const e = errorAt(at + j, photoAt + j, mean);
    v128.store(column + j, f32x4.add(v128.load(running + j), e));
    v128.store(row + j, e);
  }
  for (let r = patch - 2; r >= 0; r--) {
    const to = errors + <usize>r * rowBytes;
    const below = to + rowBytes;
    for (let j: usize = 0; j < bytes; j += 16) v128.store(to + j, f32x4.add(v128.load(to + j), v128.load(below + j)));
  }
  return true;
}

/** Sums of four neighbouring columns, as many as distanceAt() needs. Columns behind the last are far from everything. */
function addColumns(): void {
  const behind = columns + ((<usize>(count + patch - 1)) << 2);
  v128.store(behind, f32x4.splat(NONE));
  v128.store(behind, f32x4.splat(NONE), 16);
  if (patch < 4) return;
  const last = columns + ((<usize>(count + patch)) << 2);
  const shift = fours - columns;
  for (let j = columns; j < last; j += 16) {
    const low = f32x4.add(v128.load(j), v128.load(j, 4));
    v128.store(j + shift, f32x4.add(low, f32x4.add(v128.load(j, 8), v128.load(j, 12))));
  }
}

/**
 * Σ_{u<patch} columns[j+u] of four patches; NONE or more for those behind the last. At `four` and, `whole` bytes further, at `single` are the sums
 * of four columns and the `rest` columns behind them.
 */
function distanceAt(four: usize, whole: usize, single: usize, rest: i32): v128 {
  let d = f32x4.splat(0);
  if (rest === 3) d = f32x4.add(f32x4.add(v128.load(single), v128.load(single, 4)), v128.load(single, 8));
  else if (rest === 2) d = f32x4.add(v128.load(single), v128.load(single, 4));
  else if (rest === 1) d = v128.load(single);
  for (const end = four + whole; four < end; four += 16) d = f32x4.add(d, v128.load(four));
  return d;
}

/** The pairs of shift (sx, sy). */
function setShift(across: i32, down: i32): void {
  sx = across;
  sy = down;
  left = max<i32>(0, -sx);
  top = max<i32>(0, -sy);
  count = min<i32>(width, photoWidth - sx) - patch + 1 - left;
  rows = min<i32>(height, photoHeight - sy) - patch + 1 - top;
}

/** A shift of a photo in 32 bits: 6 for the photo, 13 for each axis. */
function place(photo: i32): i32 {
  return (photo << 26) | ((sy + 4096) << 13) | (sx + 4096);
}

/** How many shifts a share has of the photo at hand, at most. */
export function shiftsOf(shares: i32): i32 {
  return ((height + photoHeight - 2 * patch + shares) / shares) * (width + photoWidth - 2 * patch + 1);
}

/**
 * Updates best, total and places by the pairs of a share: total = Σ 2^(scale·(best − d)). `rangesAt` gets the first and the last row of patches
 * of each shift that have had a weight at that time, or −1.
 */
export function softmax(share: i32, shares: i32, photo: i32, rangesAt: usize): void {
  let range = rangesAt;
  const scale4 = f32x4.splat(scale);
  const margin = f32x4.splat(LOGITS / scale);
  const whole = (<usize>(patch >> 2)) << 4;
  const rest = patch & 3;
  const four = fours;
  const single = columns + whole;
  const bestToTotal = total - best;
  const bestToPlaces = places - best;
  for (let down = patch - height + share; down <= photoHeight - patch; down += shares) {
    for (let across = patch - width; across <= photoWidth - patch; across++) {
      setShift(across, down);
      const here = i32x4.splat(place(photo));
      let first = -1;
      let last = -1;
      for (let index = 0; index < rows + patch - 1; index++) {
        if (!addRow(index)) continue;
        addColumns();
        const row = best + ((<usize>((top + index - patch + 1) * (width - patch + 1) + left)) << 2);
        const bytes = (<usize>count) << 2;
        for (let j: usize = 0; j < bytes; j += 16) {
          const d = distanceAt(four + j, whole, single + j, rest);
          const at = row + j;
          const known = v128.load(at);
          if (!v128.any_true(f32x4.lt(d, f32x4.add(known, margin)))) continue;
          last = index - patch + 1;
          if (first < 0) first = last;
          const better = f32x4.lt(d, known);
          const sum = v128.load(at + bestToTotal);
          if (!v128.any_true(better)) {
            v128.store(at + bestToTotal, f32x4.add(sum, weightOf(f32x4.mul(f32x4.sub(known, d), scale4))));
            continue;
          }
          const least = f32x4.pmin(d, known);
          const kept = f32x4.mul(sum, weightOf(f32x4.mul(f32x4.sub(least, known), scale4)));
          v128.store(at + bestToTotal, f32x4.add(kept, weightOf(f32x4.mul(f32x4.sub(least, d), scale4))));
          v128.store(at, least);
          v128.store(at + bestToPlaces, v128.bitselect(here, v128.load(at + bestToPlaces), better));
        }
      }
      store<i32>(range, first);
      store<i32>(range, last, 4);
      range += 8;
    }
  }
}

/** Adds to the sums what a share's pairs add: Σ g·w·y, with w = 2^(scale·(best − d))·total. `total` holds the reciprocals. `ranges`: from softmax. */
export function fold(share: i32, shares: i32, rangesAt: usize): void {
  let range = rangesAt;
  const scale4 = f32x4.splat(scale);
  for (let down = patch - height + share; down <= photoHeight - patch; down += shares) {
    for (let across = patch - width; across <= photoWidth - patch; across++) {
      const first = load<i32>(range);
      const last = load<i32>(range, 4);
      range += 8;
      if (first < 0) continue;
      setShift(across, down);
      // From a block's first row on, so that sums have the bits that they had in softmax.
      const begin = first - (first % patch);
      top += begin;
      rows = last - begin + 1;
      // The last row of pixels that a weight so far reaches.
      let reached = -1;
      for (let index = 0; index < rows + patch - 1; index++) {
        if (!addRow(index)) continue;
        addColumns();
        const row = index - patch + 1;
        if (weigh(row, scale4)) reached = index;
        if (row <= reached) addPixels(row);
      }
      for (let row = rows; row <= reached; row++) addPixels(row);
    }
  }
}

/** The weights of a row of patches, blurred along the row; false where all are 0. */
function weigh(row: i32, scale4: v128): bool {
  const at = best + ((<usize>((top + row) * (width - patch + 1) + left)) << 2);
  const slot = <usize>(row % patch);
  const whole = (<usize>(patch >> 2)) << 4;
  const rest = patch & 3;
  const four = fours;
  const single = columns + whole;
  const bestToTotal = total - best;
  const weight = weights;
  const bytes = (<usize>count) << 2;
  let first = -1;
  let last = -1;
  for (let j: usize = 0; j < bytes; j += 16) {
    const d = distanceAt(four + j, whole, single + j, rest);
    const logit = f32x4.mul(f32x4.sub(v128.load(at + j), d), scale4);
    if (!v128.any_true(f32x4.gt(logit, f32x4.splat(-LOGITS)))) {
      v128.store(weight + j, f32x4.splat(0));
      continue;
    }
    if (first < 0) first = <i32>(j >>> 2);
    last = <i32>(j >>> 2) + 4;
    v128.store(weight + j, f32x4.mul(weightOf(logit), v128.load(at + bestToTotal + j)));
  }
  store<i32>(firsts + (slot << 2), first);
  store<i32>(lasts + (slot << 2), last + patch - 1);
  if (first < 0) return false;
  memory.fill(weights + ((<usize>count) << 2), 0, (<usize>(patch + PADDING)) << 2);
  const to = blurred + slot * rowBytes;
  const begin = (<usize>first) << 2;
  const end = (<usize>(last + patch - 1)) << 2;
  // The window is symmetric, and its middle is 1.
  const half: usize = (<usize>(patch >> 1)) << 2;
  if ((patch & 1) === 1) memory.copy(to, weights - half, (<usize>(count + patch + PADDING)) << 2);
  else memory.fill(to, 0, rowBytes);
  blurAlong(n, patch, weight, to, begin, end);
  return true;
}

/** Adds a row of the photo's pixels, times the weights of the rows of patches that cover it. */
function addPixels(row: i32): void {
  let first = i32.MAX_VALUE;
  let last = -1;
  let taps: usize = 0;
  for (let v = max<i32>(0, row - rows + 1); v < min<i32>(patch, row + 1); v++) {
    const slot = <usize>((row - v) % patch);
    if (load<i32>(firsts + (slot << 2)) < 0) continue;
    first = min<i32>(first, load<i32>(firsts + (slot << 2)));
    last = max<i32>(last, load<i32>(lasts + (slot << 2)));
    store<usize>(tapRows + taps, blurred + slot * rowBytes);
    store<f32>(tapWeights + taps, load<f32>(n + ((<usize>v) << 2)));
    taps += 4;
  }
  if (taps === 0) return;
  for (; taps & (4 * TAPS - 1); taps += 4) {
    store<usize>(tapRows + taps, zeros);
    store<f32>(tapWeights + taps, 0);
  }
  const begin = (<usize>first) << 2;
  const end = (<usize>last) << 2;
  const blur = mixed;
  memory.fill(blur + begin, 0, end - begin + 16);
  addRows(tapRows, tapWeights, taps, blur, begin, end);
  const to = sums + ((<usize>((top + row) * width + left)) << 2);
  const from = y + ((<usize>((top + row + sy) * photoWidth + left + sx)) << 2);
  for (let j = begin; j < end; j += 16) {
    const w = v128.load(blur + j);
    v128.store(to + j, f32x4.add(v128.load(to + j), f32x4.mul(w, v128.load(from + j))));
    v128.store(to + j, f32x4.add(v128.load(to + j, PLANE), f32x4.mul(w, v128.load(from + j, PLANE))), PLANE);
    v128.store(to + j, f32x4.add(v128.load(to + j, 2 * PLANE), f32x4.mul(w, v128.load(from + j, 2 * PLANE))), 2 * PLANE);
  }
}
