// Decodes JPEG with jpeg-js, after reading the segments here. Runs in Node and in browsers. ITU-T T.81; Adobe TN 5116.
// The reason for reading the segments: jpeg-js allocates whatever size a header announces, treats any precision as 8 bits and RGB as YCbCr,
// and ignores EXIF.

import { decode } from "jpeg-js";
import { checkSize, ImageError, internal } from "./image-error.ts";
import type { Rgb8, Size } from "./planes.ts";

/** Memory limit of jpeg-js for coefficients, samples and pixels: enough for 100 megapixels in 4:2:0. */
const maxMemoryMiB = 1536;

/** Progressive files have about 10 scans. Every scan costs a pass over the whole picture, even if its data is a few bytes. */
const maxScans = 100;

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly components: readonly { id: number; h: number; v: number }[];
}

function readFrame(body: Uint8Array, marker: number, maxPixels: number): Frame {
  if (marker > 0xc2) {
    const kind = marker >= 0xc9 ? "arithmetic coding" : marker === 0xc3 ? "lossless" : "hierarchical";
    throw new ImageError(`this kind of JPEG (${kind}) is not supported`);
  }
  const count = body[5] ?? 0;
  if (body.length < 6 + 3 * count) throw new ImageError("corrupt JPEG (frame header)");
  if (body[0] !== 8) throw new ImageError(`JPEG with ${body[0]} bits per sample is not supported`);
  const width = (body[3]! << 8) | body[4]!;
  const height = (body[1]! << 8) | body[2]!;
  checkSize(width, height, maxPixels);
  if (count !== 1 && count !== 3 && count !== 4) throw new ImageError(`JPEG with ${count} components is not supported`);
  const components = Array.from({ length: count }, (_, i) => {
    const [id, sampling] = [body[6 + 3 * i]!, body[7 + 3 * i]!];
    return { id, h: sampling >> 4, v: sampling & 15 };
  });
  if (!components.every(({ h, v }) => h >= 1 && h <= 4 && v >= 1 && v <= 4))
    throw new ImageError("corrupt JPEG (sampling factors)");
  return { width, height, components };
}

/** Reads the segments before the first scan. `adobe` is the transform flag: 0 none, 1 YCbCr, 2 YCCK. Throws ImageError. */
function readHeader(bytes: Uint8Array, maxPixels: number) {
  let frame: Frame | undefined;
  let orientation = 1;
  let adobe: number | undefined;
  let at = 2;
  for (;;) {
    while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at++; // fill bytes
    if (at + 4 > bytes.length) throw new ImageError("truncated JPEG");
    const marker = bytes[at + 1]!;
    const length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
    if (bytes[at] !== 0xff || length < 2) throw new ImageError("corrupt JPEG (segment)");
    const body = bytes.subarray(at + 4, at + 2 + length);
    if (at + 2 + length > bytes.length) throw new ImageError("truncated JPEG");
    const text = String.fromCharCode(...body.subarray(0, 5));
    if (marker === 0xda) break;
    // Markers C0 to CF are frame headers, except C4 (Huffman tables), C8 (reserved) and CC (arithmetic conditioning).
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      if (frame) throw new ImageError("corrupt JPEG (two frames)");
      frame = readFrame(body, marker, maxPixels);
    }
    if (marker === 0xe1 && text === "Exif\0" && orientation === 1) orientation = exifOrientation(body);
    if (marker === 0xee && text === "Adobe" && body.length >= 12) adobe = body[11]!;
    at += 2 + length;
  }
  if (!frame) throw new ImageError("corrupt JPEG (no frame header)");
  return { ...frame, orientation, adobe };
}

/** Refuses a size that the file is too short for, before jpeg-js allocates it: every block takes at least one bit. Throws ImageError. */
function checkData(bytes: Uint8Array, { width, height, components }: Frame): void {
  const maxH = Math.max(...components.map(({ h }) => h));
  const maxV = Math.max(...components.map(({ v }) => v));
  const mcus = Math.ceil(width / (8 * maxH)) * Math.ceil(height / (8 * maxV));
  if (mcus * components.reduce((blocks, { h, v }) => blocks + h * v, 0) > 8 * bytes.length)
    throw new ImageError("truncated JPEG");
  let scans = 0;
  for (let at = bytes.indexOf(0xff); at !== -1; at = bytes.indexOf(0xff, at + 1)) if (bytes[at + 1] === 0xda) scans++;
  if (scans > maxScans) throw new ImageError(`JPEG with ${scans} scans refused (at most ${maxScans})`);
}

/** The size in the frame header. Throws ImageError for what decodeJpeg can't read, as far as it shows without decoding. */
export function jpegSize(bytes: Uint8Array, maxPixels: number): Size {
  const header = readHeader(bytes, maxPixels);
  checkData(bytes, header);
  return { width: header.width, height: header.height };
}

/** Rewords an error of jpeg-js for the user. jpeg-js does not notice the end of a file: it reads zeros and then misses a marker. */
function explain(error: Error): ImageError {
  if (/memory/i.test(error.message)) return new ImageError(`JPEG too large: decoding it takes more than ${maxMemoryMiB} MiB`);
  if (/marker was not found|unknown JPEG marker 0$/.test(error.message)) return new ImageError("truncated or corrupt JPEG");
  return internal("JPEG", error);
}

/**
 * Baseline or progressive JPEG → [h, w, 3] u8, turned upright by its EXIF orientation. It may be grey, YCbCr, RGB, or CMYK/YCCK as Adobe
 * writes it (inverted; R = C·K/255, without a colour profile). Throws ImageError. The pixels differ a little from libjpeg's: jpeg-js repeats
 * subsampled chroma instead of interpolating it, and rounds down from YCbCr to RGB (0.4 levels darker on average).
 */
export function decodeJpeg(bytes: Uint8Array, maxPixels: number): Rgb8 {
  const header = readHeader(bytes, maxPixels);
  checkData(bytes, header);
  const { components, adobe } = header;
  if (components.length === 4 && adobe === undefined) throw new ImageError("CMYK JPEG without an Adobe marker is not supported");
  const ids = String.fromCharCode(...components.map(({ id }) => id));
  const isRgb = components.length === 3 && (adobe === 0 || (adobe === undefined && ids === "RGB"));
  try {
    const { width, height, data } = decode(bytes, {
      useTArray: true,
      formatAsRGBA: false,
      // `false` would refuse valid grey files whose last restart interval is not full, and would not detect truncation either.
      tolerantDecoding: true,
      maxResolutionInMP: maxPixels / 1e6,
      maxMemoryUsageInMB: maxMemoryMiB,
      ...(isRgb ? { colorTransform: false } : {}),
    });
    return upright({ width, height, data }, header.orientation);
  } catch (error) {
    throw explain(error as Error);
  }
}

const orientationTag = 0x0112;
const shortType = 3;

/** Returns the orientation, 1 to 8, from an APP1 payload ("Exif\0\0" and a TIFF block). Returns 1 if it is missing or malformed, as browsers do.  EXIF 2.32. */
export function exifOrientation(payload: Uint8Array): number {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  try {
    if (view.getUint32(0) !== 0x45786966 || view.getUint16(4) !== 0) return 1;
    const tiff = 6;
    const order = view.getUint16(tiff);
    if (order !== 0x4949 && order !== 0x4d4d) return 1;
    const little = order === 0x4949;
    if (view.getUint16(tiff + 2, little) !== 42) return 1;
    const directory = tiff + view.getUint32(tiff + 4, little);
    const entries = view.getUint16(directory, little);
    for (let entry = directory + 2; entry < directory + 2 + 12 * entries; entry += 12) {
      if (view.getUint16(entry, little) !== orientationTag) continue;
      const value = view.getUint16(entry + 8, little);
      return view.getUint16(entry + 2, little) === shortType && value >= 1 && value <= 8 ? value : 1;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // RangeError: a position outside the block
  }
  return 1;
}

/**
 * Turns a stored picture upright. Orientation 1 is upright already, 2 is mirrored left to right, 3 is turned by 180°, 4 is mirrored top to
 * bottom. 5 to 8 have rows and columns exchanged: 5 is transposed, 6 has to be turned clockwise, 7 is transposed across the other
 * diagonal, 8 has to be turned anticlockwise.
 */
export function upright(picture: Rgb8, orientation: number): Rgb8 {
  if (orientation === 1) return picture;
  const isTransposed = orientation >= 5;
  const isFlippedX = [2, 3, 7, 8].includes(orientation); // in the stored picture's own columns …
  const isFlippedY = [3, 4, 6, 7].includes(orientation); // … and rows
  const width = isTransposed ? picture.height : picture.width;
  const height = isTransposed ? picture.width : picture.height;
  const data = new Uint8Array(picture.data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const column = isTransposed ? y : x;
      const row = isTransposed ? x : y;
      const fromX = isFlippedX ? picture.width - 1 - column : column;
      const fromY = isFlippedY ? picture.height - 1 - row : row;
      const from = 3 * (fromY * picture.width + fromX);
      data.set(picture.data.subarray(from, from + 3), 3 * (y * width + x));
    }
  }
  return { width, height, data };
}
