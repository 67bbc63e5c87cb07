// The blur of weights with the window of a patch, along a row and down the rows, four at a time in the SIMD of WebAssembly. Addresses are in bytes.

/** Rows that are added in one go: their addresses and weights stay in registers. */
export const TAPS: i32 = 4;

/**
 * to[j] += Σ_{u < ⌊patch/2⌋} n[u]·(weights[j−u] + weights[j−(patch−1)+u]), for bytes j from `begin` to before `end`: the symmetric window n of a
 * patch without its middle.
 */
export function blurAlong(n: usize, patch: i32, weights: usize, to: usize, begin: usize, end: usize): void {
  const half: usize = (<usize>(patch >> 1)) << 2;
  const reach: usize = (<usize>(patch - 1)) << 2;
  let u: usize = 0;
  for (; u + 16 <= half; u += 16) {
    const n0 = v128.load32_splat(n + u);
    const n1 = v128.load32_splat(n + u, 4);
    const n2 = v128.load32_splat(n + u, 8);
    const n3 = v128.load32_splat(n + u, 12);
    for (let j = begin; j < end; j += 16) {
      const l = weights + j - u;
      const r = l - reach + 2 * u;
      const far = f32x4.add(f32x4.mul(n0, f32x4.add(v128.load(l), v128.load(r))), v128.load(to + j));
      const second = f32x4.add(f32x4.mul(n1, f32x4.add(v128.load(l - 4), v128.load(r, 4))), far);
      const third = f32x4.add(f32x4.mul(n2, f32x4.add(v128.load(l - 8), v128.load(r, 8))), second);
      v128.store(to + j, f32x4.add(f32x4.mul(n3, f32x4.add(v128.load(l - 12), v128.load(r, 12))), third));
    }
  }
  for (; u < half; u += 4) {
    const n0 = v128.load32_splat(n + u);
    for (let j = begin; j < end; j += 16) {
      const l = weights + j - u;
      const r = l - reach + 2 * u;
      v128.store(to + j, f32x4.add(f32x4.mul(n0, f32x4.add(v128.load(l), v128.load(r))), v128.load(to + j)));
    }
  }
}

/** to[j] += Σ_t factors[t]·rows[t][j], for bytes j from `begin` to before `end`. `rows` holds addresses; `bytes`, of all factors, is a multiple of 4·TAPS. */
export function addRows(rows: usize, factors: usize, bytes: usize, to: usize, begin: usize, end: usize): void {
  for (let t: usize = 0; t < bytes; t += 4 * TAPS) {
    const w0 = v128.load32_splat(factors + t);
    const w1 = v128.load32_splat(factors + t, 4);
    const w2 = v128.load32_splat(factors + t, 8);
    const w3 = v128.load32_splat(factors + t, 12);
    const row0 = load<usize>(rows + t);
    const row1 = load<usize>(rows + t, 4);
    const row2 = load<usize>(rows + t, 8);
    const row3 = load<usize>(rows + t, 12);
    for (let j = begin; j < end; j += 16) {
      const two = f32x4.add(f32x4.mul(w0, v128.load(row0 + j)), f32x4.mul(w1, v128.load(row1 + j)));
      const four = f32x4.add(f32x4.add(two, f32x4.mul(w2, v128.load(row2 + j))), f32x4.mul(w3, v128.load(row3 + j)));
      v128.store(to + j, f32x4.add(v128.load(to + j), four));
    }
  }
}
