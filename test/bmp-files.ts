// Writes BMP and ICO files of many kinds, for the tests of the command line's decoder and for the comparison with a browser's.

import sharp from "sharp";
import type { Rgb8, Size } from "../src/image/planes.ts";
import { encodeLayer } from "../src/image/png.ts";

export interface BmpPlan extends Size {
  readonly bits: number;
  /** What is stored of a pixel: an index, or the bits of its channels. */
  readonly value: (x: number, y: number) => number;
  /** The header's: 12 (OS/2), 40, 56, 64 (OS/2), 108 or 124. Default: 40. */
  readonly headerBytes?: number;
  readonly compression?: number;
  /** Of red, green, blue and alpha. */
  readonly masks?: readonly number[];
  readonly colours?: number;
  readonly isTopDown?: boolean;
  /** Compressed lines in place of those made of `value`. */
  readonly runs?: Uint8Array;
  readonly profile?: Uint8Array;
}

const u16 = (value: number): Uint8Array => Uint8Array.of(value, value >> 8);
const u32 = (value: number): Uint8Array => Uint8Array.of(value, value >> 8, value >> 16, value >> 24);

/** 256 colours that differ in all channels. */
export const paletteColour = (i: number): readonly number[] => [(37 * i + 90) % 256, (91 * i + 50) % 256, (13 * i + 200) % 256];

/** Lines of values, the lowest line first, padded to 4 bytes. */
function lines({ width, height, bits, value, isTopDown }: BmpPlan): Uint8Array {
  const lineBytes = 4 * Math.ceil((width * bits) / 32);
  const bytes = new Uint8Array(lineBytes * height);
  for (let y = 0; y < height; y++) {
    const from = lineBytes * (isTopDown ? y : height - 1 - y);
    for (let x = 0; x < width; x++) {
      const at = from + ((x * bits) >> 3);
      if (bits < 8) bytes[at]! |= value(x, y) << (8 - bits - ((x * bits) % 8));
      else bytes.set(u32(value(x, y)).subarray(0, bits >> 3), at);
    }
  }
  return bytes;
}

/** The header with masks and palette, and then the pixels. */
function parts(plan: BmpPlan): [header: Uint8Array, pixels: Uint8Array] {
  const { width, height, bits, headerBytes = 40, compression = 0, masks = [], colours = 0, isTopDown, profile } = plan;
  const isCore = headerBytes === 12;
  const pixels = plan.runs ?? lines(plan);
  const start = isCore
    ? [u32(12), u16(width), u16(height), u16(1), u16(bits)]
    : [u32(headerBytes), u32(width), u32(isTopDown ? -height : height), u16(1), u16(bits), u32(compression)];
  const sizes = [u32(pixels.length), u32(0), u32(0), u32(colours), u32(0)];
  const header = Buffer.concat([...start, ...(isCore ? [] : [...sizes, ...masks.map(u32)])]);
  const whole = Buffer.alloc(Math.max(header.length, headerBytes));
  whole.set(header);
  const entries = Array.from({ length: bits > 8 ? 0 : colours || 1 << bits }, (_, i) => [
    ...[...paletteColour(i)].reverse(),
    ...(isCore ? [] : [0]),
  ]);
  const behind = Buffer.concat([whole, Uint8Array.from(entries.flat())]);
  if (headerBytes === 124) behind.write(profile ? "DEBM" : "BGRs", 56, "latin1");
  if (profile)
    behind.set(
      [u32(behind.length + pixels.length), u32(profile.length)].flatMap((v) => [...v]),
      112,
    );
  return [behind, pixels];
}

export function bmpFile(plan: BmpPlan): Buffer {
  const [header, pixels] = parts(plan);
  const start = [
    "B".charCodeAt(0),
    "M".charCodeAt(0),
    ...u32(14 + header.length + pixels.length),
    ...u32(0),
    ...u32(14 + header.length),
  ];
  return Buffer.concat([Uint8Array.from(start), header, pixels, plan.profile ?? new Uint8Array()]);
}

/** An icon's picture, with a mask that is set where a pixel is transparent. */
export function iconPart(plan: BmpPlan, isClear: (x: number, y: number) => boolean): Uint8Array {
  const [header, pixels] = parts(plan);
  new DataView(header.buffer, header.byteOffset).setInt32(8, 2 * plan.height, true);
  return Buffer.concat([header, pixels, lines({ ...plan, bits: 1, value: (x, y) => Number(isClear(x, y)) })]);
}

/** An ICO, or a CUR if `kind` is 2, whose entries have bits per pixel to say which is best. */
export function iconFile(entries: readonly (Size & { bits: number; bytes: Uint8Array })[], kind = 1): Buffer {
  let at = 6 + 16 * entries.length;
  const directory = entries.map(({ width, height, bits, bytes }) => {
    at += bytes.length;
    return Buffer.concat([Uint8Array.of(width, height, 0, 0), u16(1), u16(bits), u32(bytes.length), u32(at - bytes.length)]);
  });
  return Buffer.concat([u16(0), u16(kind), u16(entries.length), ...directory, ...entries.map(({ bytes }) => bytes)]);
}

/** Each line as a count of 5 single values, and then as runs of one pixel. */
function runsOf({ width, height, bits, value }: BmpPlan): Uint8Array {
  const stored = (values: readonly number[]): number[] => {
    if (bits === 4) return values.flatMap((v, i) => (i % 2 === 0 ? [(v << 4) | (values[i + 1] ?? 0)] : []));
    return values.flatMap((v) => [...u32(v).subarray(0, bits >> 3)]);
  };
  const line = (y: number): number[] => {
    const [start, ...rest] = [
      stored([0, 1, 2, 3, 4].map((x) => value(x, y))),
      ...Array.from({ length: width - 5 }, (_, i) => [1, ...stored([value(i + 5, y)])]),
    ];
    return [0, 5, ...start!, ...(start!.length % 2 ? [0] : []), ...rest.flat(), 0, 0];
  };
  return Uint8Array.from([...Array.from({ length: height }, (_, i) => line(height - 1 - i)).flat(), 0, 1]);
}

/** Files of every kind, by name. Those whose name has "same" have the picture's colours, without transparency. */
export async function bmpCases(picture: Rgb8): Promise<Record<string, Uint8Array>> {
  const { width, height, data } = picture;
  const channel = (x: number, y: number, c: number): number => data[3 * (y * width + x) + c]!;
  const alpha = (x: number, y: number): number => (5 * x + y) % 256;
  /** Of red, green, blue and alpha, how many bits each has from its lowest one on. */
  const packed =
    (...fields: readonly (readonly [lowest: number, bits: number])[]) =>
    (x: number, y: number): number =>
      fields.reduce((all, [lowest, bits], c) => {
        const level = c === 3 ? alpha(x, y) : channel(x, y, c);
        return (all | ((bits > 8 ? level << (bits - 8) : level >> (8 - bits)) << lowest)) >>> 0;
      }, 0);
  const rgb = packed([16, 8], [8, 8], [0, 8]);
  const rgba = packed([16, 8], [8, 8], [0, 8], [24, 8]);
  const index = (bits: number) => (x: number, y: number) => (3 * x + 5 * y) % (1 << bits);
  const size = { width, height };
  const plan = (bits: number, value = bits > 8 ? rgb : index(bits)): BmpPlan => ({ ...size, bits, value });
  const compressed = (bits: number, compression: number, headerBytes = 40): BmpPlan => ({
    ...plan(bits),
    ...{ compression, headerBytes, runs: runsOf(plan(bits)) },
  });
  const [red, green, blue, opacity] = [0xff0000, 0xff00, 0xff, 0xff000000];
  const p3 = await sharp(data, { raw: { ...size, channels: 3 } })
    .withIccProfile("p3")
    .png()
    .toBuffer();
  const { data: p3Data, icc } = {
    data: await sharp(p3).removeAlpha().keepIccProfile().raw().toBuffer(),
    icc: (await sharp(p3).metadata()).icc!,
  };
  const isClear = (x: number, y: number): boolean => (x >> 2) % 3 === (y >> 1) % 3;
  const entry = (one: BmpPlan) => ({ ...one, bytes: iconPart(one, isClear) });
  const clear = encodeLayer({
    picture,
    alpha: Uint8Array.from({ length: width * height }, (_, i) => alpha(i % width, Math.floor(i / width))),
  });
  const small = { ...plan(32, () => 0xff0000ff), width: 26, height: 26 };
  const files: Record<string, BmpPlan> = {
    "same-24": plan(24),
    "same-top-down": { ...plan(24), isTopDown: true },
    "same-core": { ...plan(24), headerBytes: 12 },
    "same-os2": { ...plan(24), headerBytes: 64 },
    "same-32-unused": plan(32, rgba),
    "same-32-masks": { ...plan(32, packed([0, 8], [8, 8], [16, 8])), compression: 3, masks: [blue, green, red] },
    "same-10-bits": { ...plan(32, packed([20, 10], [10, 10], [0, 10])), compression: 3, masks: [0x3ff00000, 0xffc00, 0x3ff] },
    "same-rle24": compressed(24, 4, 64),
    "alpha-v3": { ...plan(32, rgba), headerBytes: 56, compression: 3, masks: [red, green, blue, opacity] },
    "alpha-v4": { ...plan(32, rgba), headerBytes: 108, compression: 3, masks: [red, green, blue, opacity] },
    "alpha-v5": { ...plan(32, rgba), headerBytes: 124, masks: [red, green, blue, opacity] },
    "alpha-masks": { ...plan(32, rgba), compression: 6, masks: [red, green, blue, opacity] },
    "16-bits-555": plan(16, packed([10, 5], [5, 5], [0, 5])),
    "16-bits-565": { ...plan(16, packed([11, 5], [5, 6], [0, 5])), compression: 3, masks: [0xf800, 0x7e0, 0x1f] },
    "16-bits-4444": {
      ...plan(16, packed([8, 4], [4, 4], [0, 4], [12, 4])),
      ...{ headerBytes: 108, compression: 3, masks: [0xf00, 0xf0, 0xf, 0xf000] },
    },
    "palette-1": plan(1),
    "palette-2": plan(2),
    "palette-4": plan(4),
    "palette-8": plan(8),
    "palette-core": { ...plan(8), headerBytes: 12 },
    "palette-short": { ...plan(8), colours: 200 },
    rle8: compressed(8, 1),
    rle4: compressed(4, 2),
    "rle8-gaps": { ...compressed(8, 1), runs: Uint8Array.of(40, 7, 0, 2, 3, 2, 90, 5, 0, 0, 9, 20, 0, 1) },
    "rle4-gaps": { ...compressed(4, 2), runs: Uint8Array.of(40, 0x7a, 0, 2, 3, 2, 90, 0x5f, 0, 0, 9, 0x12, 0, 1) },
    p3: {
      ...plan(24, (x, y) => p3Data.readUIntBE(3 * (y * width + x), 3)),
      ...{ headerBytes: 124, masks: [red, green, blue, 0], profile: icc },
    },
  };
  const icons: Record<string, Uint8Array> = {
    ...Object.fromEntries([1, 4, 8, 24].map((bits) => [`mask-${bits}.ico`, iconFile([entry(plan(bits))])])),
    "mask-32.ico": iconFile([entry(plan(32))]),
    "alpha-32.ico": iconFile([entry(plan(32, rgba))]),
    "png.ico": iconFile([{ ...size, bits: 32, bytes: clear }, entry(small)]),
    "several.ico": iconFile([entry(small), entry(plan(8)), entry(plan(24)), entry(plan(4))]),
    "cursor.cur": iconFile([entry(small), entry(plan(8)), entry(plan(24))], 2),
  };
  return { ...Object.fromEntries(Object.entries(files).map(([name, one]) => [`bmp-${name}.bmp`, bmpFile(one)])), ...icons };
}
