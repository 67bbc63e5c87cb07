// Masks: which pixels of a picture an edit may change, from bytes, alpha or a difference; dilated, blurred and blended.
// Official code: dilate_mask (functions.py) and the last lines of editing.py and harmonization.py.

import type { Planes, Rgb8 } from "./planes.ts";

/** One value per pixel, 0 (the photo stays) to 1. */
export interface Mask {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** A mask that selects nothing, or everything; the message is one line for the user. */
export class MaskError extends Error {
  override readonly name = "MaskError";
}

/** Half of the 255 levels: what is lighter is set. Unlike the official "not 0" it survives JPEG. */
const HALF = 127.5;

/** Shares of red, green and blue in luma (ITU-R BT.601). */
const LUMA = [0.299, 0.587, 0.114] as const;

/** Set where the picture's luma is above half. */
export function maskOfPicture({ width, height, data }: Rgb8): Mask {
  const luma = (p: number) => LUMA.reduce((sum, share, c) => sum + share * data[3 * p + c]!, 0);
  return { width, height, data: Float32Array.from({ length: width * height }, (_, p) => Number(luma(p) > HALF)) };
}

/** Mean differences, of 255 levels, from which on pixels count as changed, and the distance that the means reach. */
const CHANGED_LUMA = { levels: 16, reach: 1 };
const CHANGED_COLOUR = { levels: 20, reach: 3 };

/**
 * Set where a picture differs from another of its size: where the mean difference in luma exceeds 16 levels over 3x3 pixels, or that in a
 * channel 20 levels over 7x7. Differences keep their signs in the means: those of JPEG, whose colours are coarser than its luma, cancel.
 */
export function maskOfDifference(a: Planes, b: Planes): Mask {
  const { width, height } = a;
  if (width !== b.width || height !== b.height)
    throw new RangeError(`${width}x${height} and ${b.width}x${b.height} can't be compared`);
  const area = width * height;
  const channels = [0, 1, 2].map((c) =>
    Float32Array.from({ length: area }, (_, p) => 127.5 * (a.data[c * area + p]! - b.data[c * area + p]!)),
  );
  const luma = Float32Array.from({ length: area }, (_, p) => LUMA.reduce((sum, share, c) => sum + share * channels[c]![p]!, 0));
  const changed = (difference: Float32Array, { levels, reach }: { levels: number; reach: number }) =>
    localMean({ width, height, data: difference }, reach).map((mean) => Number(Math.abs(mean) > levels));
  const found = [changed(luma, CHANGED_LUMA), ...channels.map((channel) => changed(channel, CHANGED_COLOUR))];
  return { width, height, data: Float32Array.from({ length: area }, (_, p) => Math.max(...found.map((one) => one[p]!))) };
}

/** Mean over the pixels at most `reach` away along each axis, as far as there are any. */
function localMean({ width, height, data }: Mask, reach: number): Float32Array {
  return data.map((_, p) => {
    const [x, y] = [p % width, Math.floor(p / width)];
    let [sum, count] = [0, 0];
    for (let i = Math.max(0, y - reach); i <= Math.min(height - 1, y + reach); i++) {
      for (let j = Math.max(0, x - reach); j <= Math.min(width - 1, x + reach); j++) {
        sum += data[i * width + j]!;
        count++;
      }
    }
    return sum / count;
  });
}

/** Grown by a disk: set where a set pixel lies within x² + y² ≤ radius². */
export function dilate({ width, height, data }: Mask, radius: number): Mask {
  const out = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (data[y * width + x] === 0) continue;
      for (let dy = -Math.min(radius, y); dy <= Math.min(radius, height - 1 - y); dy++) {
        const reach = Math.floor(Math.sqrt(radius * radius - dy * dy));
        out.fill(1, (y + dy) * width + Math.max(0, x - reach), (y + dy) * width + Math.min(width, x + reach + 1));
      }
    }
  }
  return { width, height, data: out };
}

/** Gaussian blur, its kernel cut off at 4σ, the edge repeated beyond the border; 0 stays 0 wherever no set pixel is in reach. */
export function blur({ width, height, data }: Mask, sigma: number): Mask {
  const radius = Math.ceil(4 * sigma);
  const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-((i - radius) ** 2) / (2 * sigma * sigma)));
  const total = kernel.reduce((a, b) => a + b, 0);
  const along = (source: Float32Array, length: number, lines: number, step: number, lineStep: number) => {
    const out = new Float32Array(source.length);
    for (let line = 0; line < lines; line++) {
      for (let i = 0; i < length; i++) {
        let sum = 0;
        for (let k = -radius; k <= radius; k++) {
          const at = Math.min(Math.max(i + k, 0), length - 1);
          sum += kernel[k + radius]! * source[line * lineStep + at * step]!;
        }
        out[line * lineStep + i * step] = sum / total;
      }
    }
    return out;
  };
  const rows = along(data, width, height, 1, width);
  return { width, height, data: along(rows, height, width, width, 1) };
}

/** Half of the longer side of the official code's pictures, which its radii are for. */
const OFFICIAL_SIDE = 250;
const OFFICIAL_SIGMA = 5;

/**
 * The soft mask of the official code: dilated by `radius`, blurred with σ = 5, and rescaled to [0,1]; both lengths are for pictures of
 * 250 px, and in proportion for others. Throws MaskError for a mask that is empty, or full before or after its dilation.
 */
export function soften(mask: Mask, radius: number): Mask {
  const share = Math.max(mask.width, mask.height) / OFFICIAL_SIDE;
  if (mask.data.every((v) => v === 0)) throw new MaskError("the mask is empty: nothing would change");
  if (mask.data.every((v) => v === 1)) throw new MaskError("the mask covers everything: nothing of the photo would stay");
  const grown = dilate(mask, Math.max(1, Math.round(radius * share)));
  if (grown.data.every((v) => v === 1))
    throw new MaskError("the mask covers everything once it is widened: nothing of the photo would stay");
  const { width, height, data } = blur(grown, OFFICIAL_SIGMA * share);
  const low = data.reduce((a, b) => Math.min(a, b), 1);
  const high = data.reduce((a, b) => Math.max(a, b), 0);
  return { width, height, data: data.map((v) => (v - low) / (high - low)) };
}

/** (1−m)·below + m·above, pixel by pixel; where m is 0 the pixel is that of `below`, to the last bit. Throws RangeError unless sizes agree. */
export function blend(below: Planes, above: Planes, { width, height, data }: Mask): Planes {
  for (const other of [below, above]) {
    if (other.width !== width || other.height !== height)
      throw new RangeError(`a mask of ${width}x${height} does not fit a picture of ${other.width}x${other.height}`);
  }
  const area = width * height;
  return {
    ...{ width, height },
    data: below.data.map((v, i) => {
      const m = data[i % area]!;
      return m === 0 ? v : (1 - m) * v + m * above.data[i]!;
    }),
  };
}

/** The mask as a grey picture. */
export function pictureOfMask({ width, height, data }: Mask): Rgb8 {
  return {
    width,
    height,
    data: Uint8Array.from({ length: 3 * data.length }, (_, i) => Math.round(255 * data[Math.floor(i / 3)]!)),
  };
}
