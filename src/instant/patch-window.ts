// The window of a patch, and the plane that samples are denoised on: one where patches need not wrap.

import { type Planes, periodicCrop, type Size, type Wraps } from "../image/planes.ts";

/** The width of the window, where a patch reaches from −1 to 1. */
const DEVIATION = 0.2;

/** n(u) = exp(−½·(s/0.2)²) for the `patch` positions s = −1 … 1 in equal steps. The weight of a pixel is n(u)·n(v). */
export const windowOf = (patch: number): Float64Array =>
  Float64Array.from({ length: patch }, (_, u) =>
    Math.exp(-0.5 * ((patch === 1 ? 0 : (2 * u) / (patch - 1) - 1) / DEVIATION) ** 2),
  );

/** The size of a sample with its first patch−1 columns and rows repeated behind its end, on axes that wrap. */
const extendedSize = ({ width, height }: Size, patch: number, wraps: Wraps): Size => ({
  width: wraps.x ? width + patch - 1 : width,
  height: wraps.y ? height + patch - 1 : height,
});

/** Adds what lies behind the end of a plane of the extended size to where it is repeated from. [channels, height, width] */
function folded(values: ArrayLike<number>, { width, height }: Size, to: Size): Float64Array {
  const channels = values.length / (width * height);
  const out = new Float64Array(channels * to.width * to.height);
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const at = (c * to.height + (y % to.height)) * to.width + (x % to.width);
        out[at] = out[at]! + values[(c * height + y) * width + x]!;
      }
  return out;
}

/** Σ n(u) over the patches of an axis of `length` pixels that cover each of them. */
function axisCoverage(length: number, patch: number): Float64Array {
  const n = windowOf(patch);
  const sums = new Float64Array(length);
  for (let p = 0; p + patch <= length; p++) for (let u = 0; u < patch; u++) sums[p + u] = sums[p + u]! + n[u]!;
  return sums;
}

/** What makes a picture of the sums Σ g·q̂ on a sample's plane of the extended size. */
export class PatchFold {
  readonly extended: Size;
  /** Σ g of each pixel. */
  readonly #weights: Float64Array;

  constructor(
    private readonly size: Size,
    patch: number,
    wraps: Wraps,
  ) {
    this.extended = extendedSize(size, patch, wraps);
    const { width, height } = this.extended;
    const [across, down] = [axisCoverage(width, patch), axisCoverage(height, patch)];
    const all = Float64Array.from({ length: width * height }, (_, p) => across[p % width]! * down[Math.floor(p / width)]!);
    this.#weights = folded(all, this.extended, size);
  }

  /** A sample on that plane: repeated as far as it reaches. */
  extend(sample: Planes): Planes {
    return periodicCrop(sample, 0, 0, this.extended.width, this.extended.height);
  }

  /** Σ g·q̂ / Σ g.  [3, height, width] of the extended size → a picture of the sample's size. */
  picture(sums: ArrayLike<number>): Planes {
    const data = folded(sums, this.extended, this.size);
    const weights = this.#weights;
    return { ...this.size, data: Float32Array.from(data, (sum, i) => sum / weights[i % weights.length]!) };
  }
}
