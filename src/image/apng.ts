// An animation as an APNG: a PNG whose further frames lie in chunks that other readers skip; all colours exact. Node (zlib).
// PNG 3rd edition, 11.3.6: acTL, fcTL, fdAT. Every frame is whole and replaces the one before.

import { deflateSync } from "node:zlib";
import type { Rgb8 } from "./planes.ts";
import { pngChunk, pngSignature } from "./png.ts";

const RGB = { depth: 8, colourType: 2 } as const;
const PAETH = 4;
const BYTES = 3;
/** Delays are fractions of 16-bit numbers. */
export const MAX_APNG_FPS = 65_535;

/**
 * The file's bytes; each frame is shown for exactly 1/fps s, for ever. All frames have the size of the first. Throws RangeError for no
 * frames, sizes that differ, or an fps that is no whole number from 1 to 65535.
 */
export function encodeApng(frames: readonly Rgb8[], fps: number): Uint8Array {
  const [first] = frames;
  if (!first) throw new RangeError("an animation needs a frame");
  const { width, height } = first;
  const odd = frames.find((frame) => frame.width !== width || frame.height !== height);
  if (odd) throw new RangeError(`a frame of ${odd.width}x${odd.height} among ones of ${width}x${height}`);
  if (!Number.isInteger(fps) || fps < 1 || fps > MAX_APNG_FPS)
    throw new RangeError(`frames per second must be a whole number from 1 to ${MAX_APNG_FPS}, not ${fps}`);

  let sequence = 0;
  const parts: Uint8Array[] = [
    Uint8Array.from(pngSignature),
    pngChunk("IHDR", [u32(width), u32(height), Uint8Array.of(RGB.depth, RGB.colourType, 0, 0, 0)]),
    pngChunk("acTL", [u32(frames.length), u32(0)]), // 0 repeats: for ever
  ];
  for (const [i, frame] of frames.entries()) {
    const place = [width, height, 0, 0].map(u32);
    const delay = Uint8Array.of(0, 1, fps >> 8, fps & 0xff);
    const keepThenReplace = Uint8Array.of(0, 0);
    parts.push(pngChunk("fcTL", [u32(sequence++), ...place, delay, keepThenReplace]));
    const data = deflateSync(filtered(frame));
    parts.push(i === 0 ? pngChunk("IDAT", [data]) : pngChunk("fdAT", [u32(sequence++), data]));
  }
  parts.push(pngChunk("IEND", []));
  return new Uint8Array(Buffer.concat(parts));
}

function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Rows of residues by Paeth's predictor, each after its filter's number. */
function filtered({ width, height, data }: Rgb8): Uint8Array {
  const line = BYTES * width;
  const out = new Uint8Array(height * (line + 1));
  for (let y = 0; y < height; y++) {
    const to = y * (line + 1);
    out[to] = PAETH;
    for (let i = 0; i < line; i++) {
      const at = y * line + i;
      const left = i < BYTES ? 0 : data[at - BYTES]!;
      const up = y === 0 ? 0 : data[at - line]!;
      const corner = i < BYTES || y === 0 ? 0 : data[at - line - BYTES]!;
      out[to + 1 + i] = data[at]! - paeth(left, up, corner);
    }
  }
  return out;
}

/** Whichever of the three is nearest to left + up − corner; the first of them where that is undecided. */
function paeth(left: number, up: number, corner: number): number {
  const [byLeft, byUp] = [Math.abs(up - corner), Math.abs(left - corner)];
  const byCorner = Math.abs(left + up - 2 * corner);
  if (byLeft <= byUp && byLeft <= byCorner) return left;
  return byUp <= byCorner ? up : corner;
}
