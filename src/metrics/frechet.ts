// The Fréchet distance between Gaussians fitted to two sets of features, as in FID and SIFID.
// Dowson & Landau 1982; Heusel et al. 2017 (FID); Rott Shaham et al. 2019 (SIFID: the set is the features at all positions of one picture).

/** mean [d], covariance [d,d] (n−1). */
export interface Gaussian {
  readonly mean: Float64Array;
  readonly covariance: Float64Array;
}

/** Fits a Gaussian to features [n,d], n ≥ 2. */
export function fitGaussian(features: Float32Array, d: number): Gaussian {
  const n = features.length / d;
  const mean = new Float64Array(d);
  for (let i = 0; i < features.length; i++) mean[i % d]! += features[i]! / n;
  const covariance = new Float64Array(d * d);
  const row = new Float64Array(d);
  for (let at = 0; at < features.length; at += d) {
    for (let i = 0; i < d; i++) row[i] = features[at + i]! - mean[i]!;
    for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) covariance[i * d + j]! += (row[i]! * row[j]!) / (n - 1);
  }
  return { mean, covariance };
}

/** Off-diagonal entries below this times the matrix's norm count as 0. */
const CONVERGED = 1e-15;
/** Cyclic Jacobi converges quadratically: about ten sweeps are enough for any size. */
const MAX_SWEEPS = 60;

/** Eigenvalues [d] and eigenvectors [d,d] (column k for value k) of a symmetric matrix [d,d]. Throws if it does not converge.  Golub & Van Loan 8.5. */
export function symmetricEigen(matrix: Float64Array, d: number): { values: Float64Array; vectors: Float64Array } {
  const a = matrix.slice();
  const vectors = Float64Array.from({ length: d * d }, (_, i) => (i % (d + 1) === 0 ? 1 : 0));
  const small = CONVERGED * Math.sqrt(a.reduce((sum, x) => sum + x * x, 0));
  let isDone = false;
  for (let sweep = 0; !isDone; sweep++) {
    if (sweep === MAX_SWEEPS) throw new Error(`the eigenvalues of a ${d}x${d} matrix did not converge`);
    isDone = true;
    for (let p = 0; p < d; p++) {
      for (let q = p + 1; q < d; q++) {
        const off = a[p * d + q]!;
        if (!(Math.abs(off) > small)) continue;
        isDone = false;
        const theta = (a[q * d + q]! - a[p * d + p]!) / (2 * off);
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1));
        const c = 1 / Math.hypot(t, 1);
        rotate(a, d, p, q, c, t * c);
        rotate(vectors, d, p, q, c, t * c, true);
      }
    }
  }
  return { values: Float64Array.from({ length: d }, (_, k) => a[k * d + k]!), vectors };
}

/** Replaces m by Jᵀ·m·J, or by m·J if `columnsOnly`, where J is a rotation in the plane (p,q) with cosine c and sine s. */
function rotate(m: Float64Array, d: number, p: number, q: number, c: number, s: number, columnsOnly = false): void {
  const turn = (i: number, j: number): void => {
    const [x, y] = [m[i]!, m[j]!];
    m[i] = c * x - s * y;
    m[j] = s * x + c * y;
  };
  for (let k = 0; k < d; k++) turn(k * d + p, k * d + q);
  if (!columnsOnly) for (let k = 0; k < d; k++) turn(p * d + k, q * d + k);
}

const multiply = (a: Float64Array, b: Float64Array, d: number): Float64Array =>
  Float64Array.from({ length: d * d }, (_, at) => {
    const [i, j] = [Math.floor(at / d), at % d];
    let sum = 0;
    for (let k = 0; k < d; k++) sum += a[i * d + k]! * b[k * d + j]!;
    return sum;
  });

/** The symmetric square root of a covariance matrix. Negative eigenvalues are rounding errors and count as 0. */
export function symmetricRoot(matrix: Float64Array, d: number): Float64Array {
  const { values, vectors } = symmetricEigen(matrix, d);
  const scaled = vectors.map((v, at) => v * Math.sqrt(Math.max(0, values[at % d]!)));
  const transposed = vectors.map((_, at) => vectors[(at % d) * d + Math.floor(at / d)]!);
  return multiply(scaled, transposed, d);
}

/**
 * ‖μ₁−μ₂‖² + Tr(Σ₁ + Σ₂ − 2(Σ₁Σ₂)^½), where Tr (Σ₁Σ₂)^½ is computed as the trace of the symmetric (Σ₁^½ Σ₂ Σ₁^½)^½.  Pass Σ₁^½ as `root` to
 * compute it only once when one Gaussian is compared with many.
 */
export function frechetDistance(a: Gaussian, b: Gaussian, root?: Float64Array): number {
  const d = a.mean.length;
  const half = root ?? symmetricRoot(a.covariance, d);
  const { values } = symmetricEigen(multiply(multiply(half, b.covariance, d), half, d), d);
  let distance = 0;
  for (let i = 0; i < d; i++) {
    distance += (a.mean[i]! - b.mean[i]!) ** 2 + a.covariance[i * (d + 1)]! + b.covariance[i * (d + 1)]!;
    distance -= 2 * Math.sqrt(Math.max(0, values[i]!));
  }
  return distance;
}
