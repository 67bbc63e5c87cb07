// The denoiser of patches in float64, by its definition: all pairs of patches as vectors. Only for small pictures.
// Qiu, Kutulakos, Lindell, Efficient and Training-Free Single-Image Diffusion Models, CVPR 2026 (arXiv 2606.04299).

/** data is [channels, height, width]. */
interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: ArrayLike<number>;
}

export interface PatchProblem {
  readonly photos: readonly Picture[];
  /** Side of a patch. */
  readonly patch: number;
  /** Whether patches of the sample continue at the opposite border. */
  readonly wraps: { readonly x: boolean; readonly y: boolean };
}

/** All patches of a picture, row by row: [channels·patch·patch] each. With wraps, one patch starts at every pixel of that axis. */
function patchesOf({ width, height, data }: Picture, patch: number, wraps = { x: false, y: false }): Float64Array[] {
  const channels = data.length / (width * height);
  const columns = wraps.x ? width : width - patch + 1;
  const rows = wraps.y ? height : height - patch + 1;
  return Array.from({ length: rows * columns }, (_, p) => {
    const [top, left] = [Math.floor(p / columns), p % columns];
    return Float64Array.from({ length: channels * patch * patch }, (_, i) => {
      const [c, v, u] = [Math.floor(i / patch ** 2), Math.floor(i / patch) % patch, i % patch];
      return data[(c * height + ((top + v) % height)) * width + ((left + u) % width)]!;
    });
  });
}

/** n(u) = exp(−½·(s/0.2)²) for s = −1 … 1 in equal steps. */
const windowOf = (patch: number): number[] =>
  Array.from({ length: patch }, (_, u) => Math.exp(-0.5 * ((patch === 1 ? 0 : (2 * u) / (patch - 1) - 1) / 0.2) ** 2));

/**
 * x̂(p) = Σ g(u,v)·q̂(u,v) / Σ g over the patches that cover p, with q̂ = Σ w_k·k over the photos' patches k, w_k ∝ exp(−‖q − α·k‖²/(2σ²)),
 * Σ w = 1, g(u,v) = n(u)·n(v).  [channels, height, width] → the same shape.
 */
export function denoiseAllPairs({ photos, patch, wraps }: PatchProblem, x: Picture, alpha: number, sigma: number): Float64Array {
  const known = photos.flatMap((photo) => patchesOf(photo, patch));
  const { width, height, data } = x;
  const channels = data.length / (width * height);
  const sums = new Float64Array(data.length);
  const weights = new Float64Array(data.length);
  const n = windowOf(patch);
  const columns = wraps.x ? width : width - patch + 1;
  for (const [p, q] of patchesOf(x, patch, wraps).entries()) {
    const logits = known.map((k) => -k.reduce((sum, y, i) => sum + (q[i]! - alpha * y) ** 2, 0) / (2 * sigma ** 2));
    const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
    const powers = logits.map((logit) => Math.exp(logit - largest));
    const total = powers.reduce((a, b) => a + b, 0);
    for (let i = 0; i < channels * patch * patch; i++) {
      const denoised = powers.reduce((sum, power, k) => sum + power * known[k]![i]!, 0) / total;
      const [c, v, u] = [Math.floor(i / patch ** 2), Math.floor(i / patch) % patch, i % patch];
      const row = (Math.floor(p / columns) + v) % height;
      const at = (c * height + row) * width + (((p % columns) + u) % width);
      sums[at] = sums[at]! + n[u]! * n[v]! * denoised;
      weights[at] = weights[at]! + n[u]! * n[v]!;
    }
  }
  return sums.map((sum, i) => sum / weights[i]!);
}
