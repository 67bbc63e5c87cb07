// Picture files of every kind, intact or damaged: the right pixels or one clear line.
// The PNGs are made here byte by byte. The small JPEGs were made with libjpeg (Pillow), the other files are made by sharp.

import { crc32, deflateSync } from "node:zlib";
import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { type DecodeOptions, decodeLayer } from "../../src/image/decode.ts";
import { ImageError } from "../../src/image/image-error.ts";
import { flattened, type Rgb, type Rgb8 } from "../../src/image/planes.ts";
import { encodePng, readPng } from "../../src/image/png.ts";

const decoded = async (bytes: Uint8Array, background?: Rgb): Promise<Rgb8> => flattened(await decodeLayer(bytes), background);

const chunk = (type: string, body: Uint8Array | readonly number[] = []): Buffer => {
  const named = Buffer.concat([Buffer.from(type, "latin1"), Uint8Array.from(body)]);
  const around = Buffer.alloc(8);
  around.writeUInt32BE(named.length - 4, 0);
  around.writeUInt32BE(crc32(named), 4);
  return Buffer.concat([around.subarray(0, 4), named, around.subarray(4)]);
};
const u32 = (v: number): number[] => [v >>> 24, (v >>> 16) & 255, (v >>> 8) & 255, v & 255];
const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const header = (width: number, height: number, depth: number, colourType: number, interlace = 0) =>
  chunk("IHDR", [...u32(width), ...u32(height), depth, colourType, 0, 0, interlace]);

interface PngPlan {
  width: number;
  height: number;
  depth: number;
  colourType: number;
  interlace?: number;
  before?: Buffer[];
  sample: (x: number, y: number, c: number) => number;
}

/** First column, first row and steps of Adam7's passes. */
const passes = [
  [[0, 0, 1, 1]],
  [
    [0, 0, 8, 8],
    [4, 0, 8, 8],
    [0, 4, 4, 8],
    [2, 0, 4, 4],
    [0, 2, 2, 4],
    [1, 0, 2, 2],
    [0, 1, 1, 2],
  ],
];
const channelsOf = [1, 0, 3, 1, 2, 0, 4];

/** Unfiltered scanlines. Samples of less than 8 bits are packed, high bits first. */
function scanlines({ width, height, depth, colourType, interlace = 0, sample }: PngPlan): Buffer {
  const bytes: number[] = [];
  for (const [x0, y0, stepX, stepY] of passes[interlace]!) {
    for (let y = y0!; y < height && x0! < width; y += stepY!) {
      let bits = "";
      for (let x = x0!; x < width; x += stepX!) {
        for (let c = 0; c < channelsOf[colourType]!; c++) bits += sample(x, y, c).toString(2).padStart(depth, "0");
      }
      bytes.push(0, ...(bits.padEnd(Math.ceil(bits.length / 8) * 8, "0").match(/.{8}/g) ?? []).map((b) => Number.parseInt(b, 2)));
    }
  }
  return Buffer.from(bytes);
}
const png = (plan: PngPlan, compressed = deflateSync(scanlines(plan))): Buffer =>
  Buffer.concat([
    signature,
    header(plan.width, plan.height, plan.depth, plan.colourType, plan.interlace),
    ...(plan.before ?? []),
    chunk("IDAT", compressed),
    chunk("IEND"),
  ]);

const pixel = ({ width, data }: Rgb8, x: number, y: number): number[] =>
  Array.from(data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3));
const pixels = (picture: Rgb8): number[][] =>
  Array.from({ length: picture.width * picture.height }, (_, p) => Array.from(picture.data.subarray(3 * p, 3 * p + 3)));

/** The one-line message with which a file is refused. */
async function refusal(bytes: Uint8Array, options: DecodeOptions = {}): Promise<string> {
  try {
    await decodeLayer(bytes, options);
  } catch (error) {
    expect(error).toBeInstanceOf(ImageError);
    expect((error as Error).message).toMatch(/^\S[^\n]*\S$/);
    return (error as Error).message;
  }
  throw new Error("the file was accepted");
}

const rgb8: PngPlan = { width: 5, height: 4, depth: 8, colourType: 2, sample: (x, y, c) => 40 * x + 10 * y + c };

describe("PNG colour types", () => {
  const max = (depth: number) => 2 ** depth - 1;
  const wave = (depth: number) => (x: number, y: number, c: number) => (x * 37 + y * 11 + c * 5) % 2 ** depth;
  /** Of 16 bits the upper 8 count, as in Chromium. */
  const scaled = (v: number, depth: number) => (depth === 16 ? v >> 8 : Math.round((v * 255) / max(depth)));
  const layouts = [1, 2, 4, 8, 16].flatMap((depth) => [
    { colourType: 0, depth },
    ...(depth >= 8 ? [2, 4, 6].map((colourType) => ({ colourType, depth })) : []),
  ]);
  const sizes = [0, 1].flatMap((interlace) =>
    [
      [1, 1],
      [9, 5],
      [3, 17],
    ].map(([width, height]) => ({ interlace, width: width!, height: height! })),
  );

  it.each(layouts.flatMap((layout) => sizes.map((size) => ({ ...layout, ...size }))))(
    "type $colourType, $depth bits, interlace $interlace, $width x $height",
    async ({ colourType, depth, interlace, width, height }) => {
      const hasAlpha = colourType >= 4;
      const colours = channelsOf[colourType]! - (hasAlpha ? 1 : 0);
      const sample = wave(depth);
      const got = await decoded(png({ width, height, depth, colourType, interlace, sample }), [255, 0, 128]);
      expect([got.width, got.height]).toEqual([width, height]);
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const alpha = hasAlpha ? scaled(sample(x, y, colours), depth) / 255 : 1;
          const want = [255, 0, 128].map((b, c) => alpha * scaled(sample(x, y, colours === 1 ? 0 : c), depth) + (1 - alpha) * b);
          expect(pixel(got, x, y)).toEqual(want.map(Math.round));
        }
      }
    },
  );

  it.each([1, 2, 4, 8])("palette of %i bits, with transparency over the default white", async (depth) => {
    const before = [chunk("PLTE", [10, 20, 30, 200, 100, 0]), chunk("tRNS", [255, 51])];
    const got = await decoded(png({ width: 3, height: 2, depth, colourType: 3, before, sample: (x) => x % 2 }));
    const blended = [200, 100, 0].map((v) => Math.round(0.2 * v + 0.8 * 255));
    expect(pixels(got).slice(0, 3)).toEqual([[10, 20, 30], blended, [10, 20, 30]]);
  });

  it.each([
    ["grey, 8 bits", 0, 8, [0, 7], (x: number) => 6 + x],
    ["grey, 16 bits, compared before rounding to 8", 0, 16, [1, 7], (x: number) => 256 + 6 + x],
    ["colour", 2, 8, [0, 7, 0, 7, 0, 7], (x: number) => 6 + x],
  ] as const)("one transparent value: %s", async (_, colourType, depth, trns, sample) => {
    const file = png({ width: 3, height: 1, depth, colourType, before: [chunk("tRNS", trns)], sample });
    const got = await decoded(file, [9, 99, 199]);
    expect(pixel(got, 1, 0)).toEqual([9, 99, 199]);
    for (const x of [0, 2]) expect(pixel(got, x, 0)).not.toEqual([9, 99, 199]);
  });

  it("ignores text, animation frames and whatever follows the end", async () => {
    const extras = { ...rgb8, before: [chunk("tEXt", Buffer.from("k\0v")), chunk("acTL", [...u32(2), ...u32(0)])] };
    expect(await decoded(Buffer.concat([png(extras), Buffer.from("trailing")]))).toEqual(await decoded(png(rgb8)));
  });

  it("reads from a view inside a larger array", async () => {
    const file = png(rgb8);
    const around = new Uint8Array(file.length + 7);
    around.set(file, 3);
    expect(await decoded(around.subarray(3, 3 + file.length))).toEqual(await decoded(file));
  });
});

describe("encodePng", () => {
  it.each([
    [1, 1],
    [7, 3],
    [2, 40],
  ])("%i x %i comes back, from the same bytes each time", async (width, height) => {
    const picture = { width, height, data: Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * i * 7) % 256) };
    expect(await decoded(encodePng(picture))).toEqual(picture);
    expect(readPng(encodePng(picture))).toEqual(picture);
    expect(encodePng(picture)).toEqual(encodePng(picture));
  });

  it("refuses data of another size", () => {
    expect(() => encodePng({ width: 2, height: 2, data: new Uint8Array(11) })).toThrow(RangeError);
    expect(() => encodePng({ width: 0, height: 2, data: new Uint8Array(0) })).toThrow(RangeError);
  });
});

const CORRUPT = /^truncated or corrupt PNG$/;

describe("PNG refusals", () => {
  const good = png(rgb8);
  const bomb = (width: number, height: number, interlace = 0) =>
    Buffer.concat([
      signature,
      header(width, height, 8, 2, interlace),
      chunk("IDAT", deflateSync(Buffer.alloc(10))),
      chunk("IEND"),
    ]);

  it.each([1, 8, 20, 33, 40, good.length - 13, good.length - 9])("cut after %i bytes", async (length) => {
    expect(await refusal(good.subarray(0, length))).toMatch(
      length < 8 ? /^not a picture of a known format \(starts with 89\b/ : /^truncated PNG$/,
    );
  });

  it.each<[string, Uint8Array, RegExp]>([
    ["a wrong checksum", Buffer.from(good).fill(0x55, good.length - 16, good.length - 15), CORRUPT],
    ["no width", bomb(0, 4), CORRUPT],
    ["no height", bomb(4, 0), CORRUPT],
    ["900 megapixels announced", bomb(30_000, 30_000), /^picture too large: 30000x30000 \(the limit is 100 megapixels\)$/],
    ["a side of 2^31", bomb(2 ** 31 - 1, 1), CORRUPT],
    ["100 megapixels announced, none there", bomb(10_000, 10_000), CORRUPT],
    ["100 megapixels interlaced, none there", bomb(10_000, 10_000, 1), CORRUPT],
    ["3 bits", png({ ...rgb8, depth: 3, colourType: 0, sample: () => 1 }), CORRUPT],
    ["type 5", Buffer.concat([signature, header(1, 1, 8, 5), chunk("IDAT"), chunk("IEND")]), CORRUPT],
    ["no pixels", Buffer.concat([signature, header(1, 1, 8, 2), chunk("IEND")]), CORRUPT],
    ["no header", Buffer.concat([signature, chunk("IEND")]), CORRUPT],
    ["a second header", png({ ...rgb8, before: [header(9000, 9000, 8, 2)] }), CORRUPT],
    ["a palette picture without palette", png({ ...rgb8, colourType: 3, sample: () => 0 }), CORRUPT],
    ["an extension it must know", png({ ...rgb8, before: [chunk("CgBI", [0])] }), CORRUPT],
    ["an unknown filter", png(rgb8, deflateSync(scanlines(rgb8).fill(9, 0, 1))), CORRUPT],
    ["data that are not compressed", png(rgb8, Buffer.from("not zlib")), CORRUPT],
    ["fewer rows", png(rgb8, deflateSync(scanlines({ ...rgb8, height: 3 }))), CORRUPT],
    ["a compressed stream cut short", png(rgb8, deflateSync(scanlines(rgb8)).subarray(0, -9)), CORRUPT],
    ["fewer rows and no checksum", png(rgb8, deflateSync(scanlines({ ...rgb8, height: 3 })).subarray(0, -4)), CORRUPT],
  ])("%s", async (_, bytes, message) => {
    expect(await refusal(bytes)).toMatch(message);
  });

  /** 200 kB that would inflate to 200 MB. */
  const inflating = deflateSync(Buffer.alloc(200e6));
  it.each([0, 1])("a zlib bomb behind a small header (interlace %i): stops at the announced size", async (interlace) => {
    const memory = process.memoryUsage().rss;
    expect((await decoded(png({ ...rgb8, interlace }, inflating))).data).toEqual(new Uint8Array(60));
    expect(await refusal(png({ ...rgb8, interlace }, inflating.subarray(0, -4)))).toMatch(CORRUPT);
    expect(process.memoryUsage().rss - memory).toBeLessThan(50e6);
  });

  it("maxPixels is the caller's", async () => {
    expect(await refusal(good, { maxPixels: 19 })).toMatch(/^picture too large: 5x4/);
    expect((await decodeLayer(good, { maxPixels: 20 })).picture.width).toBe(5);
  });
});

/** A baseline 4:4:4 JPEG. */
function jpegOf(width: number, height: number, at: (x: number, y: number) => readonly number[]): Promise<Buffer> {
  const data = Uint8Array.from(Array.from({ length: width * height }, (_, p) => at(p % width, Math.floor(p / width))).flat());
  return sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 95, chromaSubsampling: "4:4:4" })
    .toBuffer();
}
const withSegment = (jpeg: Buffer, marker: number, body: Uint8Array): Buffer =>
  Buffer.concat([
    jpeg.subarray(0, 2),
    Buffer.from([0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 255]),
    body,
    jpeg.subarray(2),
  ]);

/** An Exif segment whose directory has another tag first and then the orientation. */
function exif(orientation: number, little: boolean): Buffer {
  const tiff = Buffer.alloc(8 + 2 + 24 + 4);
  const u16 = (v: number, at: number) => (little ? tiff.writeUInt16LE(v, at) : tiff.writeUInt16BE(v, at));
  const long = (v: number, at: number) => (little ? tiff.writeUInt32LE(v, at) : tiff.writeUInt32BE(v, at));
  tiff.write(little ? "II" : "MM");
  u16(42, 2);
  long(8, 4);
  u16(2, 8);
  for (const [entry, tag, value] of [
    [10, 0x0100, 6],
    [22, 0x0112, orientation],
  ] as const) {
    u16(tag, entry);
    u16(3, entry + 2);
    long(1, entry + 4);
    u16(value, entry + 8);
  }
  return Buffer.concat([Buffer.from("Exif\0\0"), tiff]);
}

/** Two blocks of flat colour, 8x8 or 16x16, next to each other; made with libjpeg at quality 92. */
const fixtures = {
  cmyk: "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwADAgICAgIDAgICAwMDAwQGBAQEBAQIBgYFBgkICgoJCAkJCgwPDAoLDgsJCQ0RDQ4PEBAREAoMEhMSEBMPEBAQ/8AAFAgACAAQBEMRAE0RAFkRAEsRAP/EABYAAQEBAAAAAAAAAAAAAAAAAAkICv/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAOBEMATQBZAEsAAD8AVNGQqllhnMw1UKIf/9k=",
  rgb: "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwADAgICAgIDAgICAwMDAwQGBAQEBAQIBgYFBgkICgoJCAkJCgwPDAoLDgsJCQ0RDQ4PEBAREAoMEhMSEBMPEBAQ/8AAEQgACAAQA1IRAEcRAEIRAP/EABYAAQEBAAAAAAAAAAAAAAAAAAkIB//EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAMA1IARwBCAAA/ALAQoxoD5QDIP//Z",
  progressive:
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgICAgMCAgIDAwMDBAYEBAQEBAgGBgUGCQgKCgkICQkKDA8MCgsOCwkJDRENDg8QEBEQCgwSExIQEw8QEBD/2wBDAQMDAwQDBAgEBAgQCwkLEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBD/wgARCAAQACADASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAb/xAAWAQEBAQAAAAAAAAAAAAAAAAAHAgj/2gAMAwEAAhADEAAAAZEQy1gWMZ//xAAUEAEAAAAAAAAAAAAAAAAAAAAw/9oACAEBAAEFAg//xAAUEQEAAAAAAAAAAAAAAAAAAAAQ/9oACAEDAQE/AT//xAAUEQEAAAAAAAAAAAAAAAAAAAAQ/9oACAECAQE/AT//xAAUEAEAAAAAAAAAAAAAAAAAAAAw/9oACAEBAAY/Ag//xAAUEAEAAAAAAAAAAAAAAAAAAAAw/9oACAEBAAE/IQ//2gAMAwEAAgADAAAAEP8A/wD/xAAUEQEAAAAAAAAAAAAAAAAAAAAQ/9oACAEDAQE/ED//xAAUEQEAAAAAAAAAAAAAAAAAAAAQ/9oACAECAQE/ED//xAAUEAEAAAAAAAAAAAAAAAAAAAAw/9oACAEBAAE/EA//2Q==",
  /** Grey, 16x24: six blocks with a restart interval of four. */
  restarts:
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgICAgMCAgIDAwMDBAYEBAQEBAgGBgUGCQgKCgkICQkKDA8MCgsOCwkJDRENDg8QEBEQCgwSExIQEw8QEBD/wAALCAAYABABAREA/8QAFQABAQAAAAAAAAAAAAAAAAAACQj/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/90ABAAE/9oACAEBAAA/AJKK0KUrT//QkorT/9k=",
};
const fixture = (name: keyof typeof fixtures): Buffer => Buffer.from(fixtures[name], "base64");

/** Quality 92 and rounding change a flat colour by up to 2 levels. A wrong decoding is off by tens of levels. */
function expectColours(got: Rgb8, left: readonly number[], right: readonly number[]): void {
  for (const [x, want] of [
    [1, left],
    [got.width - 2, right],
  ] as const) {
    pixel(got, x, 1).forEach((v, c) => {
      expect(Math.abs(v - want[c]!)).toBeLessThanOrEqual(2);
    });
  }
}

describe("JPEG kinds", () => {
  it("baseline YCbCr", async () => {
    expectColours(
      await decoded(await jpegOf(16, 8, (x) => (x < 8 ? [200, 40, 90] : [20, 160, 240]))),
      [200, 40, 90],
      [20, 160, 240],
    );
  });

  it("progressive with halved chroma", async () => {
    const got = await decoded(fixture("progressive"));
    expect([got.width, got.height]).toEqual([32, 16]);
    expectColours(got, [200, 40, 90], [20, 160, 240]);
  });

  it("grey, its last restart interval not full", async () => {
    const got = await decoded(fixture("restarts"));
    expect([got.width, got.height]).toEqual([16, 24]);
    expectColours(got, [60, 60, 60], [190, 190, 190]);
  });

  it("RGB, told by Adobe's transform 0", async () => {
    expectColours(await decoded(fixture("rgb")), [200, 40, 90], [20, 160, 240]);
  });

  it("Adobe's inverted CMYK: inks 0,204,255,51 and 153,51,0,0", async () => {
    expectColours(await decoded(fixture("cmyk")), [204, 41, 0], [102, 204, 255]);
  });

  it("Adobe's YCCK: the same file with transform 2, colours as libjpeg gives them", async () => {
    const file = fixture("cmyk");
    file[file.indexOf("Adobe") + 11] = 2;
    expectColours(await decoded(file), [143, 0, 109], [0, 255, 18]);
  });
});

const plain = await jpegOf(16, 8, () => [90, 90, 90]);
const good = await jpegOf(40, 24, (x, y) => [6 * x, 10 * y, 128]);

describe("EXIF orientation", () => {
  // The letters are quadrants of the upright picture. Each stored picture below is what a camera in that orientation writes (EXIF 2.32, 4.6.4.A).
  const colours = { a: [220, 30, 30], b: [30, 200, 30], c: [30, 30, 220], d: [230, 230, 30] };
  const stored = ["ab/cd", "ba/dc", "dc/ba", "cd/ab", "ac/bd", "bd/ac", "db/ca", "ca/db"];

  it.each(stored.flatMap((layout, i) => [true, false].map((little) => [i + 1, layout, little] as const)))(
    "%i, stored as %s (little-endian: %s)",
    async (orientation, layout, little) => {
      const [columns, rows] = orientation < 5 ? [32, 16] : [16, 32];
      const at = (x: number, y: number) =>
        colours[layout.split("/")[y < rows / 2 ? 0 : 1]![x < columns / 2 ? 0 : 1] as keyof typeof colours];
      const got = await decoded(withSegment(await jpegOf(columns, rows, at), 0xe1, exif(orientation, little)));
      expect([got.width, got.height]).toEqual([32, 16]);
      const name = (x: number, y: number) =>
        Object.entries(colours).find(([, want]) => pixel(got, x, y).every((v, c) => Math.abs(v - want[c]!) < 20))?.[0];
      expect([name(4, 4), name(28, 4), name(4, 12), name(28, 12)].join("")).toBe("abcd");
    },
  );

  it.each<[string, Uint8Array]>([
    ["value 0", exif(0, true)],
    ["value 9", exif(9, true)],
    ["no byte order", Buffer.from(exif(6, true)).fill(0x41, 6, 8)],
    ["not 42", Buffer.from(exif(6, true)).fill(0x41, 8, 9)],
    ["a directory outside", Buffer.from(exif(6, true)).fill(0xff, 10, 14)],
    ["65,535 entries", Buffer.from(exif(1, true)).fill(0xff, 14, 16)],
    ["cut in the directory", exif(6, true).subarray(0, 30)],
    ["only its name", Buffer.from("Exif\0\0")],
    ["not EXIF", Buffer.from("http://ns.adobe.com/xap/1.0/\0<x/>")],
  ])("malformed (%s) means upright", async (_, body) => {
    expect(await decoded(withSegment(plain, 0xe1, body))).toEqual(await decoded(plain));
  });
});

describe("JPEG refusals", () => {
  const sof = good.indexOf(Buffer.from([0xff, 0xc0]));
  const patched = (file: Buffer, at: number, ...bytes: number[]): Buffer => {
    const copy = Buffer.from(file);
    copy.set(bytes, at);
    return copy;
  };

  it("a file cut anywhere", async () => {
    for (const file of [good, fixture("progressive"), fixture("restarts"), fixture("cmyk")]) {
      for (let length = 3; length < file.length; length++)
        expect(await refusal(file.subarray(0, length))).toBe("truncated or corrupt JPEG");
    }
  });

  it("too many pixels", async () => {
    expect(await refusal(patched(good, sof + 5, 0x75, 0x30, 0x75, 0x30))).toMatch(/^picture too large: 30000x30000/);
  });

  it.each<[string, Uint8Array]>([
    ["no height", patched(good, sof + 5, 0, 0)],
    ["no width", patched(good, sof + 7, 0, 0)],
    ["12 bits", patched(good, sof + 4, 12)],
    ["2 components", patched(good, sof + 9, 2)],
    ["a sampling factor of 0", patched(good, sof + 11, 0x01)],
    ["lossless", patched(good, sof + 1, 0xc3)],
    ["hierarchical", patched(good, sof + 1, 0xc5)],
    ["no frame", Buffer.concat([good.subarray(0, sof), good.subarray(good.indexOf(Buffer.from([0xff, 0xda])))])],
  ])("%s", async (_, bytes) => {
    expect(await refusal(bytes)).toBe("truncated or corrupt JPEG");
  });
});

describe("200 mutations of sound files: decoded or refused, in less than a second each", () => {
  const sound = {
    PNG: png({ ...rgb8, width: 30, height: 20, interlace: 1 }),
    "PNG with checksums put right": encodePng({ width: 30, height: 20, data: new Uint8Array(1800).map((_, i) => i * i) }),
    JPEG: good,
    "progressive JPEG": fixture("progressive"),
  };
  const mutation = fc.record({
    edits: fc.array(fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(255)), {
      minLength: 1,
      maxLength: 6,
    }),
    keep: fc.oneof(
      { weight: 3, arbitrary: fc.constant(1) },
      { weight: 1, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
    ),
  });

  /** Corrects the checksums of all complete chunks, so that the damage reaches the decoder. */
  function repair(file: Buffer): void {
    for (let at = 8; at + 12 <= file.length; ) {
      const end = at + 12 + file.readUInt32BE(at);
      if (end > file.length) return;
      file.writeUInt32BE(crc32(file.subarray(at + 4, end - 4)), end - 4);
      at = end;
    }
  }

  it.each(Object.entries(sound))("%s", async (name, sound) => {
    let refused = 0;
    let slowestMs = 0;
    await fc.assert(
      fc.asyncProperty(mutation, async ({ edits, keep }) => {
        const bytes = Buffer.from(sound.subarray(0, Math.ceil(keep * sound.length)));
        for (const [where, value] of edits) if (bytes.length > 0) bytes[Math.floor(where * bytes.length)] = value;
        if (name.includes("put right")) repair(bytes);
        const start = performance.now();
        try {
          const { width, height, data } = (await decodeLayer(bytes)).picture;
          expect(data.length).toBe(3 * width * height);
        } catch (error) {
          refused++;
          expect(error).toBeInstanceOf(ImageError);
          expect((error as Error).message).toMatch(/^\S[^\n]*\S$/);
        }
        slowestMs = Math.max(slowestMs, performance.now() - start);
      }),
      { numRuns: 200, seed: 2 },
    );
    expect(refused).toBeGreaterThan(20); // the test needs mutations that are detected
    expect(slowestMs).toBeLessThan(1000);
  });
});
