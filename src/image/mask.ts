// Masks, which say how far an edit may change each pixel: made from a picture or a difference, dilated, blurred, and used to blend.
// After the official code: dilate_mask (functions.py) and the last lines of editing.py and harmonization.py.

import { inChannels, isSameSize, type Planes, type Rgb8, type Size } from "./planes.ts";
import { imresizeTo } from "./resample.ts";

/** One value per pixel, from 0 (the photo is kept) to 1 (the edit replaces it). */
export interface Mask extends Size {
  readonly data: Float32Array;
}

/** A mask selects nothing, or leaves nothing to do. The message is one line for the user. */
export class MaskError extends Error {
  override readonly name = "MaskError";
}

/** Half of 255. */
const HALF = 127.5;

/** Weights of red, green and blue in luma (ITU-R BT.601). */
const LUMA = [0.299, 0.587, 0.114] as const;

/**
 * A mask from a picture: set where the largest of red, green and blue is above half, so masks of one colour count. The official code's "not
 * black" would fail on masks stored as JPEG; it decides where the whole picture is darker than half, such as in masks of the values 0 and 1.
 */
export function maskOfPicture({ width, height, data }: Rgb8): Mask {
  const largest = Uint8Array.from({ length: width * height }, (_, p) =>
    Math.max(data[3 * p]!, data[3 * p + 1]!, data[3 * p + 2]!),
  );
  const limit = largest.some((value) => value > HALF) ? HALF : 0;
  return { width, height, data: Float32Array.from(largest, (value) => Number(value > limit)) };
}

/** Whether every pixel is set. */
export const isFull = (mask: Mask): boolean => mask.data.every((v) => v === 1);

/** The values of a mask at another size. */
export function resizedMask({ width, height, data }: Mask, size: Size): Float32Array {
  const grey = { width, height, data: Float32Array.from({ length: 3 * data.length }, (_, i) => 2 * data[i % data.length]! - 1) };
  return imresizeTo(grey, size)
    .data.slice(0, size.width * size.height)
    .map((v) => (v + 1) / 2);
}

/** A mask at another size: 1 where the resized value is at least half, else 0. */
export function maskOfSize(mask: Mask, size: Size): Mask {
  if (isSameSize(mask, size)) return mask;
  const { width, height } = size;
  return { width, height, data: resizedMask(mask, size).map((v) => Number(v >= 0.5)) };
}

/** A pixel counts as changed if the mean difference around it, up to `reach` pixels away, exceeds `levels` of 255. */
const CHANGED_LUMA = { levels: 16, reach: 1 };
const CHANGED_COLOUR = { levels: 20, reach: 3 };

/**
 * A mask from two pictures of one size: set where the mean difference over 3x3 pixels exceeds 16 levels in luma, or over 7x7 pixels 20 levels
 * in a colour channel. The means are of signed differences, so that JPEG's errors cancel; colours need the larger window because JPEG stores
 * them more coarsely. Throws RangeError if the sizes differ.
 */
export function maskOfDifference(a: Planes, b: Planes): Mask {
  const { width, height } = a;
  if (!isSameSize(a, b)) throw new RangeError(`${width}x${height} and ${b.width}x${b.height} can't be compared`);
  const area = width * height;
  const [of, to] = [inChannels(a, 3).data, inChannels(b, 3).data];
  const channels = [0, 1, 2].map((c) =>
    Float32Array.from({ length: area }, (_, p) => 127.5 * (of[c * area + p]! - to[c * area + p]!)),
  );
  const luma = Float32Array.from({ length: area }, (_, p) => LUMA.reduce((sum, share, c) => sum + share * channels[c]![p]!, 0));
  const changed = (difference: Float32Array, { levels, reach }: { levels: number; reach: number }) =>
    localMean({ width, height, data: difference }, reach).map((mean) => Number(Math.abs(mean) > levels));
  const found = [changed(luma, CHANGED_LUMA), ...channels.map((channel) => changed(channel, CHANGED_COLOUR))];
  return { width, height, data: Float32Array.from({ length: area }, (_, p) => Math.max(...found.map((one) => one[p]!))) };
}

/** Mean over the pixels at most `reach` away along each axis, inside the picture. */
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

/** Dilation by a disk: a pixel is set if a set pixel lies within x² + y² ≤ radius². */
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

/** Gaussian blur with a kernel cut off at 4σ and the border pixels repeated outside. A pixel stays exactly 0 if no set pixel is in reach. */
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

/** Long side of the official code's pictures, in pixels. Its radius and σ are for this size. */
const OFFICIAL_SIDE = 250;
const OFFICIAL_SIGMA = 5;

/**
 * The official code's soft mask: dilated by `radius`, blurred with σ = 5 and rescaled to [0,1]. Both lengths are for pictures whose long side
 * is 250 px, and scale with the picture. A mask that covers everything once it is dilated stays full. Throws MaskError if it is empty.
 */
export function soften(mask: Mask, radius: number): Mask {
  const share = Math.max(mask.width, mask.height) / OFFICIAL_SIDE;
  if (mask.data.every((v) => v === 0)) throw new MaskError("the mask is empty, so nothing would change");
  const grown = dilate(mask, Math.max(1, Math.round(radius * share)));
  if (isFull(grown)) return grown;
  const { width, height, data } = blur(grown, OFFICIAL_SIGMA * share);
  const low = data.reduce((a, b) => Math.min(a, b), 1);
  const high = data.reduce((a, b) => Math.max(a, b), 0);
  return { width, height, data: data.map((v) => (v - low) / (high - low)) };
}

/** (1−m)·below + m·above, pixel by pixel. Where m is 0, the result has the exact bits of `below`. Throws RangeError if sizes differ. */
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

/** The mask as a grey picture: 0 is black, 1 is white. */
export function pictureOfMask({ width, height, data }: Mask): Rgb8 {
  return {
    width,
    height,
    data: Uint8Array.from({ length: 3 * data.length }, (_, i) => Math.round(255 * data[Math.floor(i / 3)]!)),
  };
}
