// Writes PNG with pngjs, reads it where sharp has no binary, and repairs a checksum for sharp. Needs Node (zlib). PNG, 3rd edition.

import { deflateSync, inflateRawSync } from "node:zlib";
import { PNG } from "pngjs";
import { checkPixels, ImageError, MAX_PIXELS } from "./image-error.ts";
import { flattened, interleaved, type Layer, layerOf, type Rgb8, type Size } from "./planes.ts";
import { chunksOf, joined, pngChunk, pngSignature } from "./png-chunks.ts";

/** PNG without faults → [h, w, 3] u8 as stored, with its transparency. 16 bits are rounded to 8. Throws ImageError. */
export function decodePng(bytes: Uint8Array, maxPixels = MAX_PIXELS): Layer {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (file.length < 24) throw new ImageError("truncated PNG");
  checkPixels({ width: file.readUInt32BE(16), height: file.readUInt32BE(20) }, maxPixels); // the header is the first chunk
  try {
    const { width, height, data } = PNG.sync.read(file);
    return layerOf({ width, height }, data);
  } catch {
    throw new ImageError("truncated or corrupt PNG");
  }
}

/** Decodes a PNG and blends it over white. Throws ImageError. */
export const readPng = (bytes: Uint8Array): Rgb8 => flattened(decodePng(bytes));

/** The length of zlib's header, bytes (RFC 1950). */
const ZLIB_HEADER = 2;
/** Colours with transparency, 16 bits each. */
const MAX_PIXEL_BYTES = 8;

/**
 * The file with its pixels compressed again: libpng refuses a missing or wrong checksum at their end, which Chromium ignores. Returns null if the
 * fault is another one.
 */
export function withNewChecksum(file: Uint8Array, { width, height }: Size): Uint8Array | null {
  const chunks = [...chunksOf(file)];
  const data = chunks.filter(({ type }) => type === "IDAT");
  if (data.some(({ isSound }) => !isSound)) return null;
  // A line has a byte for its filter. Interlaced pictures have at most twice as many lines, and some of these are padded to whole bytes.
  const maxOutputLength = 2 * height * (1 + width * MAX_PIXEL_BYTES) + 2 * height;
  try {
    const lines = inflateRawSync(joined(data.map(({ data: part }) => part)).subarray(ZLIB_HEADER), { maxOutputLength });
    const renewed = pngChunk("IDAT", [deflateSync(lines)]);
    const parts = chunks.map((chunk) => {
      if (chunk.type !== "IDAT") return pngChunk(chunk.type, [chunk.data]);
      return chunk === data[0] ? renewed : new Uint8Array();
    });
    return joined([Uint8Array.from(pngSignature), ...parts]);
  } catch {
    return null;
  }
}

/** The file with an ICC profile. */
export function withProfile(file: Uint8Array, profile: Uint8Array): Uint8Array {
  const headerEnd = pngSignature.length + 25; // the header is the first chunk
  const chunk = pngChunk("iCCP", [new TextEncoder().encode("icc\0\0"), deflateSync(profile)]);
  return joined([file.subarray(0, headerEnd), chunk, file.subarray(headerEnd)]);
}

/** A PNG with the picture's transparency, where it has any. Throws as encodePng(). */
export function encodeLayer({ picture, alpha }: Layer): Uint8Array {
  if (!alpha) return encodePng(picture);
  const png = new PNG({ width: picture.width, height: picture.height });
  png.data = Buffer.from(interleaved(picture, alpha));
  return new Uint8Array(PNG.sync.write(png, { colorType: 6 }));
}

/** Encodes an 8-bit RGB PNG. The same picture has the same bytes with the same version of zlib. Throws RangeError for wrong sizes. */
export function encodePng({ width, height, data }: Rgb8): Uint8Array {
  if (data.length !== 3 * width * height || data.length === 0)
    throw new RangeError(`cannot write ${data.length} bytes as a ${width}x${height} PNG`);
  const png = new PNG({ width, height });
  png.data = Buffer.from(data.buffer, data.byteOffset, data.length);
  return new Uint8Array(PNG.sync.write(png, { colorType: 2, inputColorType: 2, inputHasAlpha: false }));
}
