// What removes the noise of a picture with the patches of photos.

import type { Planes, Size, Wraps } from "../image/planes.ts";

/** What a denoiser is made for. */
export interface PatchSource {
  /** All their patches are used; none is smaller than a patch. */
  readonly photos: readonly Planes[];
  /** Side of a patch, in pixels. */
  readonly patch: number;
  readonly wraps: Wraps;
  /** Of the sample; at least a patch on each axis. */
  readonly size: Size;
}

export interface PatchDenoiser {
  /**
   * The expected picture under the noisy one, α·picture + σ·noise, if every patch were one of the photos':
   * x̂(p) = Σ g(u,v)·q̂(u,v) / Σ g over the patches that cover p, where q̂ = Σ w_k·k over the photos' patches k,
   * w_k ∝ exp(−‖q − α·k‖²/(2σ²)), Σ w = 1.
   * Qiu, Kutulakos, Lindell, CVPR 2026 (arXiv 2606.04299); q is the noisy patch, (u,v) the pixel's place in it, g the window.
   */
  denoise(x: Planes, alpha: number, sigma: number): Promise<Planes>;
  dispose(): void;
}
