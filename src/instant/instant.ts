// Instant pictures: patch diffusion without training, coarse to fine. Each scale begins with noise, and ten times the denoiser replaces every
// patch by the expected one among the photo's patches.
// Qiu, Kutulakos, Lindell, Efficient and Training-Free Single-Image Diffusion Models, CVPR 2026 (arXiv 2606.04299).

import { normals } from "../autodiff/philox.ts";
import { type Mask, maskOfSize } from "../image/mask.ts";
import type { Planes, Size } from "../image/planes.ts";
import type { PatchDenoiser, PatchSource } from "./denoiser.ts";
import { type InstantOptions, STEPS } from "./options.ts";
import { reductions, resized, scaleFactors, scaleSizes } from "./scales.ts";

/** α_t for t = 0 … 10; σ_t = 1 − α_t. A noisy picture is α·picture + σ·noise. */
export const alphaAt = (t: number): number => (t === 0 ? 1 : ((1 - 1e-4) * (STEPS - t)) / (STEPS - 1));

/** What a picture begins with in place of noise. */
export type Start =
  | { readonly kind: "noise" }
  /** The photo's layout at another shape: the coarsest scale is the photo, resized. */
  | { readonly kind: "photo" }
  /** A picture of the sample's size, which may change as much as `freedom` says: 0 not at all, 1 completely. */
  | { readonly kind: "picture"; readonly picture: Planes; readonly freedom: number };

export interface InstantRequest extends InstantOptions {
  readonly size: Size;
  readonly seed: number;
  readonly start: Start;
  /** Pixels of a picture of the sample's size that stay as they are: where the mask is set. */
  readonly keep?: { readonly picture: Planes; readonly mask: Mask };
}

/** After a step: what the denoiser has found at this scale (0 is the finest). */
export interface InstantStep {
  readonly scale: number;
  readonly scales: number;
  readonly t: number;
  readonly picture: Planes;
}

export type OpenDenoiser = (source: PatchSource) => Promise<PatchDenoiser>;

/** The third word of the random keys; others are in PURPOSE of src/singan/networks/noise.ts. */
const INSTANT = 9 << 16;

/** Noise of one scale: `t` is the step that draws it, STEPS for the first. */
function noise(seed: number, scale: number, t: number, { width, height }: Size): Float32Array {
  return Float32Array.from(normals(Uint32Array.of(seed, 0, INSTANT + scale, t), 0, 3 * width * height));
}

/** Where a start from a picture begins: the scale, and the step. */
export function startAt(freedom: number, scales: number): { scale: number; t: number } {
  const steps = Math.round(Math.min(1, Math.max(0, freedom)) * scales * STEPS);
  if (steps === 0) return { scale: -1, t: 0 };
  const scale = Math.ceil(steps / STEPS) - 1;
  return { scale, t: steps - scale * STEPS };
}

/**
 * One picture: a pure function of the photos and the request. `onStep` is called after each step; it may throw to end the work.
 * Values are in [−1, 1].
 */
export async function instantPicture(
  photos: readonly Planes[],
  request: InstantRequest,
  open: OpenDenoiser,
  onStep: (step: InstantStep) => void | Promise<void> = () => {},
): Promise<Planes> {
  const { patch, wraps, size, start, keep } = request;
  const factors = scaleFactors(photos[0]!, request.coarsest);
  const sizes = scaleSizes(size, factors, patch);
  const known = photos.map((photo) => reductions(photo, scaleSizes(photo, factors, patch)));
  const kept = keep && {
    pictures: reductions(keep.picture, sizes, wraps),
    masks: sizes.map((one) => maskOfSize(keep.mask, one).data),
  };
  const given = start.kind === "picture" ? reductions(start.picture, sizes, wraps) : null;
  const scales = factors.length;
  const from = start.kind === "picture" ? startAt(start.freedom, scales) : { scale: scales - 1, t: STEPS };
  let finished: Planes | null = given?.[from.scale + 1] ?? null;
  if (start.kind === "photo") finished = resized(known[0]![scales - 1]!, sizes[scales - 1]!, wraps);
  for (let scale = start.kind === "photo" ? scales - 2 : from.scale; scale >= 0; scale--) {
    const denoiser = await open({ photos: known.map((all) => all[scale]!), patch, wraps, size: sizes[scale]! });
    try {
      const first = scale === from.scale ? from.t : STEPS;
      finished = await scalePicture({
        ...{ denoiser, scale, size: sizes[scale]!, coarser: finished, request, first },
        given: given?.[scale],
        keep: kept && { picture: kept.pictures[scale]!, mask: kept.masks[scale]! },
        onStep: (t, picture) => onStep({ scale, scales, t, picture }),
      });
    } finally {
      denoiser.dispose();
    }
  }
  const picture = finished ?? (start.kind === "picture" ? start.picture : known[0]![0]!);
  return { ...picture, data: picture.data.map((value) => Math.min(1, Math.max(-1, value))) };
}

interface ScaleRequest {
  readonly denoiser: PatchDenoiser;
  readonly scale: number;
  readonly size: Size;
  /** The finished next coarser scale. */
  readonly coarser: Planes | null;
  readonly request: InstantRequest;
  /** The first step, and the picture that it begins with where it is not the first of all. */
  readonly first: number;
  readonly given: Planes | undefined;
  readonly keep: { readonly picture: Planes; readonly mask: Float32Array } | undefined;
  readonly onStep: (t: number, picture: Planes) => void | Promise<void>;
}

/** The steps of one scale. */
async function scalePicture({
  denoiser,
  scale,
  size,
  coarser,
  request,
  first,
  given,
  keep,
  onStep,
}: ScaleRequest): Promise<Planes> {
  const { seed, eta, wraps } = request;
  const beginning = noise(seed, scale, STEPS, size);
  const [alpha, sigma] = [alphaAt(first), 1 - alphaAt(first)];
  const area = size.width * size.height;
  let x: Planes = { ...size, data: beginning.map((z, i) => alpha * (given?.data[i] ?? 0) + sigma * z) };
  const restore = (alphaNow: number): void => {
    if (keep)
      for (let i = 0; i < x.data.length; i++)
        if (keep.mask[i % area]!) x.data[i] = alphaNow * keep.picture.data[i]! + (1 - alphaNow) * beginning[i]!;
  };
  restore(alpha);
  const guide = coarser && resized(coarser, size, wraps);
  for (let t = first; t >= 1; t--) {
    const [alphaNow, alphaNext] = [alphaAt(t), alphaAt(t - 1)];
    const [sigmaNow, sigmaNext] = [1 - alphaNow, 1 - alphaNext];
    const found = await denoiser.denoise(x, alphaNow, sigmaNow);
    await onStep(t, found);
    const epsilon = x.data.map((value, i) => (value - alphaNow * found.data[i]!) / sigmaNow);
    let next = found.data;
    if (guide && t > 1) {
      const low = resized(resized(found, coarser, wraps), size, wraps);
      next = found.data.map((value, i) => value - low.data[i]! + guide.data[i]!);
    }
    const fresh = eta > 0 && t > 1 ? noise(seed, scale, t - 1, size) : null;
    const old = Math.sqrt(1 - eta * eta);
    x = { ...size, data: next.map((value, i) => alphaNext * value + sigmaNext * (old * epsilon[i]! + eta * (fresh?.[i] ?? 0))) };
    restore(alphaNext);
  }
  return x;
}
