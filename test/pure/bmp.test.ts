// BMP, ICO and CUR files: the right pixels or one clear line. What Chromium makes of the same files is compared in test/browser/demo.test.ts.

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { decodeLayer } from "../../src/image/decode.ts";
import { ImageError } from "../../src/image/image-error.ts";
import type { Layer, Rgb8 } from "../../src/image/planes.ts";
import { type BmpPlan, bmpCases, bmpFile, iconFile, iconPart, paletteColour } from "../bmp-files.ts";
import { EXAMPLE } from "../picture-cases.ts";

const FILES = await bmpCases(EXAMPLE);
const decoded = (name: string): Promise<Layer> => decodeLayer(FILES[name]!);
const pixel = ({ width, data }: Rgb8, x: number, y: number): number[] => [...data.subarray(3 * (y * width + x)).subarray(0, 3)];
async function refusal(bytes: Uint8Array): Promise<string> {
  const error: unknown = await decodeLayer(bytes).then(
    () => "was decoded",
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(ImageError);
  return (error as Error).message;
}

const BLACK = [0, 0, 0];
const plan: BmpPlan = { width: 7, height: 5, bits: 24, value: (x, y) => 0x100000 * y + x };
const eightBits: BmpPlan = { ...plan, bits: 8, compression: 1, value: () => 0 };
const runs = (...bytes: readonly number[]): Promise<Layer> =>
  decodeLayer(bmpFile({ ...eightBits, runs: Uint8Array.from(bytes) }));

describe("BMP", () => {
  it.each(Object.keys(FILES).filter((name) => name.includes("same")))("%s has the exact picture", async (name) => {
    expect(await decoded(name)).toEqual({ picture: EXAMPLE, alpha: null });
  });

  it.each(["v3", "v4", "v5", "masks"])("bmp-alpha-%s.bmp has the exact picture and its transparency", async (kind) => {
    const { picture, alpha } = await decoded(`bmp-alpha-${kind}.bmp`);
    expect(picture).toEqual(EXAMPLE);
    expect(alpha!.every((a, i) => a === (5 * (i % 64) + Math.floor(i / 64)) % 256)).toBe(true);
  });

  it.each([1, 2, 4, 8])("a palette for %i bits", async (bits) => {
    const { picture } = await decoded(`bmp-palette-${bits}.bmp`);
    for (const [x, y] of [
      [0, 0],
      [9, 0],
      [63, 47],
    ] as const)
      expect(pixel(picture, x, y)).toEqual(paletteColour((3 * x + 5 * y) % 2 ** bits));
  });

  it("a colour that the palette lacks is black", async () => {
    const { picture } = await decoded("bmp-palette-short.bmp");
    expect([pixel(picture, 63, 2), pixel(picture, 63, 10)]).toEqual([paletteColour(199), BLACK]);
  });

  it("a palette of OS/2 has entries of 3 bytes", async () => {
    expect(await decoded("bmp-palette-core.bmp")).toEqual(await decoded("bmp-palette-8.bmp"));
  });

  it("compressed lines are those of the same picture without compression", async () => {
    expect(await decoded("bmp-rle8.bmp")).toEqual(await decoded("bmp-palette-8.bmp"));
    expect(await decoded("bmp-rle4.bmp")).toEqual(await decoded("bmp-palette-4.bmp"));
  });

  it("fewer than 8 bits are spread over all levels: 31 and 63 are 255, 7 of 31 is 58", async () => {
    const value = (x: number) => [0xffff, 0, 7 << 11][x % 3]!;
    const file = bmpFile({ ...plan, bits: 16, value, compression: 3, masks: [0xf800, 0x7e0, 0x1f] });
    const { picture } = await decodeLayer(file);
    expect([0, 1, 2].map((x) => pixel(picture, x, 0))).toEqual([[255, 255, 255], BLACK, [58, 0, 0]]);
  });

  it("a profile is converted", async () => {
    const { picture } = await decoded("bmp-p3.bmp");
    expect(picture.data.reduce((most, v, i) => Math.max(most, Math.abs(v - EXAMPLE.data[i]!)), 0)).toBeLessThanOrEqual(2);
  });

  it("runs: what is left out is black, and what leaves the line is ignored", async () => {
    const { picture, alpha } = await runs(3, 9, 0, 2, 2, 1, 200, 7, 0, 0, 0, 3, 1, 2, 3, 0, 0, 2, 0, 99, 5, 5);
    const row = (y: number): number[][] => Array.from({ length: 7 }, (_, x) => pixel(picture, x, y));
    const [nine, seven] = [paletteColour(9), paletteColour(7)];
    expect(row(4)).toEqual([nine, nine, nine, BLACK, BLACK, BLACK, BLACK]);
    expect(row(3)).toEqual([BLACK, BLACK, BLACK, BLACK, BLACK, seven, seven]);
    expect(row(2)).toEqual([...[1, 2, 3].map(paletteColour), BLACK, BLACK, BLACK, BLACK]);
    expect(row(1)).toEqual(Array(7).fill(BLACK));
    expect(alpha).toBeNull();
  });

  it("runs may end early, and need no mark of their end behind the last line", async () => {
    expect(pixel((await runs(3, 9, 0, 1)).picture, 2, 4)).toEqual(paletteColour(9));
    expect((await runs(...Array(10).fill(0))).picture.data.every((v) => v === 0)).toBe(true);
  });

  it("a large one is reduced, and the sizes are reported before", async () => {
    const onReduced = vi.fn();
    const { picture } = await decodeLayer(bmpFile({ width: 3000, height: 30, bits: 24, value: () => 0xff8000 }), { onReduced });
    expect([picture.width, picture.height, pixel(picture, 2047, 19)]).toEqual([2048, 20, [255, 128, 0]]);
    expect(onReduced).toHaveBeenCalledExactlyOnceWith({ width: 3000, height: 30 }, { width: 2048, height: 20 });
  });
});

describe("ICO", () => {
  const isClear = (x: number, y: number): boolean => (x >> 2) % 3 === (y >> 1) % 3;

  it.each([1, 4, 8, 24, 32])("the mask of one of %i bits is its transparency", async (bits) => {
    const { alpha } = await decoded(`mask-${bits}.ico`);
    expect(alpha!.every((a, i) => a === (isClear(i % 64, Math.floor(i / 64)) ? 0 : 255))).toBe(true);
  });

  it("32 bits with alpha need no mask", async () => {
    expect(await decoded("alpha-32.ico")).toEqual(await decoded("bmp-alpha-v5.bmp"));
  });

  it("a PNG within it is read as one", async () => {
    expect(await decoded("png.ico")).toEqual(await decoded("bmp-alpha-v5.bmp"));
  });

  it("of several the largest is taken, then the one with most colours, of a cursor the first of these", async () => {
    expect(await decoded("several.ico")).toEqual(await decoded("mask-24.ico"));
    expect(await decoded("cursor.cur")).toEqual(await decoded("mask-8.ico"));
  });

  it.each<[string, Uint8Array, string]>([
    ["none", iconFile([]), "an ICO picture without any pictures in it"],
    ["a directory that is cut off", iconFile([]).fill(9, 4), "truncated ICO"],
    ["another size", iconFile([{ ...plan, width: 8, bytes: iconPart(plan, isClear) }]), "corrupt ICO: it has no picture of 8x5"],
    ["a mask that is cut off", iconFile([{ ...plan, bytes: iconPart(plan, isClear) }]).subarray(0, -1), "truncated ICO"],
    ["a picture outside", iconFile([{ ...plan, bytes: new Uint8Array() }]), "truncated ICO"],
  ])("%s is refused", async (_, bytes, message) => {
    expect(await refusal(bytes)).toBe(message);
  });
});

describe("BMP refusals", () => {
  const good = bmpFile(plan);
  /** The file with another number of 32 bits. */
  const patched = (at: number, value: number, file = good): Buffer => {
    const copy = Buffer.from(file);
    copy.writeInt32LE(value, at);
    return copy;
  };

  it("a file cut anywhere", async () => {
    const files = [
      good,
      bmpFile({ ...plan, bits: 4 }),
      bmpFile({ ...eightBits, runs: Uint8Array.of(3, 9, 0, 4, 1, 2, 3, 4, 0, 1) }),
    ];
    for (const file of files) {
      for (let length = 18; length < file.length; length++) expect(await refusal(file.subarray(0, length))).toBe("truncated BMP");
    }
  });

  it("too many pixels, before they are allocated", async () => {
    expect(await refusal(patched(22, 65_000, patched(18, 65_000)))).toBe(
      "picture too large: 65000x65000 (the limit is 100 megapixels)",
    );
    await expect(decodeLayer(good, { maxPixels: 34 })).rejects.toThrow(/^picture too large: 7x5 /);
  });

  it.each<[string, Uint8Array, string]>([
    ["no width", patched(18, 0), "corrupt BMP: 0x5 pixels"],
    ["a negative width", patched(18, -7), "corrupt BMP: -7x5 pixels"],
    ["no height", patched(22, 0), "corrupt BMP: 7x0 pixels"],
    ["a side that is too long", patched(18, 65_536), "picture too large: 65536x5 (the limit of a BMP is 65535 pixels a side)"],
    ["an unknown header", patched(14, 200), "corrupt BMP: a header of 200 bytes"],
    ["a JPEG within", patched(30, 4), "a BMP of 24 bits with compression 4, which can't be read: convert it to PNG or JPEG"],
    ["3 bits", patched(26, 0x30001), "a BMP of 3 bits with compression 0, which can't be read: convert it to PNG or JPEG"],
    ["pixels outside", patched(10, 1_000_000), "truncated BMP"],
    [
      "a mask with gaps",
      bmpFile({ ...plan, bits: 32, compression: 3, masks: [0xf0f000, 0, 0] }),
      "corrupt BMP: a mask with gaps",
    ],
    ["a profile that is cut off", FILES["bmp-p3.bmp"]!.subarray(0, -1), "truncated BMP"],
  ])("%s", async (_, bytes, message) => {
    expect(await refusal(bytes)).toBe(message);
  });

  /** Up to 6 bytes of a file are changed, most of them in its headers, and it may be cut off. */
  const mutated = fc
    .record({
      file: fc.constantFrom(...Object.values(FILES)),
      edits: fc.array(fc.tuple(fc.oneof(fc.nat(80), fc.nat(20_000)), fc.oneof(fc.nat(255), fc.nat(32))), { maxLength: 6 }),
      length: fc.oneof(
        { weight: 4, arbitrary: fc.constant(Infinity) },
        { weight: 1, arbitrary: fc.integer({ min: 18, max: 20_000 }) },
      ),
    })
    .map(({ file, edits, length }) => {
      const bytes = Buffer.from(file.subarray(0, length));
      for (const [at, value] of edits) if (at >= 18 && at < bytes.length) bytes[at] = value;
      return bytes;
    });
  /** Any bytes as compressed lines, with so many ends of lines behind them that they are whole. */
  const anyRuns = fc
    .record({ bits: fc.constantFrom(4, 8, 24), bytes: fc.uint8Array({ maxLength: 300 }) })
    .map(({ bits, bytes }) => {
      const compression = { 4: 2, 8: 1, 24: 4 }[bits]!;
      const kind = {
        bits,
        compression,
        headerBytes: bits === 24 ? 64 : 40,
        runs: Buffer.concat([bytes, Buffer.alloc(1600)]),
      };
      return bmpFile({ ...plan, ...kind });
    });
  const anyBytes = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.concat([good.subarray(0, 18), bytes]));

  it.each([
    ["a file with mutations", mutated, 100, 900],
    ["any compressed lines", anyRuns, 0, 0],
    ["any bytes behind a BMP's first ones", anyBytes, 1000, 1000],
  ])("1000 times %s: a picture or one line, quickly", async (_, files, fewest, most) => {
    let [slowestMs, refused] = [0, 0];
    await fc.assert(
      fc.asyncProperty(files, async (file) => {
        const start = performance.now();
        const result = await decodeLayer(file, { maxPixels: 1e6 }).catch((error: unknown) => error);
        slowestMs = Math.max(slowestMs, performance.now() - start);
        if (!(result instanceof Error)) return;
        refused++;
        expect([result.name, result.message]).toEqual(["ImageError", expect.stringMatching(/^\S[^\n]*\S$/)]);
      }),
      { numRuns: 1000, seed: 3 },
    );
    expect(refused).toBeGreaterThanOrEqual(fewest);
    expect(refused).toBeLessThanOrEqual(most);
    expect(slowestMs).toBeLessThan(1000);
  });
});

describe("where sharp is not installed", () => {
  const names = ["bmp-same-24.bmp", "bmp-palette-8.bmp", "alpha-32.ico", "png.ico"];
  let bySharp: Layer[];
  beforeAll(async () => {
    bySharp = await Promise.all(names.map(decoded));
    vi.doMock("sharp", () => {
      throw new Error("not installed");
    });
  });
  afterAll(() => void vi.doUnmock("sharp"));

  it("both are read to the same values", async () => {
    expect(await Promise.all(names.map(decoded))).toEqual(bySharp);
    await expect(decodeLayer(FILES["bmp-same-24.bmp"]!, { maxPixels: 3000 })).rejects.toThrow(/^picture too large: 64x48 /);
  });
});
