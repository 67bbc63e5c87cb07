// The parts that PNG files are made of: signature, chunks with their checksum, header. PNG, 3rd edition, 5.3 and annex D. For Node and browsers.

export const pngSignature: readonly number[] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** The polynomial of the checksum, its bits in reverse order. */
const POLYNOMIAL = 0xedb88320;
/** By byte, what eight steps of the division by the polynomial make of it. */
const REMAINDERS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ POLYNOMIAL : rest >>> 1;
  return rest;
});

/** The CRC-32 of ISO 3309, as PNG uses it. */
export function crc32(bytes: Uint8Array): number {
  let rest = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) rest = REMAINDERS[(rest ^ bytes[i]!) & 0xff]! ^ (rest >>> 8);
  return ~rest >>> 0;
}

/** Joins byte arrays into one. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A chunk of a PNG file: length, type, data and checksum. */
export function pngChunk(type: string, data: readonly Uint8Array[]): Uint8Array {
  const body = joined([new TextEncoder().encode(type), ...data]);
  return joined([u32(body.length - 4), body, u32(crc32(body))]);
}

export interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
  /** Whether its checksum is right. */
  readonly isSound: boolean;
}

/** The chunks of a PNG file, as far as they are complete. */
export function* chunksOf(file: Uint8Array): Generator<Chunk> {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  for (let at = pngSignature.length; at + 12 <= file.length; ) {
    const end = at + 8 + view.getUint32(at);
    if (end + 4 > file.length) return;
    const type = String.fromCharCode(...file.subarray(at + 4, at + 8));
    yield { type, data: file.subarray(at + 8, end), isSound: crc32(file.subarray(at + 4, end)) === view.getUint32(end) };
    at = end + 4;
  }
}

/** Four bytes, the most significant one first. */
export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** The header chunk of a PNG with 8-bit RGB or RGBA. */
export const rgbHeader = (width: number, height: number, hasAlpha = false): Uint8Array =>
  pngChunk("IHDR", [u32(width), u32(height), Uint8Array.of(8, hasAlpha ? 6 : 2, 0, 0, 0)]);
