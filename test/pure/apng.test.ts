// APNG and GIF files read back: by our decoder, by pngjs frame for frame, and by a walk over their blocks.

import { crc32, deflateSync, inflateSync } from "node:zlib";
import { zlibSync } from "fflate";
import { PNG } from "pngjs";
import { describe, expect, it } from "vitest";
import { encodeApng } from "../../src/image/apng.ts";
import { encodeGif } from "../../src/image/gif.ts";
import { gifDelay } from "../../src/image/gif-delay.ts";
import type { Rgb8 } from "../../src/image/planes.ts";
import { readPng } from "../../src/image/png.ts";

/** A gradient that moves, with all differences of neighbours a byte can have. */
const frame = (t: number, width = 13, height = 7): Rgb8 => ({
  ...{ width, height },
  data: Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * i * 7 + 50 * t + ((i * 31) % 17)) % 256),
});
const FRAMES = [0, 1, 2].map((t) => frame(t));

const chunksOf = (file: Uint8Array): { type: string; data: Buffer }[] => {
  const bytes = Buffer.from(file);
  const chunks = [];
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const body = bytes.subarray(at + 4, at + 8 + length);
    expect(bytes.readUInt32BE(at + 8 + length)).toBe(crc32(body));
    chunks.push({ type: body.toString("latin1", 0, 4), data: body.subarray(4) });
    at += 12 + length;
  }
  return chunks;
};

/** A PNG made of the given chunks. */
function png(chunks: readonly { type: string; data: Uint8Array }[]): Buffer {
  const parts = chunks.map(({ type, data }) => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  });
  return Buffer.concat([Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a), ...parts]);
}

describe("APNG", () => {
  const file = encodeApng(FRAMES, 25, deflateSync);
  const chunks = chunksOf(file);

  it("has the standard's chunks in order, numbered through, repeating for ever, 1/25 s each", () => {
    expect(chunks.map(({ type }) => type).join(" ")).toBe("IHDR acTL fcTL IDAT fcTL fdAT fcTL fdAT IEND");
    const numbered = chunks.filter(({ type }) => type === "fcTL" || type === "fdAT");
    expect(numbered.map(({ data }) => data.readUInt32BE(0))).toEqual([0, 1, 2, 3, 4]);
    expect([chunks[1]!.data.readUInt32BE(0), chunks[1]!.data.readUInt32BE(4)]).toEqual([3, 0]);
    for (const { type, data } of chunks) {
      if (type !== "fcTL") continue;
      expect([4, 8, 12, 16].map((at) => data.readUInt32BE(at))).toEqual([13, 7, 0, 0]);
      expect([data.readUInt16BE(20), data.readUInt16BE(22), data[24], data[25]]).toEqual([1, 25, 0, 0]);
    }
  });

  it("holds every frame exactly", () => {
    expect(readPng(file)).toEqual(FRAMES[0]);
    const [header, end] = [chunks[0]!, chunks.at(-1)!];
    const pictures = chunks
      .filter(({ type }) => type === "IDAT" || type === "fdAT")
      .map(({ type, data }) => png([header, { type: "IDAT", data: type === "fdAT" ? data.subarray(4) : data }, end]));
    expect(pictures.map((bytes) => readPng(bytes))).toEqual(FRAMES);
    const { data } = PNG.sync.read(pictures[2]!);
    expect([...data].filter((_, i) => i % 4 < 3)).toEqual([...FRAMES[2]!.data]);
  });

  it("holds the same in a browser, which has another library for zlib's format", () => {
    const others = chunksOf(encodeApng(FRAMES, 25, zlibSync));
    expect(others.map(({ type }) => type)).toEqual(chunks.map(({ type }) => type));
    const lines = ({ type, data }: (typeof chunks)[number]) => inflateSync(type === "fdAT" ? data.subarray(4) : data);
    for (const [i, chunk] of chunks.entries()) if (/AT$/.test(chunk.type)) expect(lines(others[i]!)).toEqual(lines(chunk));
  });

  it.each([
    [() => encodeApng([], 10, deflateSync), "an animation needs at least one frame"],
    [
      () => encodeApng([frame(0), frame(0, 4, 4)], 10, deflateSync),
      "all frames must have one size, but one is 4x4 and the first is 13x7",
    ],
    [() => encodeApng(FRAMES, 2.5, deflateSync), "frames per second must be a whole number from 1 to 65535, not 2.5"],
    [() => encodeApng(FRAMES, 0, deflateSync), "frames per second must be a whole number from 1 to 65535, not 0"],
  ])("refuses: %#", (make, message) => expect(make).toThrow(message));
});

describe("GIF", () => {
  /** A frame with so few colours that a palette has them exactly. */
  const flat = (t: number): Rgb8 => ({
    ...{ width: 5, height: 4 },
    data: Uint8Array.from({ length: 60 }, (_, i) => [8 * (t + 1), 128, 8 * (Math.floor(i / 3) % 5)][i % 3]!),
  });

  it("has one palette, a delay per frame, and repeats for ever", () => {
    const bytes = Buffer.from(encodeGif([0, 1, 2].map(flat), 10));
    expect(bytes.toString("latin1", 0, 6)).toBe("GIF89a");
    expect([bytes.readUInt16LE(6), bytes.readUInt16LE(8)]).toEqual([5, 4]);
    expect(bytes.at(-1)).toBe(0x3b);
    const { frames, loop } = framesOf(bytes);
    expect(loop).toBe(0);
    expect(frames.map(({ delay, ownPalette }) => [delay, ownPalette])).toEqual([0, 1, 2].map(() => [10, false]));
  });

  it("gives fps in hundredths of a second, rounded", () => {
    expect([1, 10, 24, 25, 30, 50].map(gifDelay)).toEqual([100, 10, 4, 4, 3, 2]);
  });

  it.each([
    [() => encodeGif([], 10), "an animation needs at least one frame"],
    [() => encodeGif([flat(0), frame(0)], 10), "all frames must have one size, but one is 13x7 and the first is 5x4"],
    [() => encodeGif([flat(0)], 51), "a GIF can have at most 50 frames per second, not 51"],
    [() => encodeGif([flat(0)], 0), "a GIF can have at most 50 frames per second, not 0"],
  ])("refuses: %#", (make, message) => expect(make).toThrow(message));

  /** Parses the blocks of a GIF by its specification. */
  function framesOf(bytes: Buffer) {
    const hasTable = (flags: number) => (flags & 0x80) !== 0;
    const tableBytes = (flags: number) => (hasTable(flags) ? 3 * 2 ** ((flags & 7) + 1) : 0);
    const frames: { delay: number; ownPalette: boolean }[] = [];
    let loop = -1;
    let delay = 0;
    let at = 13 + tableBytes(bytes[10]!);
    expect(hasTable(bytes[10]!)).toBe(true);
    const blocks = () => {
      while (bytes[at] !== 0) at += 1 + bytes[at]!;
      at++;
    };
    while (bytes[at] !== 0x3b) {
      if (bytes[at] === 0x21) {
        if (bytes[at + 1] === 0xf9) delay = bytes.readUInt16LE(at + 4);
        if (bytes[at + 1] === 0xff) loop = bytes.readUInt16LE(at + 16);
        at += 2;
      } else {
        expect(bytes[at]).toBe(0x2c);
        const flags = bytes[at + 9]!;
        frames.push({ delay, ownPalette: hasTable(flags) });
        at += 10 + tableBytes(flags) + 1;
      }
      blocks();
    }
    return { frames, loop };
  }
});
