// Reads BMP, and the pictures within ICO and CUR, which are BMPs without a file header or whole PNGs. It follows Chromium in what it reads and in
// the values. The structures are BITMAPCOREHEADER, BITMAPINFOHEADER with its later versions, and OS/2's BITMAPINFOHEADER2.

import { checkPixels, ImageError, MAX_PIXELS } from "./image-error.ts";
import { isSameSize, type Size } from "./planes.ts";
import { pngSignature } from "./png-chunks.ts";

/** Pixels as stored, [h, w, 4], and the ICC profile that comes with them. */
export interface Bitmap extends Size {
  readonly rgba: Uint8Array;
  readonly profile: Uint8Array | null;
}

const FILE_HEADER = 14;

/** Throws ImageError for what is not a complete BMP, and for more than `maxPixels` pixels, before it allocates them. */
export function decodeBmp(file: Uint8Array, maxPixels = MAX_PIXELS): Bitmap {
  const view = viewOf(file);
  return refusing("BMP", () => {
    const header = headerOf(view, FILE_HEADER, false);
    checkPixels(header, maxPixels);
    const { pixels } = pixelsOf(view, view.getUint32(10, true), header);
    return bitmap(header, pixels, profileOf(file));
  });
}

/** The largest picture of an ICO or CUR, and of several such the one with most colours: its pixels, or the PNG that it is. Throws ImageError. */
export function decodeIcon(file: Uint8Array): Bitmap | Uint8Array {
  const view = viewOf(file);
  return refusing("ICO", () => {
    const { at, length, ...size } = largestEntry(view);
    const checkSize = (found: Size): void => {
      if (!isSameSize(found, size)) throw new ImageError(`corrupt ICO: it has no picture of ${size.width}x${size.height}`);
    };
    if (pngSignature.every((byte, i) => view.getUint8(at + i) === byte)) {
      checkSize({ width: view.getUint32(at + 16), height: view.getUint32(at + 20) });
      return file.subarray(at, at + length);
    }
    const header = headerOf(view, at, true);
    checkSize(header);
    return bitmap(header, shaped(view, header), null);
  });
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

const bitmap = ({ width, height }: Size, pixels: Uint32Array, profile: Uint8Array | null): Bitmap => ({
  ...{ width, height, profile },
  rgba: new Uint8Array(pixels.buffer),
});

/** What is read behind the end of a DataView throws RangeError: the file is truncated. */
function refusing<T>(format: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof RangeError ? new ImageError(`truncated ${format}`) : error;
  }
}

/** Lengths of headers, which tell them apart. */
const [CORE, V1, V2, V3, V4, V5, OS2] = [12, 40, 52, 56, 108, 124, 64];
/** Values of a header's compression. Of these, RLE24 is OS/2's alone. */
const [NONE, RLE8, RLE4, MASKS, RLE24, MASKS_WITH_ALPHA] = [0, 1, 2, 3, 4, 6];
/** The bits per pixel that each compression is for. */
const DEPTHS = new Map([
  [NONE, [1, 2, 4, 8, 16, 24, 32]],
  [RLE8, [8]],
  [RLE4, [4]],
  [MASKS, [16, 32]],
  [RLE24, [24]],
  [MASKS_WITH_ALPHA, [16, 32]],
]);
const LONGEST_SIDE = 65_535;

/** A pixel is a number of 32 bits, with red as its lowest byte and alpha as its highest. */
const OPAQUE = 0xff000000;

interface Header extends Size {
  readonly isTopDown: boolean;
  readonly bits: number;
  readonly hasRuns: boolean;
  readonly hasAlpha: boolean;
  /** Stored value → pixel. */
  readonly colour: (value: number) => number;
  /** Behind its masks and its palette. */
  readonly end: number;
}

/** The header at a byte of a file, with its masks and its palette. */
function headerOf(view: DataView, at: number, isIcon: boolean): Header {
  const u16 = (from: number): number => view.getUint16(at + from, true);
  const u32 = (from: number): number => view.getUint32(at + from, true);
  const length = u32(0);
  const isCore = length === CORE && !isIcon;
  const isWindows = [V1, V2, V3, V4, V5].includes(length);
  // One of OS/2 may end early: the fields that it lacks are 0.
  const isOs2 = length >= 16 && length <= OS2 && !isIcon;
  if (!isCore && !isWindows && !isOs2) throw new ImageError(`corrupt BMP: a header of ${length} bytes`);
  const field = (from: number): number => (from + 4 <= length ? u32(from) : 0);

  const signedHeight = isCore ? u16(6) : u32(8) | 0;
  const [width, rows] = [isCore ? u16(4) : u32(4) | 0, Math.abs(signedHeight)];
  const height = isIcon ? rows >> 1 : rows; // an icon counts the lines of its mask, too
  if (width < 1 || height < 1) throw new ImageError(`corrupt BMP: ${width}x${height} pixels`);
  if (Math.max(width, height) > LONGEST_SIDE)
    throw new ImageError(`picture too large: ${width}x${height} (the limit of a BMP is ${LONGEST_SIDE} pixels a side)`);

  const [bits, compression] = [u16(isCore ? 10 : 14), field(16)];
  const hasMasks = compression === MASKS || compression === MASKS_WITH_ALPHA;
  if (!DEPTHS.get(compression)?.includes(bits) || (hasMasks && !isWindows) || (compression === RLE24 && isWindows))
    throw new ImageError(`a BMP of ${bits} bits with compression ${compression}, which can't be read: convert it to PNG or JPEG`);

  const hasAlphaMask =
    compression === MASKS_WITH_ALPHA ||
    (compression === MASKS && length >= V3) ||
    (compression === NONE && bits === 32 && length >= V4);
  const iconAlpha = isIcon && compression === NONE && bits === 32 ? OPAQUE : 0;
  const alphaMask = hasAlphaMask ? u32(52) : iconAlpha;
  const plain = bits === 16 ? [0x7c00, 0x3e0, 0x1f] : [0xff0000, 0xff00, 0xff];
  const masks = hasMasks ? [u32(40), u32(44), u32(48)] : plain;
  const start = length === V1 && hasMasks ? V1 + (hasAlphaMask ? 16 : 12) : length;
  const most = bits > 8 ? 0 : 1 << bits;
  const palette = { at: at + start, colours: Math.min(field(32) || most, most), entryBytes: isCore ? 3 : 4 };
  return {
    ...{
      width,
      height,
      bits,
      isTopDown: signedHeight < 0,
      hasRuns: compression !== NONE && !hasMasks,
      hasAlpha: alphaMask !== 0,
    },
    colour: bits > 8 ? fromMasks(masks, alphaMask) : fromPalette(view, palette),
    end: palette.at + palette.colours * palette.entryBytes,
  };
}

interface Palette {
  readonly at: number;
  readonly colours: number;
  readonly entryBytes: number;
}

/** The colours of indices. Those that the palette lacks are black. */
function fromPalette(view: DataView, { at, colours, entryBytes }: Palette): (index: number) => number {
  const pixels = new Uint32Array(256).fill(OPAQUE);
  for (let i = 0, from = at; i < colours; i++, from += entryBytes)
    pixels[i] = OPAQUE | (view.getUint8(from) << 16) | (view.getUint8(from + 1) << 8) | view.getUint8(from + 2);
  return (index) => pixels[index]!;
}

/** The colours of values in which each mask has the bits of one channel. */
function fromMasks(masks: readonly number[], alphaMask: number): (value: number) => number {
  const [red, green, blue, alpha] = [...masks, alphaMask].map(channel);
  if (alphaMask === 0) return (value) => red!(value) | (green!(value) << 8) | (blue!(value) << 16) | OPAQUE;
  return (value) => red!(value) | (green!(value) << 8) | (blue!(value) << 16) | (alpha!(value) << 24);
}

/** The level of 255 that a mask's bits say. Of more than 8 bits the lowest do not count. */
function channel(mask: number): (value: number) => number {
  if (mask === 0) return () => 0;
  const lowest = 31 - Math.clz32(mask & -mask);
  const ones = mask >>> lowest;
  if ((ones & (ones + 1)) !== 0) throw new ImageError("corrupt BMP: a mask with gaps");
  const shift = lowest + Math.max(0, 24 - Math.clz32(ones));
  const most = Math.min(ones, 255);
  const levels = Uint8Array.from({ length: most + 1 }, (_, i) => Math.round((255 * i) / most));
  return (value) => levels[(value >>> shift) & most]!;
}

/** The pixels that start at a byte, from the top left, and where they end. */
function pixelsOf(view: DataView, start: number, header: Header): { pixels: Uint32Array; end: number } {
  const { width, height, bits, hasRuns, colour } = header;
  const pixels = new Uint32Array(width * height);
  const put = (at: number, value: number): void => {
    pixels[at] = colour(value);
  };
  if (!hasRuns) return { pixels, end: readLines(view, start, header, bits, put) };
  pixels.fill(OPAQUE); // compressed lines may leave pixels out
  return { pixels, end: readRuns(view, start, header, put) };
}

/** Takes a stored value to a pixel, which is given by its number from the top left. */
type Put = (at: number, value: number) => void;

/** Lines are padded to 4 bytes. */
const lineBytes = (width: number, bits: number): number => 4 * Math.ceil((width * bits) / 32);
/** Where a stored line has its first pixel. The lowest line is usually stored first. */
const firstOf = ({ width, height, isTopDown }: Header, line: number): number => width * (isTopDown ? line : height - 1 - line);

/** Reads lines without compression, and returns their end. */
function readLines(view: DataView, start: number, header: Header, bits: number, put: Put): number {
  const { width, height } = header;
  const end = start + height * lineBytes(width, bits);
  if (end > view.byteLength) throw new RangeError("truncated");
  let from = start;
  for (let line = 0; line < height; line++, from += lineBytes(width, bits)) {
    const first = firstOf(header, line);
    for (let x = 0; x < width; x++) put(first + x, valueAt(view, from, bits, x));
  }
  return end;
}

function valueAt(view: DataView, line: number, bits: number, x: number): number {
  if (bits === 32) return view.getUint32(line + 4 * x, true);
  if (bits === 24) return view.getUint16(line + 3 * x, true) | (view.getUint8(line + 3 * x + 2) << 16);
  if (bits === 16) return view.getUint16(line + 2 * x, true);
  return (view.getUint8(line + ((x * bits) >> 3)) >> (8 - bits - ((x * bits) & 7))) & ((1 << bits) - 1);
}

/** Reads compressed lines, and returns their end: pairs of a count and a value, and behind a count of 0 a command or a count of values. */
function readRuns(view: DataView, start: number, header: Header, put: Put): number {
  const { width, height, bits } = header;
  let [at, x, line] = [start, 0, 0];
  const byte = (): number => view.getUint8(at++);
  /** `count` pixels, whose values are `period` ones from here on, again and again. What does not fit in the line is left out. */
  const putValues = (count: number, period: number): void => {
    const first = firstOf(header, line);
    for (let i = 0; i < Math.min(count, width - x); i++) put(first + x + i, valueAt(view, at, bits, i % period));
    x += count;
  };
  while (line < height) {
    const count = byte();
    if (count > 0) {
      const period = bits === 4 ? 2 : 1;
      putValues(count, period);
      at += (period * bits) / 8;
      continue;
    }
    const command = byte();
    if (command === 0) [x, line] = [0, line + 1];
    else if (command === 1) break;
    else if (command === 2) [x, line] = [x + byte(), line + byte()];
    else {
      putValues(command, command);
      at += 2 * Math.ceil((command * bits) / 16);
    }
  }
  return at;
}

/** An icon's pixels. A mask behind them says where it is transparent, unless they have alpha. */
function shaped(view: DataView, header: Header): Uint32Array {
  const { pixels, end } = pixelsOf(view, header.end, header);
  if (header.hasAlpha && pixels.some((pixel) => pixel >>> 24 > 0)) return pixels;
  readLines(view, end, header, 1, (at, isClear) => {
    pixels[at] = isClear ? pixels[at]! & ~OPAQUE : pixels[at]! | OPAQUE;
  });
  return pixels;
}

const CURSOR = 2;

function largestEntry(view: DataView): Size & { readonly at: number; readonly length: number } {
  const entries = Array.from({ length: view.getUint16(4, true) }, (_, i) => {
    const from = 6 + 16 * i;
    const [width, height, colours] = [0, 1, 2].map((byte) => view.getUint8(from + byte) || 256);
    // A cursor has a position there. Of two that say nothing, the first is taken.
    const bits = view.getUint16(2, true) === CURSOR ? 0 : view.getUint16(from + 6, true);
    return {
      ...{ width: width!, height: height!, bits: bits || Math.ceil(Math.log2(colours!)) },
      ...{ length: view.getUint32(from + 8, true), at: view.getUint32(from + 12, true) },
    };
  });
  const [largest] = entries.sort((a, b) => b.width * b.height - a.width * a.height || b.bits - a.bits);
  if (!largest) throw new ImageError("an ICO picture without any pictures in it");
  return largest;
}

/** "MBED", the kind of colours that a profile within the file describes. */
const EMBEDDED = 0x4d424544;

function profileOf(file: Uint8Array): Uint8Array | null {
  const header = viewOf(file.subarray(FILE_HEADER));
  const u32 = (from: number): number => header.getUint32(from, true);
  if (u32(0) !== V5 || u32(56) !== EMBEDDED || u32(116) === 0) return null;
  const [from, length] = [FILE_HEADER + u32(112), u32(116)];
  if (from + length > file.length) throw new RangeError("truncated");
  return file.subarray(from, from + length);
}
