// Encodes an animation as an APNG: a PNG whose later frames are in chunks that plain PNG readers skip. Colours are exact. For Node and browsers.
// PNG, 3rd edition, 11.3.6 (acTL, fcTL, fdAT). Every frame is a whole picture and replaces the one before it.

import { frameSize, type Rgb8 } from "./planes.ts";
import { joined, pngChunk, pngSignature, rgbHeader, u32 } from "./png-chunks.ts";

const PAETH = 4;
const BYTES = 3;
/** A delay is stored as a fraction of two 16-bit numbers. */
export const MAX_APNG_FPS = 65_535;

/** Compresses bytes into the format of zlib: `deflateSync` of Node's zlib, or a library's in a browser. */
export type Deflate = (bytes: Uint8Array) => Uint8Array;

/**
 * Returns the file's bytes. Every frame is shown for exactly 1/fps s, and the animation repeats for ever. Throws RangeError if there is no
 * frame, if frames differ in size, or if fps is not a whole number from 1 to 65535.
 */
export function encodeApng(frames: readonly Rgb8[], fps: number, deflate: Deflate): Uint8Array<ArrayBuffer> {
  const { width, height } = frameSize(frames);
  if (!Number.isInteger(fps) || fps < 1 || fps > MAX_APNG_FPS)
    throw new RangeError(`frames per second must be a whole number from 1 to ${MAX_APNG_FPS}, not ${fps}`);

  let sequence = 0;
  const parts: Uint8Array[] = [
    Uint8Array.from(pngSignature),
    rgbHeader(width, height),
    pngChunk("acTL", [u32(frames.length), u32(0)]), // 0 means "repeat for ever"
  ];
  for (const [i, frame] of frames.entries()) {
    const region = [width, height, 0, 0].map(u32);
    const delay = Uint8Array.of(0, 1, fps >> 8, fps & 0xff);
    const keepThenReplace = Uint8Array.of(0, 0);
    parts.push(pngChunk("fcTL", [u32(sequence++), ...region, delay, keepThenReplace]));
    const data = deflate(filtered(frame));
    parts.push(i === 0 ? pngChunk("IDAT", [data]) : pngChunk("fdAT", [u32(sequence++), data]));
  }
  parts.push(pngChunk("IEND", []));
  return joined(parts);
}

/** The picture's scanlines as differences from Paeth's prediction. Each line begins with the number of that filter. */
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

/** Paeth's prediction: the argument that is nearest to left + up − corner. The earlier argument wins a tie. */
function paeth(left: number, up: number, corner: number): number {
  const [byLeft, byUp] = [Math.abs(up - corner), Math.abs(left - corner)];
  const byCorner = Math.abs(left + up - 2 * corner);
  if (byLeft <= byUp && byLeft <= byCorner) return left;
  return byUp <= byCorner ? up : corner;
}
