// Files that people give as pictures: other formats are named, and large pictures are reduced while the process stays responsive.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { decodeLayer, ImageError } from "../../src/image/decode.ts";
import { encodePng } from "../../src/image/png.ts";
import { decodeReduced } from "../../src/image/reduced.ts";
import { buildCli, CLI } from "../command-line.ts";

function refusal(bytes: Uint8Array): string {
  try {
    decodeLayer(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(ImageError);
    return (error as Error).message;
  }
  throw new Error("was decoded");
}

describe("files that are no pictures", () => {
  it.each<[string, Uint8Array, string]>([
    ["empty", new Uint8Array(0), "empty file"],
    ["text", Buffer.from("hello"), "not a PNG or JPEG image (starts with 68 65 6c 6c)"],
    ["a page", Buffer.from("<html>"), "a web page, not a PNG or JPEG picture"],
    ["a PDF", Buffer.from("%PDF-1.7\n"), "a PDF document, not a PNG or JPEG picture"],
    ["a model", Buffer.from('\x02\0\0\0\0\0\0\0{"'), "a safetensors file, not a PNG or JPEG picture"],
    ["a video", Buffer.from("\0\0\0\x18ftypmp42"), "a video, not a PNG or JPEG picture"],
    ["one byte", Uint8Array.of(0xff), "not a PNG or JPEG image (starts with ff)"],
  ])("%s", (_, bytes, message) => {
    expect(refusal(bytes)).toBe(message);
  });

  it.each<[string, string]>([
    ["a GIF picture", "GIF89a\x01\0\x01\0"],
    ["a WebP picture", "RIFF\x24\0\0\0WEBPVP8 "],
    ["a BMP picture", "BM\x46\0\0\0\0\0\0\0\x36\0"],
    ["a TIFF picture", "II*\0\x08\0\0\0"],
    ["a TIFF picture", "MM\0*\0\0\0\x08"],
    ["an AVIF picture", "\0\0\0\x1cftypavif"],
    ["a HEIC picture", "\0\0\0\x18ftypheic"],
    ["a HEIC picture", "\0\0\0\x18ftypmif1"],
    ["a JPEG XL picture", "\xff\x0a\xfa"],
    ["a Photoshop picture", "8BPS\0\x01"],
    ["an ICO picture", "\0\0\x01\0\x01\0"],
    ["an SVG picture", '<svg xmlns="http://www.w3.org/2000/svg"/>'],
    ["an SVG picture", '\xef\xbb\xbf<?xml version="1.0"?>\n<!-- made by hand --><svg>'],
  ])("%s is named", (name, start) => {
    expect(refusal(Buffer.from(start, "latin1"))).toBe(`${name}, which can't be read: convert it to PNG or JPEG`);
  });

  it("a message is one line whatever goes into it", () => {
    expect(new ImageError("two\nlines \t here ").message).toBe("two lines here");
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
      const { picture, alpha } = await decodeReduced(bytes, (...sizes) => reported.push(sizes));
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
    const clear = await decodeReduced(await halves(100).png().toBuffer());
    expect(new Set(clear.alpha)).toEqual(new Set([100]));
    const { picture } = await decodeReduced(await jpeg(6)); // turned clockwise: the left half is at the top
    expect([picture.width, picture.height]).toEqual([1365, 2048]);
    near(picture.data.subarray(3 * 1364, 3 * 1365), [255, 0, 0]);
    near(picture.data.subarray(3 * 2047 * 1365), [0, 0, 255]);
  });

  it("are refused in a line where they are damaged or too large", async () => {
    const [png, whole] = [await halves().png().toBuffer(), await jpeg()];
    const inflated = Buffer.from(png);
    inflated.fill(0x55, 2000, 4000);
    await expect(decodeReduced(png.subarray(0, png.length >> 1))).rejects.toThrow(/^(truncated|corrupt) picture$/);
    await expect(decodeReduced(whole.subarray(0, whole.length >> 1))).rejects.toThrow(/^(truncated|corrupt) picture$/);
    await expect(decodeReduced(inflated)).rejects.toThrow(/^(truncated|corrupt) picture$/);
    const huge = Buffer.from(encodePng({ width: 1, height: 1, data: new Uint8Array(3) }));
    huge.writeUInt32BE(30_000, 16);
    huge.writeUInt32BE(30_000, 20);
    await expect(decodeReduced(huge)).rejects.toThrow(/^picture too large: 30000x30000 /);
  });

  it("need sharp; a small picture does not, and has the bits of decodeLayer", async () => {
    vi.doMock("sharp", () => {
      throw new Error("not installed");
    });
    const small = encodePng({ width: 40, height: 30, data: new Uint8Array(3600).map((_, i) => i) });
    expect(await decodeReduced(small)).toEqual(decodeLayer(small));
    await expect(decodeReduced(await jpeg())).rejects.toThrow(
      "a picture of 3000x2000 needs the npm package sharp, which is not installed: reduce it to at most 2048x2048",
    );
    vi.doUnmock("sharp");
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
