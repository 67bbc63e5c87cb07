// The 7x7 patches of a picture as rows of a matrix, and the matrix product by which they are projected and compared.

import type { Picture } from "./picture.ts";

/** Width and height of a patch. */
export const SIDE = 7;
/** Number of pixels in a patch. */
export const AREA = SIDE * SIDE;
/** Number of values in a patch: the columns of a row, in the order channel, y, x. */
export const VALUES = 3 * AREA;

/** The number of patches in a picture: they overlap, and every position counts. */
export const patchCount = ({ width, height }: Picture): number => (width - SIDE + 1) * (height - SIDE + 1);

/** The patches with these numbers, which count along the rows of the picture → [numbers.length, VALUES]. */
export function patchRows(picture: Picture, numbers: ArrayLike<number>): Float32Array {
  const { width, data } = picture;
  const across = width - SIDE + 1;
  const rows = new Float32Array(numbers.length * VALUES);
  for (let i = 0, to = 0; i < numbers.length; i++) {
    const [left, top] = [numbers[i]! % across, Math.floor(numbers[i]! / across)];
    for (let c = 0; c < 3; c++) {
      for (let y = 0; y < SIDE; y++) {
        let from = 3 * ((top + y) * width + left) + c;
        for (let x = 0; x < SIDE; x++, from += 3) rows[to++] = data[from]!;
      }
    }
  }
  return rows;
}

/**
 * out[i,j] = Σ_k a[i,k]·b[j,k] in float64.  a [m,VALUES], b [n,VALUES] → [m,n]. Computed in blocks of 4x4 results: their sixteen sums stay in
 * registers and need eight loads per k.
 */
export function products(a: Float32Array, b: Float32Array): Float64Array {
  const [m, n] = [a.length / VALUES, b.length / VALUES];
  const out = new Float64Array(m * n);
  for (let i = 0; i < m; i += 4) {
    // In the last block, rows and columns past the end repeat the last one. It writes the same sums again.
    const [r0, r1, r2, r3] = [i, Math.min(i + 1, m - 1), Math.min(i + 2, m - 1), Math.min(i + 3, m - 1)] as const;
    for (let j = 0; j < n; j += 4) {
      const [c0, c1, c2, c3] = [j, Math.min(j + 1, n - 1), Math.min(j + 2, n - 1), Math.min(j + 3, n - 1)] as const;
      let [s00, s01, s02, s03, s10, s11, s12, s13] = [0, 0, 0, 0, 0, 0, 0, 0];
      let [s20, s21, s22, s23, s30, s31, s32, s33] = [0, 0, 0, 0, 0, 0, 0, 0];
      for (let k = 0; k < VALUES; k++) {
        const a0 = a[r0 * VALUES + k]!;
        const a1 = a[r1 * VALUES + k]!;
        const a2 = a[r2 * VALUES + k]!;
        const a3 = a[r3 * VALUES + k]!;
        const b0 = b[c0 * VALUES + k]!;
        const b1 = b[c1 * VALUES + k]!;
        const b2 = b[c2 * VALUES + k]!;
        const b3 = b[c3 * VALUES + k]!;
        s00 += a0 * b0;
        s01 += a0 * b1;
        s02 += a0 * b2;
        s03 += a0 * b3;
        s10 += a1 * b0;
        s11 += a1 * b1;
        s12 += a1 * b2;
        s13 += a1 * b3;
        s20 += a2 * b0;
        s21 += a2 * b1;
        s22 += a2 * b2;
        s23 += a2 * b3;
        s30 += a3 * b0;
        s31 += a3 * b1;
        s32 += a3 * b2;
        s33 += a3 * b3;
      }
      const row = (r: number, x0: number, x1: number, x2: number, x3: number): void => {
        out[r * n + c0] = x0;
        out[r * n + c1] = x1;
        out[r * n + c2] = x2;
        out[r * n + c3] = x3;
      };
      row(r0, s00, s01, s02, s03);
      row(r1, s10, s11, s12, s13);
      row(r2, s20, s21, s22, s23);
      row(r3, s30, s31, s32, s33);
    }
  }
  return out;
}
