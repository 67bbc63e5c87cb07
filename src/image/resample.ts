// Resamples pictures on the CPU with a table of taps per axis: bicubic, antialiased where it reduces (imresize), and bilinear.
// After MATLAB's imresize, as ported to NumPy by A. Shocher for the official SinGAN code, and PyTorch's F.interpolate.

import { channelsOf, type Planes, type Size } from "./planes.ts";

/** One axis of a linear resampling: out[o] = Σ_k weight[o·width+k] · in[index[o·width+k]]. */
export interface Taps<Weight extends Float32Array | Float64Array = Float64Array> {
  readonly inSize: number;
  readonly outSize: number;
  /** Taps per output. Unused ones have index 0 and weight 0. */
  readonly width: number;
  readonly index: Uint32Array;
  readonly weight: Weight;
}

/** The same table with the float32 weights that the GPU's resize takes. */
export const float32Taps = (taps: Taps): Taps<Float32Array> => ({ ...taps, weight: Float32Array.from(taps.weight) });

/** ⌈x − 10⁻⁶⌉. Rounding errors of pow and log, which differ between engines, must not increase a whole number by 1. */
export const ceilSize = (x: number): number => Math.ceil(x - 1e-6);

const clamp = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);

/** Keys' cubic kernel, 0 for |t| ≥ 2.  Keys 1981, who shows that a = −0.5 is best; PyTorch and OpenCV use −0.75. */
export function cubic(t: number, a = -0.5): number {
  const d = Math.abs(t);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

/** Packs a list of taps per output into a table. The weights of an output are normalised to sum 1. */
export function pack(inSize: number, outputs: [index: number, weight: number][][]): Taps {
  const used = outputs.map((taps) => taps.filter(([, weight]) => weight !== 0));
  const width = Math.max(1, ...used.map((taps) => taps.length));
  const index = new Uint32Array(outputs.length * width);
  const weight = new Float64Array(outputs.length * width);
  used.forEach((taps, o) => {
    const sum = taps.reduce((total, [, w]) => total + w, 0);
    taps.forEach(([i, w], k) => {
      index[o * width + k] = i;
      weight[o * width + k] = w / sum;
    });
  });
  return { inSize, outSize: outputs.length, width, index, weight };
}

function requireSizes(inSize: number, outSize: number, scale: number): void {
  if (!(Number.isInteger(inSize) && Number.isInteger(outSize) && inSize > 0 && outSize > 0 && scale > 0 && scale < Infinity))
    throw new RangeError(`cannot resample ${inSize} to ${outSize} samples by the factor ${scale}`);
}

/**
 * Keys' bicubic on imresize's grid: output i lies at (i+0.5)/scale − 0.5, whatever the sizes. Below scale 1 the kernel is 1/scale times as
 * wide (antialiased). outSize (default ⌈inSize·scale⌉) crops or extends the far end. Both borders mirror, the end itself twice; with `wraps`
 * the axis continues at its other end.
 * Throws RangeError for sizes or factors that are not positive.  Official imresize.py, which treats only the border differently.
 */
export function bicubicTaps(inSize: number, scale: number, outSize: number = ceilSize(inSize * scale), wraps = false): Taps {
  requireSizes(inSize, outSize, scale);
  const stretch = Math.max(1, 1 / scale);
  const outputs = Array.from({ length: outSize }, (_, o) => {
    const at = (o + 0.5) / scale - 0.5;
    const taps: [number, number][] = [];
    for (let i = Math.ceil(at - 2 * stretch); i <= at + 2 * stretch; i++) {
      const folded = ((i % (2 * inSize)) + 2 * inSize) % (2 * inSize);
      const index = folded < inSize ? folded : wraps ? folded - inSize : 2 * inSize - 1 - folded;
      taps.push([index, cubic((at - i) / stretch)]);
    }
    return taps;
  });
  return pack(inSize, outputs);
}

/**
 * Linear interpolation on imresize's grid, cropped or extended to outSize: output i lies at (i+0.5)/scale − 0.5; outside the axis the end
 * value continues. Throws RangeError for sizes or factors that are not positive.  With scale = outSize/inSize F.interpolate(align_corners=False).
 */
export function bilinearTaps(inSize: number, outSize: number, scale: number): Taps {
  requireSizes(inSize, outSize, scale);
  const outputs = Array.from({ length: outSize }, (_, o): [number, number][] => {
    const at = clamp((o + 0.5) * (1 / scale) - 0.5, 0, inSize - 1);
    const low = Math.floor(at);
    return [
      [low, 1 - (at - low)],
      [Math.min(low + 1, inSize - 1), at - low],
    ];
  });
  return pack(inSize, outputs);
}

/** The part of a table for `count` outputs from `first` on. Its indices count from `start`, the first input that these outputs read. */
export function sliceTaps(taps: Taps<Float32Array>, first: number, count: number): { taps: Taps<Float32Array>; start: number } {
  const { width } = taps;
  const weight = taps.weight.slice(first * width, (first + count) * width);
  const index = taps.index.slice(first * width, (first + count) * width);
  const used = index.filter((_, at) => weight[at] !== 0);
  const start = used.reduce((a, b) => Math.min(a, b), taps.inSize - 1);
  const end = used.reduce((a, b) => Math.max(a, b), 0);
  const shifted = index.map((i, at) => (weight[at] === 0 ? 0 : i - start));
  return { taps: { inSize: end - start + 1, outSize: count, width, index: shifted, weight }, start };
}

/**
 * Outputs `first` … `first`+count−1 of an axis that is enlarged to outSize and, like its result, goes on periodically at both ends: output
 * i lies at (i+0.5)·inSize/outSize − 0.5. Indices count from `start`, which may be negative. Output i and output i+outSize have the same
 * weights. Throws RangeError for sizes that are not positive.
 */
export function periodicTaps(
  kind: "bicubic" | "bilinear",
  inSize: number,
  outSize: number,
  first: number,
  count: number,
): { taps: Taps; start: number } {
  requireSizes(inSize, outSize, 1);
  const outputs = Array.from({ length: count }, (_, k) => {
    const turn = Math.floor((first + k) / outSize);
    const at = ((first + k - turn * outSize + 0.5) * inSize) / outSize - 0.5;
    const low = Math.floor(at);
    const weights = kind === "bicubic" ? [-1, 0, 1, 2].map((d) => cubic(at - low - d)) : [1 - (at - low), at - low];
    return weights.map((weight, d): [number, number] => [turn * inSize + low + d - (kind === "bicubic" ? 1 : 0), weight]);
  });
  const used = outputs.flatMap((taps) => taps.filter(([, weight]) => weight !== 0).map(([index]) => index));
  const [start, end] = [Math.min(...used), Math.max(...used)];
  const shifted = outputs.map((taps) => taps.map(([index, weight]): [number, number] => [index - start, weight]));
  return { taps: pack(end - start + 1, shifted), start };
}

/** The a of PyTorch's cubic kernel. */
const TORCH_CUBIC = -0.75;

/**
 * Bicubic with aligned corners: output i lies at i·(inSize−1)/(outSize−1). Outside the axis the end value continues.
 * Throws RangeError for sizes that are not positive.  F.interpolate(mode="bicubic", align_corners=True).
 */
export function cornerBicubicTaps(inSize: number, outSize: number): Taps {
  requireSizes(inSize, outSize, 1);
  const step = outSize > 1 ? (inSize - 1) / (outSize - 1) : 0;
  const outputs = Array.from({ length: outSize }, (_, o) => {
    const low = Math.floor(o * step);
    return [-1, 0, 1, 2].map((k): [number, number] => [clamp(low + k, 0, inSize - 1), cubic(o * step - low - k, TORCH_CUBIC)]);
  });
  return pack(inSize, outputs);
}

/**
 * out[c,o,p] = Σ_k Σ_l wY[o,k]·wX[p,l]·x[c,iY[o,k],iX[p,l]] in float64; the vertical sum comes first.  [c,h,w] → [c,h',w'].
 * Throws RangeError if the tables do not fit.
 */
export function resample64(x: ArrayLike<number>, channels: number, tapsY: Taps, tapsX: Taps): Float64Array {
  const width = tapsX.inSize;
  if (x.length !== channels * tapsY.inSize * width)
    throw new RangeError(`tables for ${width}x${tapsY.inSize} do not fit ${x.length} values in ${channels} channels`);
  const row = new Float64Array(width);
  const out = new Float64Array(channels * tapsY.outSize * tapsX.outSize);
  for (let c = 0; c < channels; c++) {
    for (let o = 0; o < tapsY.outSize; o++) {
      row.fill(0);
      for (let k = o * tapsY.width; k < (o + 1) * tapsY.width; k++) {
        const weight = tapsY.weight[k]!;
        const from = (c * tapsY.inSize + tapsY.index[k]!) * width;
        if (weight !== 0) for (let j = 0; j < width; j++) row[j] = row[j]! + weight * x[from + j]!;
      }
      const to = (c * tapsY.outSize + o) * tapsX.outSize;
      for (let p = 0; p < tapsX.outSize; p++) {
        let sum = 0;
        for (let k = p * tapsX.width; k < (p + 1) * tapsX.width; k++) sum += tapsX.weight[k]! * row[tapsX.index[k]!]!;
        out[to + p] = sum;
      }
    }
  }
  return out;
}

/** Resamples a picture with a table per axis. Values may overshoot [-1,1].  Throws RangeError if the tables do not fit. */
export const resample = (planes: Planes, tapsY: Taps, tapsX: Taps): Planes => ({
  width: tapsX.outSize,
  height: tapsY.outSize,
  data: Float32Array.from(resample64(planes.data, channelsOf(planes), tapsY, tapsX)),
});

const clamped = ({ width, height, data }: Planes): Planes => ({ width, height, data: data.map((x) => clamp(x, -1, 1)) });

/**
 * Bicubic resize on imresize's grid, then clamped to [-1,1]. The default size is ⌈width·scale⌉ x ⌈height·scale⌉; another size does not change
 * the grid. Unlike the official code, it does not convert to 8 bits in between.
 */
export const imresize = (planes: Planes, scale: number, size?: Size): Planes =>
  clamped(resample(planes, bicubicTaps(planes.height, scale, size?.height), bicubicTaps(planes.width, scale, size?.width)));

/**
 * Bicubic resize to an exact size, then clamped to [-1,1]. Each axis has the factor out/in and is antialiased if that is below 1.
 * The official imresize_to_shape antialiases both axes or none, by the vertical factor.
 */
export function imresizeTo(planes: Planes, { width, height }: Size): Planes {
  const taps = (inSize: number, outSize: number) => bicubicTaps(inSize, outSize / inSize, outSize);
  return clamped(resample(planes, taps(planes.height, height), taps(planes.width, width)));
}
