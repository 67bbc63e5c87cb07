// Reads and writes PNG with pngjs, after checking the chunks here. Needs Node (zlib). PNG, 3rd edition.
// The reason for checking the chunks: pngjs checks neither the size nor how far an interlaced file inflates, and its messages name its internals.

import { inflateSync } from "node:zlib";
import { PNG } from "pngjs";
import { checkSize, ImageError, internal } from "./image-error.ts";
import { fromRgba, type Rgb8, type Size } from "./planes.ts";
import { crc32, pngSignature } from "./png-chunks.ts";

/** Channels and valid bit depths of every colour type. */
const colourTypes: Readonly<Record<number, { channels: number; depths: readonly number[] }>> = {
  0: { channels: 1, depths: [1, 2, 4, 8, 16] },
  2: { channels: 3, depths: [8, 16] },
  3: { channels: 1, depths: [1, 2, 4, 8] },
  4: { channels: 2, depths: [8, 16] },
  6: { channels: 4, depths: [8, 16] },
};

/** First column, first row, column step and row step of Adam7's seven passes. */
const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;
const plain = [[0, 0, 1, 1]] as const;

/** Length in bytes of the filtered scanlines that the header announces. Throws ImageError for an invalid header or too large a picture. */
function scanlineBytes(header: Buffer, maxPixels: number): number {
  if (header.length !== 13) throw new ImageError("corrupt PNG (header)");
  const width = header.readUInt32BE(0);
  const height = header.readUInt32BE(4);
  const [depth, colourType, compression, filter, interlace] = header.subarray(8) as unknown as [
    number,
    number,
    number,
    number,
    number,
  ];
  checkSize(width, height, maxPixels);
  const colour = colourTypes[colourType];
  if (!colour?.depths.includes(depth)) throw new ImageError(`corrupt PNG (colour type ${colourType} with ${depth} bits)`);
  if (compression !== 0 || filter !== 0 || interlace > 1)
    throw new ImageError("corrupt PNG (unknown compression, filter or interlace)");
  let bytes = 0;
  for (const [x, y, stepX, stepY] of interlace ? adam7 : plain) {
    const columns = Math.ceil((width - x) / stepX);
    const rows = Math.ceil((height - y) / stepY);
    if (columns > 0 && rows > 0) bytes += rows * (1 + Math.ceil((columns * colour.channels * depth) / 8));
  }
  return bytes;
}

/** Checks every chunk, its checksum and the compressed stream, and returns the file without the bytes after its last chunk. Throws ImageError. */
function checked(file: Buffer, maxPixels: number): Buffer {
  const known = new Set(["IHDR", "PLTE", "IDAT", "IEND"]);
  const data: Buffer[] = [];
  let expected = 0;
  let at = pngSignature.length;
  for (let type = ""; type !== "IEND"; ) {
    if (at + 12 > file.length) throw new ImageError("truncated PNG");
    const end = at + 12 + file.readUInt32BE(at);
    type = file.toString("latin1", at + 4, at + 8);
    if (!/^[A-Za-z]{4}$/.test(type)) throw new ImageError("corrupt PNG (chunk name)");
    if (end > file.length) throw new ImageError("truncated PNG");
    if (crc32(file.subarray(at + 4, end - 4)) !== file.readUInt32BE(end - 4))
      throw new ImageError(`corrupt PNG (checksum of ${type})`);
    const isCritical = (type.charCodeAt(0) & 0x20) === 0;
    if (isCritical && !known.has(type)) throw new ImageError(`this PNG needs the unknown extension ${type}`);
    if ((type === "IHDR") !== (expected === 0)) throw new ImageError("corrupt PNG (header)");
    if (type === "IHDR") expected = scanlineBytes(file.subarray(at + 8, end - 4), maxPixels);
    if (type === "IDAT") data.push(file.subarray(at + 8, end - 4));
    at = end;
  }
  let inflated: number;
  try {
    inflated = inflateSync(Buffer.concat(data), { maxOutputLength: expected }).length;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ERR_BUFFER_TOO_LARGE") throw new ImageError("corrupt PNG (more pixels than its header says)");
    throw new ImageError(code === "Z_BUF_ERROR" ? "truncated PNG" : `corrupt PNG (${message})`);
  }
  if (inflated < expected) throw new ImageError("truncated PNG");
  return file.subarray(0, at);
}

/** PNG → RGBA [h, w, 4] u8. Throws ImageError. */
function read(bytes: Uint8Array, maxPixels: number): PNG {
  const file = checked(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), maxPixels);
  try {
    return PNG.sync.read(file);
  } catch (error) {
    throw internal("PNG", error);
  }
}

/** The size in the header, the first chunk. Throws ImageError. */
export function pngSize(bytes: Uint8Array, maxPixels: number): Size {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const at = pngSignature.length;
  if (file.length < at + 8 + 13) throw new ImageError("truncated PNG");
  if (file.toString("latin1", at + 4, at + 8) !== "IHDR") throw new ImageError("corrupt PNG (header)");
  const header = file.subarray(at + 8, at + 8 + 13);
  scanlineBytes(header, maxPixels);
  return { width: header.readUInt32BE(0), height: header.readUInt32BE(4) };
}

/**
 * PNG of any colour type, depth and interlacing → colours as stored, [h, w, 3] u8, and alpha, [h, w] u8. 16 bits are rounded to 8; of an
 * animation the first picture is decoded. (The official code ignores alpha.) Throws ImageError.
 */
export function decodePng(bytes: Uint8Array, maxPixels: number): { picture: Rgb8; alpha: Uint8Array } {
  const { width, height, data: rgba } = read(bytes, maxPixels);
  const alpha = Uint8Array.from({ length: width * height }, (_, p) => rgba[4 * p + 3]!);
  return { picture: fromRgba({ width, height }, rgba), alpha };
}

/** Encodes an 8-bit RGB PNG. The same picture has the same bytes with the same version of zlib. Throws RangeError for wrong sizes. */
export function encodePng({ width, height, data }: Rgb8): Uint8Array {
  if (data.length !== 3 * width * height || data.length === 0)
    throw new RangeError(`cannot write ${data.length} bytes as a ${width}x${height} PNG`);
  const png = new PNG({ width, height });
  png.data = Buffer.from(data.buffer, data.byteOffset, data.length);
  return new Uint8Array(PNG.sync.write(png, { colorType: 2, inputColorType: 2, inputHasAlpha: false }));
}
