// Files that people give as pictures: of several formats, with profiles, orientations and small faults. What can't be read is named, and large
// pictures are reduced while the process stays responsive.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { decodeLayer } from "../../src/image/decode.ts";
import { ImageError } from "../../src/image/image-error.ts";
import { flattened, isSameSize, type Rgb8 } from "../../src/image/planes.ts";
import { encodePng } from "../../src/image/png.ts";
import { buildCli, CLI } from "../command-line.ts";
import { EXAMPLE, FAULTS, pictureCases } from "../picture-cases.ts";

async function refusal(bytes: Uint8Array): Promise<string> {
  try {
    await decodeLayer(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(ImageError);
    return (error as Error).message;
  }
  throw new Error("was decoded");
}

describe("files that are no pictures", () => {
  it.each<[string, Uint8Array, string]>([
    ["empty", new Uint8Array(0), "empty file"],
    ["text", Buffer.from("hello"), "not a picture of a known format (starts with 68 65 6c 6c)"],
    ["a page", Buffer.from("<html>"), "a web page, not a picture"],
    ["a PDF", Buffer.from("%PDF-1.7\n"), "a PDF document, not a picture"],
    ["a model", Buffer.from('\x02\0\0\0\0\0\0\0{"'), "a safetensors file, not a picture"],
    ["a video", Buffer.from("\0\0\0\x18ftypmp42"), "a video, not a picture"],
    ["one byte", Uint8Array.of(0xff), "not a picture of a known format (starts with ff)"],
  ])("%s", async (_, bytes, message) => {
    expect(await refusal(bytes)).toBe(message);
  });

  it.each<[string, string]>([
    ["a HEIC picture", "\0\0\0\x18ftypheic"],
    ["a HEIC picture", "\0\0\0\x18ftypmif1"],
    ["a JPEG XL picture", "\xff\x0a\xfa"],
    ["a Photoshop picture", "8BPS\0\x01"],
    ["a Targa picture", "\0\0\x02\0\0\0"],
    ["an SVG picture", '<svg xmlns="http://www.w3.org/2000/svg"/>'],
    ["an SVG picture", '\xef\xbb\xbf<?xml version="1.0"?>\n<!-- made by hand --><svg>'],
  ])("%s is named", async (name, start) => {
    expect(await refusal(Buffer.from(start, "latin1"))).toBe(`${name}, which can't be read: convert it to PNG or JPEG`);
  });

  it("a message is one line whatever goes into it", () => {
    expect(new ImageError("two\nlines \t here ").message).toBe("two lines here");
  });
});

const CASES = await pictureCases();
const decoded = async (name: string): Promise<Rgb8> =>
  flattened(await decodeLayer(CASES.find((one) => one.name === name)!.bytes));
/** The largest difference between two pictures of one size, in levels of 255. */
function difference(a: Rgb8, b: Rgb8): number {
  expect(isSameSize(a, b)).toBe(true);
  return a.data.reduce((most, v, i) => Math.max(most, Math.abs(v - b.data[i]!)), 0);
}
const pixel = ({ width, data }: Rgb8, x: number, y: number): number[] => [
  ...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3),
];

describe("files with small faults", () => {
  it.each(["jpeg-5-bytes-between-segments.jpg", "jpeg-ff00-between-segments.jpg"])("%s is base.jpg", async (name) => {
    expect(await decoded(name)).toEqual(await decoded("base.jpg"));
  });
  it.each([
    "png-1-byte-after-stream.png",
    "png-one-row-too-many.png",
    "png-wrong-adler.png",
    "png-wrong-crc-of-text.png",
    "png-empty-gama.png",
  ])("%s is base.png", async (name) => {
    expect(await decoded(name)).toEqual(await decoded("base.png"));
  });
  it("an index outside the palette does not matter", async () => {
    expect(pixel(await decoded("png-index-outside-palette.png"), 0, 0)).toEqual([0, 1, 2]);
  });
  it("CMYK is read with and without Adobe's marker", async () => {
    expect(pixel(await decoded("jpeg-cmyk-without-adobe.jpg"), 0, 0)).toEqual([254, 1, 0]);
  });
});

describe("orientation", () => {
  const turned = ({ width, height, data }: Rgb8): Rgb8 => {
    const at = (x: number, y: number): Iterable<number> => data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3);
    const rows = Array.from({ length: width }, (_, y) => Array.from({ length: height }, (_, x) => [...at(y, height - 1 - x)]));
    return { width: height, height: width, data: Uint8Array.from(rows.flat(2)) };
  };
  it.each(["png", "avif", "tiff"])("of %s: turned clockwise", async (type) => {
    expect(difference(await decoded(`turned.${type}`), turned(EXAMPLE))).toBe(0);
  });
  it("a red corner that is stored top left is top right", async () => {
    const picture = await decoded("png-exif-orientation-6.png");
    expect([picture.width, picture.height]).toEqual([48, 64]);
    expect(pixel(picture, 47, 0)).toEqual([255, 0, 0]);
  });
  it("of WebP is ignored, as by Chromium", async () => {
    expect(await decoded("turned.webp")).toEqual(EXAMPLE);
  });
});

describe("colours are converted to sRGB", () => {
  it("from a profile", async () => {
    const picture = await decoded("p3.jpg");
    expect([pixel(picture, 8, 24), pixel(picture, 56, 24)]).toEqual([
      [198, 42, 20],
      [0, 174, 51],
    ]);
  });
  it.each(["png", "webp", "tiff"])("from Display P3 in %s", async (type) => {
    expect(difference(await decoded(`p3.${type}`), EXAMPLE)).toBeLessThanOrEqual(2);
  });
  // Expected: 255·sRGB((v/255)^(1/gAMA)) by hand.
  it.each([
    ["gama-100000.png", [125, 188, 229]],
    ["gama-45455.png", [52, 128, 200]], // as stored: this number stands for sRGB
    ["gama-with-srgb.png", [52, 128, 200]],
    ["gama-wrong-crc.png", [52, 128, 200]],
  ])("from the numbers in %s", async (name, expected) => {
    expect(pixel(await decoded(name), 0, 0)).toEqual(expected);
  });
  it("from Adobe RGB as numbers: grey stays grey, and green leaves sRGB", async () => {
    const picture = await decoded("gama-chrm.png");
    expect(pixel(picture, 25, 0)).toEqual([129, 129, 129]); // the power 2.2 is not quite the curve of sRGB
    expect(pixel(picture, 50, 0)).toEqual([0, 255, 0]);
  });
});

describe("formats", () => {
  it.each(["lossless.webp", "lossless.avif", "lossless.tiff", "interlaced.png", "16-bits.png"])(
    "%s has the exact picture",
    async (name) => {
      expect(await decoded(name)).toEqual(EXAMPLE);
    },
  );
  it.each(["animated.gif", "animated.webp"])("%s: its first picture", async (name) => {
    expect(difference(await decoded(name), EXAMPLE)).toBeLessThan(60); // a palette; the second picture is inverted
  });
  it("AVIF behind a general brand", async () => {
    const bytes = Buffer.from(CASES.find(({ name }) => name === "lossless.avif")!.bytes);
    bytes.write("mif1", 8, "latin1");
    expect(flattened(await decodeLayer(bytes))).toEqual(EXAMPLE);
  });
  it.each(["lossless.webp", "lossless.avif", "lossless.tiff", "animated.gif"])("half of %s is refused", async (name) => {
    const { bytes } = CASES.find((one) => one.name === name)!;
    expect(await refusal(bytes.subarray(0, bytes.length >> 1))).toMatch(/^truncated or corrupt (WebP|AVIF|TIFF|GIF)$/);
  });
});

describe("large pictures", () => {
  const [width, height] = [3000, 2000];
  /** Red at the left half, blue at the right half. */
  const halves = (alpha = 255) => {
    const data = Buffer.alloc(4 * width * height, alpha);
    for (let p = 0; p < width * height; p++) data.set(p % width < width / 2 ? [255, 0, 0] : [0, 0, 255], 4 * p);
    return sharp(data, { raw: { width, height, channels: 4 } });
  };
  const jpeg = (orientation = 1) => halves().removeAlpha().jpeg({ quality: 95 }).withMetadata({ orientation }).toBuffer();
  const near = (pixel: ArrayLike<number>, want: readonly number[]) =>
    expect(Math.max(...want.map((v, c) => Math.abs(v - pixel[c]!)))).toBeLessThan(6);

  it("are reduced to a long side of 2048 px, and the sizes are reported before", async () => {
    const reported: unknown[] = [];
    for (const bytes of [await halves().removeAlpha().png().toBuffer(), await jpeg()]) {
      const { picture, alpha } = await decodeLayer(bytes, { onReduced: (...sizes) => reported.push(sizes) });
      expect({ ...picture, data: picture.data.length, alpha }).toEqual({
        width: 2048,
        height: 1365,
        data: 3 * 2048 * 1365,
        alpha: null,
      });
      near(picture.data.subarray(0, 3), [255, 0, 0]);
      near(picture.data.subarray(-3), [0, 0, 255]);
    }
    const sizes = [
      { width, height },
      { width: 2048, height: 1365 },
    ];
    expect(reported).toEqual([sizes, sizes]);
  });

  it("keep their transparency, and are turned upright", async () => {
    const clear = await decodeLayer(await halves(100).png().toBuffer());
    expect(new Set(clear.alpha)).toEqual(new Set([100]));
    const { picture } = await decodeLayer(await jpeg(6)); // turned clockwise: the left half is at the top
    expect([picture.width, picture.height]).toEqual([1365, 2048]);
    near(picture.data.subarray(3 * 1364, 3 * 1365), [255, 0, 0]);
    near(picture.data.subarray(3 * 2047 * 1365), [0, 0, 255]);
  });

  it("are refused in a line where they are damaged or too large", async () => {
    const [png, whole] = [await halves().png().toBuffer(), await jpeg()];
    const inflated = Buffer.from(png);
    inflated.fill(0x55, 2000, 4000);
    await expect(decodeLayer(png.subarray(0, png.length >> 1))).rejects.toThrow("truncated PNG");
    await expect(decodeLayer(whole.subarray(0, whole.length >> 1))).rejects.toThrow(/^truncated or corrupt (PNG|JPEG)$/);
    await expect(decodeLayer(inflated)).rejects.toThrow(/^truncated or corrupt (PNG|JPEG)$/);
    const huge = Buffer.from(encodePng({ width: 1, height: 1, data: new Uint8Array(3) }));
    huge.writeUInt32BE(30_000, 16);
    huge.writeUInt32BE(30_000, 20);
    await expect(decodeLayer(huge)).rejects.toThrow(/^picture too large: 30000x30000 /);
  });
});

describe("where sharp is not installed", () => {
  const names = ["base.png", "gama-chrm.png", "transparent.png"];
  let bySharp: Rgb8[];
  beforeAll(async () => {
    bySharp = await Promise.all(names.map(decoded));
    vi.doMock("sharp", () => {
      throw new Error("not installed");
    });
  });
  afterAll(() => void vi.doUnmock("sharp"));

  it("PNG is read to the same bits", async () => {
    expect(await Promise.all(names.map(decoded))).toEqual(bySharp);
  });

  it("anything else is refused in a line that says why, and so is what is damaged or too large", async () => {
    expect(await refusal(readFileSync(join(FAULTS, "base.jpg")))).toBe(
      "a JPEG picture, which needs the npm package sharp: install it, or convert the picture to PNG",
    );
    const png = readFileSync(join(FAULTS, "base.png"));
    expect(await refusal(Buffer.from(png).fill(0x55, 100, 120))).toBe("truncated or corrupt PNG");
    expect(await refusal(png.subarray(0, 900))).toBe("truncated PNG");
    await expect(decodeLayer(png, { maxPixels: 3000 })).rejects.toThrow(/^picture too large: 64x48 /);
  });
});

describe("a picture of 9999x9999 pixels", () => {
  const folder = mkdtempSync(join(tmpdir(), "singan-large-"));
  beforeAll(async () => {
    buildCli();
    mkdirSync(join(folder, "empty"));
    const options = { create: { width: 9999, height: 9999, channels: 3 as const, background: "#446688" } };
    writeFileSync(join(folder, "large.png"), await sharp(options).png({ compressionLevel: 1 }).toBuffer());
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it("is decoded in less than 5 s, and a line says so before", async () => {
    const program = spawn(process.execPath, [CLI, "eval", "empty", "--against", "large.png"], { cwd: folder });
    let text = "";
    program.stderr.on("data", (data) => {
      text += data;
    });
    const started = performance.now();
    const [code] = await once(program, "close");
    expect({ code, text }).toEqual({
      code: 1,
      text:
        "large.png has 9999x9999 pixels: it is reduced to 2048x2048 first\n" +
        "singan: there are no samples in empty: no sample*.png, no samples/*.png and no other *.png\n",
    });
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it("does not delay a signal by 2 s", async () => {
    const program = spawn(process.execPath, [CLI, "eval", "empty", "--against", "large.png"], { cwd: folder });
    await once(program.stderr, "data"); // the line that says that it is reduced
    const signalled = performance.now();
    program.kill("SIGTERM");
    const [code] = await once(program, "close");
    expect(code).toBe(143);
    expect(performance.now() - signalled).toBeLessThan(2000);
  });
});
