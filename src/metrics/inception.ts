// InceptionV3's first three convolutions on the CPU. SIFID compares their features, which precede the first pooling.
// Szegedy et al. 2016; Keras's ImageNet weights as the npm package nsfwjs 4.3.0 contains them, in 8 bits. Their rounding changes a Fréchet
// distance by 0.8 % (rms, measured on samples of 64x64 with all weights changed at random by up to half a step).

import type { Picture } from "./picture.ts";

/** Number of features at every position. */
export const FEATURES = 64;
const EPSILON = 1e-3;

/** A 3x3 convolution, into which its batch normalisation is folded, followed by ReLU. */
interface Layer {
  readonly inputs: number;
  readonly outputs: number;
  readonly stride: number;
  readonly padding: number;
  /** [3, 3, inputs, outputs] */
  readonly kernel: Float64Array;
  /** [outputs] */
  readonly shift: Float64Array;
}
export type Inception = readonly Layer[];

const SHAPES = [
  { inputs: 3, outputs: 32, stride: 2, padding: 0 },
  { inputs: 32, outputs: 32, stride: 1, padding: 0 },
  { inputs: 32, outputs: FEATURES, stride: 1, padding: 1 },
] as const;

/** The part of a TensorFlow.js model.json that lists the weights in the order of their bytes. */
export interface WeightsManifest {
  readonly weightsManifest: readonly {
    readonly weights: readonly {
      readonly name: string;
      readonly shape: readonly number[];
      readonly quantization?: { readonly min: number; readonly scale: number; readonly dtype: string };
    }[];
  }[];
}

/**
 * Decodes the layers from a manifest and its bytes, of which those of later layers may be missing: value = min + scale·byte. Throws
 * RangeError that names the weight if one is missing or has another shape.
 */
export function readInception({ weightsManifest }: WeightsManifest, bytes: Uint8Array): Inception {
  const entries = new Map<string, { offset: number; length: number; min: number; scale: number }>();
  let offset = 0;
  for (const { name, shape, quantization } of weightsManifest.flatMap(({ weights }) => weights)) {
    const length = shape.reduce((a, b) => a * b, 1);
    const isByte = quantization?.dtype === "uint8";
    if (isByte) entries.set(`${name} ${shape.join("x")}`, { offset, length, ...quantization });
    offset += length * (isByte ? 1 : 4);
  }
  const weight = (name: string): Float64Array => {
    const entry = entries.get(name);
    if (!entry || entry.offset + entry.length > bytes.length) throw new RangeError(`no 8-bit weight ${name} in this InceptionV3`);
    return Float64Array.from(bytes.subarray(entry.offset, entry.offset + entry.length), (b) => entry.min + entry.scale * b);
  };
  return SHAPES.map((shape, i) => {
    const normalisation = (part: string) => weight(`batch_normalization_${i + 1}/${part} ${shape.outputs}`);
    // Keras's InceptionV3 has no γ.
    const [beta, mean] = [normalisation("beta"), normalisation("moving_mean")];
    const scale = normalisation("moving_variance").map((variance) => 1 / Math.sqrt(variance + EPSILON));
    const kernel = weight(`conv2d_${i + 1}/kernel 3x3x${shape.inputs}x${shape.outputs}`);
    return {
      ...shape,
      kernel: kernel.map((w, k) => w * scale[k % shape.outputs]!),
      shift: beta.map((b, o) => b - mean[o]! * scale[o]!),
    };
  });
}

/** Input and result have [height, width, channels] as data. */
function convolve({ width, height, data }: Picture, { inputs, outputs, stride, padding, kernel, shift }: Layer): Picture {
  const size = (length: number): number => Math.floor((length + 2 * padding - 3) / stride) + 1;
  const [w, h] = [size(width), size(height)];
  const out = new Float32Array(h * w * outputs);
  const sums = new Float64Array(outputs);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      sums.set(shift);
      for (let tap = 0; tap < 9; tap++) {
        const [row, column] = [y * stride + Math.floor(tap / 3) - padding, x * stride + (tap % 3) - padding];
        if (row < 0 || row >= height || column < 0 || column >= width) continue;
        for (let c = 0; c < inputs; c++) {
          const value = data[(row * width + column) * inputs + c]!;
          const first = (tap * inputs + c) * outputs;
          if (value !== 0) for (let o = 0; o < outputs; o++) sums[o]! += value * kernel[first + o]!;
        }
      }
      for (let o = 0; o < outputs; o++) out[(y * w + x) * outputs + o] = Math.max(0, sums[o]!);
    }
  }
  return { width: w, height: h, data: out };
}

/** Features of a picture at its own size: [h,w,3] in [0,1] → [(⌊(h−3)/2⌋−1)·(⌊(w−3)/2⌋−1), FEATURES]. The network sees 2x−1. Both sides ≥ 7. */
export function inceptionFeatures({ width, height, data }: Picture, inception: Inception): Float32Array {
  const input: Picture = { width, height, data: data.map((x) => 2 * x - 1) };
  return inception.reduce(convolve, input).data;
}
