// Tables and resizes of the official code and of PyTorch that the program itself does not use: recorded results are compared with them.

import { levels, type Planes, type Size } from "../../src/image/planes.ts";
import { bilinearTaps, cubic, pack, resample64, type Taps } from "../../src/image/resample.ts";

const clamp = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);

/** The bicubic tables of the official imresize, which leaves out the inputs before 0 instead of mirroring them. Its default size is a plain ⌈·⌉. */
export function officialTaps(inSize: number, scale: number, outSize = Math.ceil(inSize * scale)): Taps {
  const stretch = Math.max(1, 1 / scale);
  const outputs = Array.from({ length: outSize }, (_, o) => {
    const at = (o + 0.5) / scale - 0.5;
    const taps: [number, number][] = [];
    for (let i = Math.max(0, Math.ceil(at - 2 * stretch)); i <= at + 2 * stretch; i++) {
      const folded = i % (2 * inSize);
      taps.push([folded < inSize ? folded : 2 * inSize - 1 - folded, cubic((at - i) / stretch)]);
    }
    return taps;
  });
  return pack(inSize, outputs);
}

/** Linear interpolation as F.interpolate does it: plain (align_corners=False), with antialias=True, or with align_corners=True. */
export const BILINEAR: Readonly<Record<"plain" | "antialias" | "corners", (inSize: number, outSize: number) => Taps>> = {
  plain: (inSize, outSize) => bilinearTaps(inSize, outSize, outSize / inSize),
  antialias: (inSize, outSize) => (outSize < inSize ? antialiasedTaps(inSize, outSize) : BILINEAR.plain(inSize, outSize)),
  corners: cornerTaps,
};

function antialiasedTaps(inSize: number, outSize: number): Taps {
  const [step, last] = [1 / (outSize / inSize), inSize - 1];
  const outputs = Array.from({ length: outSize }, (_, o) => {
    const taps: [number, number][] = [];
    const centre = Math.min((o + 0.5) * step - 0.5, last);
    for (let i = Math.max(0, Math.ceil(centre - step)); i <= Math.min(last, centre + step); i++)
      taps.push([i, Math.max(0, 1 - Math.abs((centre - i) / step))]);
    return taps;
  });
  return pack(inSize, outputs);
}

function cornerTaps(inSize: number, outSize: number): Taps {
  const step = outSize > 1 ? (inSize - 1) / (outSize - 1) : 0;
  const outputs = Array.from({ length: outSize }, (_, o): [number, number][] => {
    const at = clamp(o * step, 0, inSize - 1);
    const low = Math.floor(at);
    return [
      [low, 1 - (at - low)],
      [Math.min(low + 1, inSize - 1), at - low],
    ];
  });
  return pack(inSize, outputs);
}

/** trunc(255·clamp((x+1)/2, 0, 1)) in float32: the official conversion to 8 bits. It maps 63 of the 256 levels to the level below. */
export const truncateToLevels = (x: Float32Array): Uint8Array =>
  Uint8Array.from(x, (v) => Math.trunc(Math.fround(255 * clamp(Math.fround(v + 1) / 2, 0, 1))));

/**
 * The official imresize, exactly. It truncates to 8 bits in float32, resizes in float64 with the official tables (or to `size`), and returns
 * clamped float32: y = clamp((f32(u/255) − 0.5)·2, −1, 1).
 */
export function imresizeOfficial(planes: Planes, scale: number, size?: Size): Planes {
  const width = size?.width ?? Math.ceil(planes.width * scale);
  const height = size?.height ?? Math.ceil(planes.height * scale);
  const bytes = truncateToLevels(planes.data);
  if (scale === 1) return { width, height, data: Float32Array.from(bytes, (v) => levels[v]!) };
  const resized = resample64(bytes, 3, officialTaps(planes.height, scale, height), officialTaps(planes.width, scale, width));
  return { width, height, data: Float32Array.from(resized, (u) => clamp((Math.fround(u / 255) - 0.5) * 2, -1, 1)) };
}
