// Patch diffusion as it was published, as products of matrices, for comparison with src/instant/wasm/patches.ts: AssemblyScript with the
// SIMD of WebAssembly, too. Rows of W are the weights of the photo's patches for patches of the sample: D = |q|² + α²|k|² − 2α·Q·Kᵗ,
// W = softmax(−D/(2σ²)), and the denoised patches are W·K. Pictures are planes: [3, height, width], float32.

import { allocate } from "../../../src/instant/wasm/memory";
import { weightOf } from "../../../src/instant/wasm/weight";

export { allocate, reset } from "../../../src/instant/wasm/memory";

/** Patches of the sample at a time, and of the photo in one piece of W·K: both stay in a cache. */
const ROWS: i32 = 32;
const PIECE: i32 = 512;

let patch: i32 = 0;
/** Values of a patch, and the same rounded up to whole panels of 8. */
let values: i32 = 0;
let paddedValues: i32 = 0;
let width: i32 = 0;
let height: i32 = 0;
let keys: i32 = 0;
let paddedKeys: i32 = 0;

/** The photo's patches in panels of 8 patches, [values, 8] each, and in panels of 8 values, [paddedKeys, 8] each. */
let byPatch: usize = 0;
let byValue: usize = 0;
let norms: usize = 0;
let window: usize = 0;
let x: usize = 0;
let sums: usize = 0;
/** [ROWS, values], [ROWS, paddedKeys], [ROWS, paddedValues] */
let q: usize = 0;
let w: usize = 0;
let denoised: usize = 0;

export function setSample(side: i32, windowAt: usize, sampleWidth: i32, sampleHeight: i32, xAt: usize, sumsAt: usize): void {
  patch = side;
  values = 3 * patch * patch;
  paddedValues = (values + 7) & ~7;
  window = windowAt;
  width = sampleWidth;
  height = sampleHeight;
  x = xAt;
  sums = sumsAt;
}

/** Value i of the patch at (left, top) of a picture. */
function patchValue(picture: usize, w: i32, h: i32, left: i32, top: i32, i: i32): f32 {
  const c = i / (patch * patch);
  const v = (i / patch) % patch;
  const u = i % patch;
  return load<f32>(picture + ((<usize>((c * h + top + v) * w + left + u)) << 2));
}

/** Packs the patches of a photo. */
export function setPhoto(w0: i32, h0: i32, photo: usize): void {
  const columns = w0 - patch + 1;
  keys = columns * (h0 - patch + 1);
  paddedKeys = (keys + 7) & ~7;
  byPatch = allocate(paddedKeys * values);
  byValue = allocate(paddedValues * paddedKeys);
  norms = allocate(paddedKeys);
  q = allocate(ROWS * values);
  w = allocate(ROWS * paddedKeys);
  denoised = allocate(ROWS * paddedValues);
  for (let k = 0; k < keys; k++) {
    let norm: f32 = 0;
    for (let i = 0; i < values; i++) {
      const value = patchValue(photo, w0, h0, k % columns, k / columns, i);
      norm += value * value;
      store<f32>(byPatch + ((<usize>((k >> 3) * values * 8 + i * 8 + (k & 7))) << 2), value);
      store<f32>(byValue + ((<usize>((i >> 3) * paddedKeys * 8 + k * 8 + (i & 7))) << 2), value);
    }
    store<f32>(norms + ((<usize>k) << 2), norm);
  }
}

/** out[4, 8] += a[4, depth] · panel[depth, 8]; rows of `a` and of `out` are so many bytes apart. */
function multiply(a: usize, aRow: usize, panel: usize, depth: i32, out: usize, outRow: usize): void {
  const out1 = out + outRow;
  const out2 = out1 + outRow;
  const out3 = out2 + outRow;
  let s00 = v128.load(out);
  let s01 = v128.load(out, 16);
  let s10 = v128.load(out1);
  let s11 = v128.load(out1, 16);
  let s20 = v128.load(out2);
  let s21 = v128.load(out2, 16);
  let s30 = v128.load(out3);
  let s31 = v128.load(out3, 16);
  let a0 = a;
  let a1 = a0 + aRow;
  let a2 = a1 + aRow;
  let a3 = a2 + aRow;
  for (const last = a + ((<usize>depth) << 2); a0 < last; ) {
    const low = v128.load(panel);
    const high = v128.load(panel, 16);
    const v0 = v128.load32_splat(a0);
    s00 = f32x4.add(s00, f32x4.mul(v0, low));
    s01 = f32x4.add(s01, f32x4.mul(v0, high));
    const v1 = v128.load32_splat(a1);
    s10 = f32x4.add(s10, f32x4.mul(v1, low));
    s11 = f32x4.add(s11, f32x4.mul(v1, high));
    const v2 = v128.load32_splat(a2);
    s20 = f32x4.add(s20, f32x4.mul(v2, low));
    s21 = f32x4.add(s21, f32x4.mul(v2, high));
    const v3 = v128.load32_splat(a3);
    s30 = f32x4.add(s30, f32x4.mul(v3, low));
    s31 = f32x4.add(s31, f32x4.mul(v3, high));
    panel += 32;
    a0 += 4;
    a1 += 4;
    a2 += 4;
    a3 += 4;
  }
  v128.store(out, s00);
  v128.store(out, s01, 16);
  v128.store(out1, s10);
  v128.store(out1, s11, 16);
  v128.store(out2, s20);
  v128.store(out2, s21, 16);
  v128.store(out3, s30);
  v128.store(out3, s31, 16);
}

/** A row of W from its row of Q·Kᵗ, with scale = log₂e/(2σ²). */
function softmax(row: usize, query: f32, alpha: f32, scale: f32): void {
  let least = f32x4.splat(f32.MAX_VALUE);
  const bytes: usize = (<usize>paddedKeys) << 2;
  for (let j: usize = 0; j < bytes; j += 16) {
    const known = f32x4.mul(f32x4.splat(alpha * alpha), v128.load(norms + j));
    const d = f32x4.sub(f32x4.add(f32x4.splat(query), known), f32x4.mul(f32x4.splat(2 * alpha), v128.load(row + j)));
    v128.store(row + j, d);
  }
  for (let k = keys; k < paddedKeys; k++) store<f32>(row + ((<usize>k) << 2), f32.MAX_VALUE);
  for (let j: usize = 0; j < bytes; j += 16) least = f32x4.min(least, v128.load(row + j));
  const smallest = min<f32>(
    min<f32>(f32x4.extract_lane(least, 0), f32x4.extract_lane(least, 1)),
    min<f32>(f32x4.extract_lane(least, 2), f32x4.extract_lane(least, 3)),
  );
  let total = f32x4.splat(0);
  for (let j: usize = 0; j < bytes; j += 16) {
    const power = weightOf(f32x4.mul(f32x4.sub(f32x4.splat(smallest), v128.load(row + j)), f32x4.splat(scale)));
    total = f32x4.add(total, power);
    v128.store(row + j, power);
  }
  const low = f32x4.extract_lane(total, 0) + f32x4.extract_lane(total, 1);
  const reciprocal: f32 = 1 / (low + (f32x4.extract_lane(total, 2) + f32x4.extract_lane(total, 3)));
  for (let j: usize = 0; j < bytes; j += 16) v128.store(row + j, f32x4.mul(v128.load(row + j), f32x4.splat(reciprocal)));
}

/** Adds the sample's patches of every shares-th block from `share` on to the sums, denoised and times the window. */
export function denoise(share: i32, shares: i32, alpha: f32, scale: f32): void {
  const columns = width - patch + 1;
  const queries = columns * (height - patch + 1);
  const qRow: usize = (<usize>values) << 2;
  const wRow: usize = (<usize>paddedKeys) << 2;
  const outRow: usize = (<usize>paddedValues) << 2;
  for (let first = share * ROWS; first < queries; first += shares * ROWS) {
    const rows = min<i32>(ROWS, queries - first);
    memory.fill(w, 0, <usize>ROWS * wRow);
    memory.fill(denoised, 0, <usize>ROWS * outRow);
    for (let r = 0; r < rows; r++) {
      const p = first + r;
      const row = q + <usize>r * qRow;
      for (let c = 0; c < 3; c++)
        for (let v = 0; v < patch; v++) {
          const from = x + ((<usize>((c * height + p / columns + v) * width + (p % columns))) << 2);
          memory.copy(row + ((<usize>((c * patch + v) * patch)) << 2), from, (<usize>patch) << 2);
        }
    }
    for (let k = 0; k < paddedKeys; k += 8)
      for (let r = 0; r < rows; r += 4)
        multiply(q + <usize>r * qRow, qRow, byPatch + <usize>k * qRow, values, w + <usize>r * wRow + ((<usize>k) << 2), wRow);
    for (let r = 0; r < rows; r++) {
      let norm: f32 = 0;
      for (let i: usize = 0; i < qRow; i += 4) {
        const value = load<f32>(q + <usize>r * qRow + i);
        norm += value * value;
      }
      softmax(w + <usize>r * wRow, norm, alpha, scale);
    }
    for (let k = 0; k < paddedKeys; k += PIECE)
      for (let i = 0; i < paddedValues; i += 8)
        for (let r = 0; r < rows; r += 4)
          multiply(
            w + <usize>r * wRow + ((<usize>k) << 2),
            wRow,
            byValue + ((<usize>i * <usize>paddedKeys) << 2) + ((<usize>k) << 5),
            min<i32>(PIECE, paddedKeys - k),
            denoised + <usize>r * outRow + ((<usize>i) << 2),
            outRow,
          );
    for (let r = 0; r < rows; r++) fold(first + r, denoised + <usize>r * outRow);
  }
}

/** Adds patch p, times the window. */
function fold(p: i32, row: usize): void {
  const columns = width - patch + 1;
  for (let c = 0; c < 3; c++)
    for (let v = 0; v < patch; v++) {
      const to = sums + ((<usize>((c * height + p / columns + v) * width + (p % columns))) << 2);
      const from = row + ((<usize>((c * patch + v) * patch)) << 2);
      for (let u = 0; u < patch; u++) {
        const g = load<f32>(window + ((<usize>u) << 2)) * load<f32>(window + ((<usize>v) << 2));
        const at = to + ((<usize>u) << 2);
        store<f32>(at, load<f32>(at) + g * load<f32>(from + ((<usize>u) << 2)));
      }
    }
}
