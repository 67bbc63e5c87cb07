// Malformed and odd pictures: made by hand after what decoders stumble over, and mutations of sound files with fixed seeds.

import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import fc from "fast-check";
import sharp from "sharp";
import { encodePng } from "../../src/image/png.ts";
import { pngChunk, pngSignature, u32 } from "../../src/image/png-chunks.ts";
import { type Case, type Expected, fileOf } from "./cases.ts";

const signature = Uint8Array.from(pngSignature);
const header = (width: number, height: number, [depth, type, interlace]: readonly number[] = [8, 2, 0]): Uint8Array =>
  pngChunk("IHDR", [u32(width), u32(height), Uint8Array.of(depth!, type!, 0, 0, interlace!)]);
const data = (bytes: Uint8Array): Uint8Array => pngChunk("IDAT", [deflateSync(bytes)]);
const end = pngChunk("IEND", []);
const png = (...chunks: readonly Uint8Array[]): Uint8Array => Buffer.concat([signature, ...chunks]);

const [WIDTH, HEIGHT] = [48, 36];
const pixels = (channels: number): Uint8Array =>
  Uint8Array.from({ length: channels * WIDTH * HEIGHT }, (_, i) => (i * 31 + (i >> 5) * 7) & 255);
/** Scanlines without filters. */
const lines = (bytesPerLine: number, count: number): Uint8Array =>
  Uint8Array.from({ length: (bytesPerLine + 1) * count }, (_, i) => (i % (bytesPerLine + 1) === 0 ? 0 : (i * 37) & 255));

const goodPng = encodePng({ width: WIDTH, height: HEIGHT, data: pixels(3) });
const raw = (channels: 1 | 2 | 3 | 4) => sharp(pixels(channels), { raw: { width: WIDTH, height: HEIGHT, channels } });
const goodJpeg = new Uint8Array(await raw(3).jpeg({ quality: 85 }).toBuffer());

/** A JPEG's segment. */
const segment = (marker: number, body: Uint8Array): Uint8Array =>
  Buffer.concat([Uint8Array.of(0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 255), body]);
/** The JPEG with more segments behind its first two bytes. */
const withSegments = (...segments: readonly Uint8Array[]): Uint8Array =>
  Buffer.concat([goodJpeg.subarray(0, 2), ...segments, goodJpeg.subarray(2)]);
const exif = (...entries: readonly number[]): Uint8Array =>
  segment(0xe1, Buffer.concat([Buffer.from("Exif\0\0MM\0*\0\0\0\x08", "latin1"), Uint8Array.from(entries)]));
const orientation = (value: number): Uint8Array => exif(0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, value, 0, 0, 0, 0, 0, 0);
/** The JPEG with another size in its frame header. */
function jpegOfSize(width: number, height: number): Uint8Array {
  const bytes = Buffer.from(goodJpeg);
  const frame = bytes.indexOf(Uint8Array.of(0xff, 0xc0));
  bytes.writeUInt16BE(height, frame + 5);
  bytes.writeUInt16BE(width, frame + 7);
  return bytes;
}
/** The JPEG without the segments of a marker. */
function without(marker: number): Uint8Array {
  const bytes = Buffer.from(goodJpeg);
  const parts = [bytes.subarray(0, 2)];
  let at = 2;
  for (; bytes[at + 1] !== 0xda; at += 2 + bytes.readUInt16BE(at + 2))
    if (bytes[at + 1] !== marker) parts.push(bytes.subarray(at, at + 2 + bytes.readUInt16BE(at + 2)));
  return Buffer.concat([...parts, bytes.subarray(at)]);
}

async function oddPngs(): Promise<readonly (readonly [name: string, expected: Expected, bytes: Uint8Array])[]> {
  const good = [header(WIDTH, HEIGHT), data(lines(3 * WIDTH, HEIGHT))] as const;
  const text = Buffer.from("Comment\0\0".padEnd(9), "latin1");
  const bomb = deflateSync(new Uint8Array(64 << 20));
  const wrongSum = Buffer.from(goodPng);
  wrongSum[wrongSum.length - 20] = wrongSum[wrongSum.length - 20]! ^ 1;
  return [
    ["1x1", "read", png(header(1, 1), data(lines(3, 1)), end)],
    ["1x5000", "read", png(header(1, 5000), data(lines(3, 5000)), end)],
    ["5000x1", "read", png(header(5000, 1), data(lines(15_000, 1)), end)],
    ["0x0", "refused", png(header(0, 0), data(new Uint8Array()), end)],
    ["0x5", "refused", png(header(0, 5), data(lines(0, 5)), end)],
    ["a header of 30,000x30,000", "refused", png(header(30_000, 30_000), data(lines(3, 5)), end)],
    ["a header of 2^31-1 a side", "refused", png(header(2 ** 31 - 1, 2 ** 31 - 1), data(lines(3, 5)), end)],
    ["a header of 9999x9999 and few pixels", "refused", png(header(9999, 9999), data(lines(3, 5)), end)],
    ["a header of 3000x3000 and no pixels", "refused", png(header(3000, 3000), end)],
    ["a deflate bomb of 64 MB", "read", png(header(10, 10), pngChunk("IDAT", [bomb]), end)],
    ["a deflate bomb as text", "read", png(good[0], pngChunk("zTXt", [text, bomb]), good[1], end)],
    ["a deflate bomb as profile", "read", png(good[0], pngChunk("iCCP", [text, bomb]), good[1], end)],
    ["2,000 chunks of text", "read", png(good[0], ...Array(2000).fill(pngChunk("tEXt", [Buffer.from("a\0b")])), good[1], end)],
    ["EXIF", "read", png(...good, pngChunk("eXIf", [Buffer.from("MM\0*\0\0\0\x08\0\x01", "latin1")]), end)],
    ["a length of 4 GB", "refused", png(good[0], Uint8Array.of(255, 255, 255, 255), Buffer.from("IDAT"), end)],
    ["a chunk that needs an extension", "refused", png(good[0], pngChunk("ABCD", []), good[1], end)],
    ["a wrong checksum", "refused", wrongSum],
    ["no end", "refused", png(...good)],
    ["no header", "refused", png(good[1], end)],
    ["two headers", "refused", png(good[0], ...good, end)],
    ["no pixels", "refused", png(good[0], end)],
    ["a palette without colours", "refused", png(header(8, 8, [8, 3, 0]), data(lines(8, 8)), end)],
    ["3 bits per sample", "refused", png(header(8, 8, [3, 0, 0]), data(lines(3, 8)), end)],
    ["an unknown filter", "refused", png(header(8, 8), data(new Uint8Array(200).fill(9)), end)],
    ["more after the end", "read", Buffer.concat([goodPng, Buffer.from("<script>alert(1)</script>")])],
    ["an animation", "read", png(good[0], pngChunk("acTL", [u32(2), u32(0)]), good[1], end)],
    ["16 bits", "read", await raw(3).toColourspace("rgb16").png().toBuffer()],
    ["a palette", "read", await raw(3).png({ palette: true, colours: 16 }).toBuffer()],
    ["interlaced", "read", await raw(3).png({ progressive: true }).toBuffer()],
    ["transparent", "read", await raw(4).png().toBuffer()],
    ["grey with alpha", "read", await raw(2).toColourspace("b-w").png().toBuffer()],
    ["1 bit", "read", png(header(9, 4, [1, 0, 0]), data(lines(2, 4)), end)],
    [
      "large and plain",
      "read",
      await sharp({ create: { width: 6000, height: 4000, channels: 3, background: "#345" } })
        .png()
        .toBuffer(),
    ],
  ];
}

async function oddJpegs(): Promise<readonly (readonly [name: string, expected: Expected, bytes: Uint8Array])[]> {
  const profile = Buffer.concat([Buffer.from("ICC_PROFILE\0\x01\x01", "latin1"), new Uint8Array(60_000)]);
  const scan = Uint8Array.of(0xff, 0xda, 0, 2);
  return [
    ["grey", "read", await raw(1).toColourspace("b-w").jpeg().toBuffer()],
    ["progressive", "read", await raw(3).jpeg({ progressive: true }).toBuffer()],
    ["CMYK", "either", await raw(3).toColourspace("cmyk").jpeg().toBuffer()],
    ...[1, 2, 3, 4, 5, 6, 7, 8].map((value) => [`orientation ${value}`, "read", withSegments(orientation(value))] as const),
    ["orientation 99", "read", withSegments(orientation(99))],
    ["EXIF of 65,535 entries", "read", withSegments(exif(255, 255))],
    ["EXIF that points outside", "read", withSegments(segment(0xe1, Buffer.from("Exif\0\0MM\0*\xff\xff\xff\xff", "latin1")))],
    ["a profile of zeros", "read", withSegments(segment(0xe2, profile))],
    ["200 comments of 60 kB", "read", withSegments(...Array(200).fill(segment(0xfe, new Uint8Array(60_000))))],
    ["a comment with markup", "read", withSegments(segment(0xfe, Buffer.from("<img src=x onerror=alert(1)>\n\x1b[31m")))],
    ["a header of 65,535x65,535", "refused", jpegOfSize(65_535, 65_535)],
    ["a header of 30,000x30,000", "refused", jpegOfSize(30_000, 30_000)],
    ["a header of 9,000x9,000 and few pixels", "either", jpegOfSize(9000, 9000)],
    ["a header of 0x0", "refused", jpegOfSize(0, 0)],
    ["no Huffman tables", "either", without(0xc4)],
    ["no quantization tables", "refused", without(0xdb)],
    ["no frame", "refused", without(0xc0)],
    ["1,000 scans behind the end", "read", Buffer.concat([goodJpeg, ...Array(1000).fill(scan)])],
    ["an arithmetic frame", "either", Buffer.from(goodJpeg).fill(0xc9, goodJpeg.indexOf(0xc0), goodJpeg.indexOf(0xc0) + 1)],
    ["a segment longer than the file", "refused", Buffer.concat([goodJpeg.subarray(0, 2), Uint8Array.of(0xff, 0xe0, 255, 255)])],
    ["half of it", "refused", goodJpeg.subarray(0, goodJpeg.length >> 1)],
  ];
}

const FORMATS: readonly (readonly [name: string, bytes: string])[] = [
  ["nothing", ""],
  ["text", "hello, I am no picture\n"],
  ["a web page", "<!doctype html><title>photo</title>"],
  ["SVG", '<svg xmlns="http://www.w3.org/2000/svg"/>'],
  ["PDF", "%PDF-1.7\n"],
  ["HEIC", "\0\0\0\x18ftypheic\0\0\0\0"],
  ["AVIF", "\0\0\0\x18ftypavif\0\0\0\0"],
  ["BMP", "BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"],
  ["ICO", "\0\0\x01\0\x01\0"],
  ["TIFF", "II*\0\x08\0\0\0"],
  ["control letters", "\x1b[2J\x1b[31m\r\n\0"],
];

/** What is no file at all. */
const PLACES: readonly Case[] = [
  { name: "nothing there", expected: "refused", place: () => "missing.png" },
  {
    name: "a directory",
    expected: "refused",
    place(folder) {
      mkdirSync(join(folder, "case.png"));
      return "case.png";
    },
  },
  {
    name: "a named pipe",
    expected: "refused",
    place(folder) {
      spawnSync("mkfifo", [join(folder, "case.png")]);
      return "case.png";
    },
  },
  {
    name: "links in a circle",
    expected: "refused",
    place(folder) {
      symlinkSync("b.png", join(folder, "a.png"));
      symlinkSync("a.png", join(folder, "b.png"));
      return "a.png";
    },
  },
  {
    name: "a path through a file",
    expected: "refused",
    place: (folder) => join(fileOf("", "read", goodPng, "png").place(folder), "x.png"),
  },
  { name: "a name of 300 letters", expected: "refused", place: () => `${"x".repeat(300)}.png` },
  { name: "a name with a line break", expected: "refused", place: () => "two\nlines\x1b[31m.png" },
];

/** Corrects the checksums of all complete chunks, so that the damage reaches the decoder. */
function repair(file: Buffer): void {
  for (let at = 8; at + 12 <= file.length; ) {
    const next = at + 12 + file.readUInt32BE(at);
    if (next > file.length) return;
    file.writeUInt32BE(crc32(file.subarray(at + 4, next - 4)), next - 4);
    at = next;
  }
}

const SEED = 16;
const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const mutation = fc.record({
  edits: fc.array(fc.tuple(share, fc.nat(255)), { minLength: 1, maxLength: 6 }),
  keep: fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: share }),
});

/** `count` mutations of a sound file: bytes are changed, and of every fourth the end is missing. */
function mutations(name: string, good: Uint8Array, extension: string, count: number): Case[] {
  return fc.sample(mutation, { numRuns: count, seed: SEED }).map(({ edits, keep }, i) => {
    const bytes = Buffer.from(good.subarray(0, Math.ceil(keep * good.length)));
    for (const [where, value] of edits) if (bytes.length > 0) bytes[Math.floor(where * bytes.length)] = value;
    if (name.includes("checksums")) repair(bytes);
    return fileOf(`${name}, mutation ${i}`, "either", bytes, extension);
  });
}

/** At least `count` cases. */
export async function imageCases(count: number): Promise<Case[]> {
  const odd = [
    ...(await oddPngs()).map(([name, expected, bytes]) => fileOf(`PNG: ${name}`, expected, bytes, "png")),
    ...(await oddJpegs()).map(([name, expected, bytes]) => fileOf(`JPEG: ${name}`, expected, bytes, "jpg")),
    ...FORMATS.map(([name, bytes]) => fileOf(name, "refused", Buffer.from(bytes, "latin1"), "png")),
    ...PLACES,
  ];
  const each = Math.ceil(Math.max(0, count - odd.length) / 4);
  return [
    ...odd,
    ...mutations("PNG", goodPng, "png", each),
    ...mutations("PNG with right checksums", goodPng, "png", each),
    ...mutations("JPEG", goodJpeg, "jpg", each),
    ...mutations("progressive JPEG", await raw(3).jpeg({ progressive: true }).toBuffer(), "jpg", each),
  ];
}
