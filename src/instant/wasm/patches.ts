// The denoiser of patches on a processor: AssemblyScript, four pixels at a time in the SIMD of WebAssembly. All values are float32, and
// pictures are planes: [3, height, width].
//
// For one shift s of the photo against the sample, the distances of all pairs (patch at p, photo's patch at p+s) are sums over windows of one
// picture, e(p) = Σ_c (x(p) − α·y(p+s))² − expected. So a pair costs a few operations, whatever the size of a patch. The last term, 3σ², is the
// mean of the noise's square: it changes no weight, and keeps the sums of good pairs near 0, where float32 is finest. No sum over a window is
// a difference of two larger ones.
//
// One share of the shifts is every shares-th row of them. `softmax` finds the smallest distance of each patch and Σ exp of the others
// relative to it; `fold` adds weight·photo, for weights that are blurred with the window of a patch. `softmax` also notes which rows of a shift
// have a weight. Where the smallest distances are nearly known before, few have one, and `fold` skips the others.

/** No distance is as large: that of a pair that does not exist, and of a patch without pairs. */
const NONE: f32 = 1e30;
/** A weight below e^-25 of the largest counts as 0: those of 100,000 patches are less than 2e-6 of it together. */
const LOGITS: f32 = 25;
/** Vectors may reach so many values beyond a row. */
const PADDING: i32 = 8;
/** From one plane of a picture to the next, in bytes: a constant, so that it is part of the load. Memory that is not used costs nothing. */
const PLANE: usize = 1 << 23;

/** The first address that is not in use. */
let end: usize = 0;

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
let distances: usize = 0;
let weights: usize = 0;
let blurred: usize = 0;
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

/** Frees all memory. */
export function reset(): void {
  end = __heap_base;
}

/** How noisy the sample is: x = α·picture + σ·noise, with scale = 1/(2σ²) and expected = 3σ². */
export function setLevel(a: f32, s: f32, e: f32): void {
  alpha = a;
  scale = s;
  expected = e;
}

/** The address of so many bytes, whatever is there. */
function reserve(bytes: usize): usize {
  const at: usize = (end + 15) & ~15;
  end = at + bytes;
  const pages = <i32>((end + 0xffff) >>> 16);
  if (pages > memory.size() && memory.grow(pages - memory.size()) < 0) unreachable();
  return at;
}

/** The address of `values` float32 zeros. */
export function allocate(values: i32): usize {
  const bytes: usize = (<usize>(values + PADDING)) << 2;
  const at = reserve(bytes);
  memory.fill(at, 0, bytes);
  return at;
}

/** The most pixels of a picture. */
export function mostPixels(): i32 {
  return <i32>(PLANE >>> 2) - PADDING;
}

/** The address of a picture's first plane; the next ones are planeBytes() and twice as many behind it. */
export function allocatePicture(): usize {
  return reserve(3 * PLANE);
}
export function planeBytes(): usize {
  return PLANE;
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
  distances = allocate(row);
  weights = allocate(row + 2 * patch) + ((<usize>patch) << 2);
  blurred = allocate(patch * row);
  firsts = allocate(patch);
  lasts = allocate(patch);
  tapRows = allocate(patch);
  tapWeights = allocate(patch);
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

/** e^v for −25 ≤ v ≤ 0: e^v = 2^k·e^r with |r| ≤ ½·ln 2, by the polynomial of Moshier's Cephes (expf). */
function exp4(v: v128): v128 {
  const k = f32x4.nearest(f32x4.mul(v, f32x4.splat(<f32>Math.LOG2E)));
  const r = f32x4.sub(f32x4.sub(v, f32x4.mul(k, f32x4.splat(0.693359375))), f32x4.mul(k, f32x4.splat(-2.1219444e-4)));
  let p = f32x4.splat(1.98756915e-4);
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.3981999507e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1));
  p = f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), f32x4.add(r, f32x4.splat(1)));
  return f32x4.mul(p, i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(k), i32x4.splat(127)), 23));
}

/** e^v where v > −25, else 0; 1 where v > 0. */
function weightOf(v: v128): v128 {
  const least = f32x4.splat(-LOGITS);
  return v128.and(exp4(f32x4.max(f32x4.min(v, f32x4.splat(0)), least)), f32x4.gt(v, least));
}

/** Σ_c (x − α·y)² − expected, of four pixels. */
function errorAt(at: usize, photoAt: usize): v128 {
  const a = f32x4.sub(v128.load(at), v128.load(photoAt));
  const b = f32x4.sub(v128.load(at, PLANE), v128.load(photoAt, PLANE));
  const c = f32x4.sub(v128.load(at, 2 * PLANE), v128.load(photoAt, 2 * PLANE));
  return f32x4.sub(f32x4.add(f32x4.add(f32x4.mul(a, a), f32x4.mul(b, b)), f32x4.mul(c, c)), f32x4.splat(expected));
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
  if (inBlock === 0) memory.fill(prefix, 0, rowBytes);
  if (index < patch - 1) {
    for (let j: usize = 0; j < bytes; j += 16) {
      const e = errorAt(at + j, photoAt + j);
      v128.store(prefix + j, f32x4.add(v128.load(prefix + j), e));
      v128.store(row + j, e);
    }
    return false;
  }
  if (inBlock < patch - 1) {
    for (let j: usize = 0; j < bytes; j += 16) {
      const e = errorAt(at + j, photoAt + j);
      const sum = f32x4.add(v128.load(prefix + j), e);
      v128.store(prefix + j, sum);
      v128.store(row + j, e);
      v128.store(columns + j, f32x4.add(sum, v128.load(next + j)));
    }
    return true;
  }
  for (let j: usize = 0; j < bytes; j += 16) {
    const e = errorAt(at + j, photoAt + j);
    v128.store(columns + j, f32x4.add(v128.load(prefix + j), e));
    v128.store(row + j, e);
  }
  for (let r = patch - 2; r >= 0; r--) {
    const to = errors + <usize>r * rowBytes;
    for (let j: usize = 0; j < bytes; j += 16) v128.store(to + j, f32x4.add(v128.load(to + j), v128.load(to + rowBytes + j)));
  }
  return true;
}

/** distances[j] = Σ_{u<patch} columns[j+u], and NONE behind the last: sums of four columns first. */
function addColumns(): void {
  const whole = (<usize>(patch >> 2)) << 4;
  const bytes = (<usize>count) << 2;
  const last = bytes + ((<usize>patch) << 2);
  for (let j: usize = 0; j < last; j += 16) {
    const low = f32x4.add(v128.load(columns + j), v128.load(columns + j, 4));
    v128.store(fours + j, f32x4.add(low, f32x4.add(v128.load(columns + j, 8), v128.load(columns + j, 12))));
  }
  // The columns behind the last four.
  const rest = patch & 3;
  const singles = columns + whole;
  if (rest === 3) {
    for (let j: usize = 0; j < bytes; j += 16) {
      const two = f32x4.add(v128.load(singles + j), v128.load(singles + j, 4));
      v128.store(distances + j, f32x4.add(two, v128.load(singles + j, 8)));
    }
  } else if (rest === 2) {
    for (let j: usize = 0; j < bytes; j += 16)
      v128.store(distances + j, f32x4.add(v128.load(singles + j), v128.load(singles + j, 4)));
  } else if (rest === 1) memory.copy(distances, singles, bytes);
  else memory.fill(distances, 0, bytes);
  for (let i: usize = fours; i < fours + whole; i += 16)
    for (let j: usize = 0; j < bytes; j += 16) v128.store(distances + j, f32x4.add(v128.load(distances + j), v128.load(i + j)));
  v128.store(distances + bytes, f32x4.splat(NONE));
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
 * Updates best, total and places by the pairs of a share: total = Σ exp(scale·(best − d)). `rangesAt` gets the first and the last row of patches
 * of each shift that have had a weight at that time, or −1.
 */
export function softmax(share: i32, shares: i32, photo: i32, rangesAt: usize): void {
  let range = rangesAt;
  const scale4 = f32x4.splat(scale);
  const margin = f32x4.splat(LOGITS / scale);
  for (let down = patch - height + share; down <= photoHeight - patch; down += shares) {
    for (let across = patch - width; across <= photoWidth - patch; across++) {
      setShift(across, down);
      const here = i32x4.splat(place(photo));
      let first = -1;
      let last = -1;
      for (let index = 0; index < rows + patch - 1; index++) {
        if (!addRow(index)) continue;
        addColumns();
        const at = (<usize>((top + index - patch + 1) * (width - patch + 1) + left)) << 2;
        for (let j: usize = 0; j < (<usize>count) << 2; j += 16) {
          const d = v128.load(distances + j);
          const known = v128.load(best + at + j);
          if (!v128.any_true(f32x4.lt(d, f32x4.add(known, margin)))) continue;
          last = index - patch + 1;
          if (first < 0) first = last;
          const better = f32x4.lt(d, known);
          if (!v128.any_true(better)) {
            const weight = weightOf(f32x4.mul(f32x4.sub(known, d), scale4));
            v128.store(total + at + j, f32x4.add(v128.load(total + at + j), weight));
            continue;
          }
          const least = f32x4.min(d, known);
          const kept = f32x4.mul(v128.load(total + at + j), weightOf(f32x4.mul(f32x4.sub(least, known), scale4)));
          v128.store(total + at + j, f32x4.add(kept, weightOf(f32x4.mul(f32x4.sub(least, d), scale4))));
          v128.store(best + at + j, least);
          v128.store(places + at + j, v128.bitselect(here, v128.load(places + at + j), better));
        }
      }
      store<i32>(range, first);
      store<i32>(range, last, 4);
      range += 8;
    }
  }
}

/** Adds to the sums what a share's pairs add: Σ g·w·y, with w = exp(scale·(best − d))·total. `total` holds the reciprocals. `ranges`: from softmax. */
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
  const at = (<usize>((top + row) * (width - patch + 1) + left)) << 2;
  const slot = <usize>(row % patch);
  let first = -1;
  let last = -1;
  for (let j: usize = 0; j < (<usize>count) << 2; j += 16) {
    const logit = f32x4.mul(f32x4.sub(v128.load(best + at + j), v128.load(distances + j)), scale4);
    if (!v128.any_true(f32x4.gt(logit, f32x4.splat(-LOGITS)))) {
      v128.store(weights + j, f32x4.splat(0));
      continue;
    }
    if (first < 0) first = <i32>(j >>> 2);
    last = <i32>(j >>> 2) + 4;
    v128.store(weights + j, f32x4.mul(weightOf(logit), v128.load(total + at + j)));
  }
  store<i32>(firsts + (slot << 2), first);
  store<i32>(lasts + (slot << 2), last + patch - 1);
  if (first < 0) return false;
  memory.fill(weights + ((<usize>count) << 2), 0, (<usize>(patch + PADDING)) << 2);
  const to = blurred + slot * rowBytes;
  memory.fill(to, 0, rowBytes);
  for (let j = (<usize>first) << 2; j < (<usize>(last + patch - 1)) << 2; j += 16) {
    // The window is symmetric, and its middle is 1.
    let left = weights + j;
    let right = left - ((<usize>(patch - 1)) << 2);
    let sum = f32x4.splat(0);
    for (let u = n; right < left; u += 4, left -= 4, right += 4)
      sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(u), f32x4.add(v128.load(left), v128.load(right))));
    v128.store(to + j, left === right ? f32x4.add(sum, v128.load(left)) : sum);
  }
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
  const to = sums + ((<usize>((top + row) * width + left)) << 2);
  const from = y + ((<usize>((top + row + sy) * photoWidth + left + sx)) << 2);
  for (let j = (<usize>first) << 2; j < (<usize>last) << 2 && taps > 0; j += 16) {
    let w = f32x4.splat(0);
    for (let v: usize = 0; v < taps; v += 4)
      w = f32x4.add(w, f32x4.mul(v128.load32_splat(tapWeights + v), v128.load(load<usize>(tapRows + v) + j)));
    v128.store(to + j, f32x4.add(v128.load(to + j), f32x4.mul(w, v128.load(from + j))));
    v128.store(to + j, f32x4.add(v128.load(to + j, PLANE), f32x4.mul(w, v128.load(from + j, PLANE))), PLANE);
    v128.store(to + j, f32x4.add(v128.load(to + j, 2 * PLANE), f32x4.mul(w, v128.load(from + j, 2 * PLANE))), 2 * PLANE);
  }
}
