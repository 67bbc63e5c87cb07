// Picture files of many kinds, for the tests of the command line's decoder and for the comparison with a browser's.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { enlarged, type Rgb8 } from "../src/image/planes.ts";
import { encodePng } from "../src/image/png.ts";
import { pngChunk, u32 } from "../src/image/png-chunks.ts";
import { bmpCases } from "./bmp-files.ts";

export interface PictureCase {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Files with small faults, and masks. */
export const FAULTS = join(import.meta.dirname, "faults");

const [WIDTH, HEIGHT] = [64, 48];
/** Smooth waves of muted colours, which are inside sRGB and all larger gamuts. */
export const EXAMPLE: Rgb8 = {
  ...{ width: WIDTH, height: HEIGHT },
  data: Uint8Array.from({ length: 3 * WIDTH * HEIGHT }, (_, i) => {
    const [x, y, c] = [Math.floor(i / 3) % WIDTH, Math.floor(i / 3 / WIDTH), i % 3];
    return Math.round(128 + 50 * Math.sin(x / 9 + c) * Math.cos(y / 7) + 30 * Math.sin(y / 11 + x / 20));
  }),
};
const image = () => sharp(EXAMPLE.data, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });

/** A PNG with more chunks behind its header. */
const withChunks = (picture: Rgb8, ...chunks: readonly Uint8Array[]): Uint8Array => {
  const png = encodePng(picture);
  const header = 8 + 25; // the signature and the first chunk
  return Buffer.concat([png.subarray(0, header), ...chunks, png.subarray(header)]);
};
const numbers = (type: string, ...values: readonly number[]): Uint8Array => pngChunk(type, values.map(u32));
const ADOBE_RGB = [31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000] as const;
/** Three squares of 25 px, the smallest photo that the page takes. */
const SWATCHES = enlarged({ width: 3, height: 1, data: Uint8Array.of(52, 128, 200, 128, 128, 128, 0, 255, 0) }, 25);

function wrongCrc(chunk: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(chunk);
  copy[copy.length - 1]! ^= 1;
  return copy;
}

/** A PNG of 16 bits whose upper halves are the example. */
function deep(): Uint8Array {
  const line = (y: number) =>
    [...EXAMPLE.data.subarray(3 * y * WIDTH, 3 * (y + 1) * WIDTH)].flatMap((v, i) => [v, (37 * i) & 255]);
  const lines = Uint8Array.from(Array.from({ length: HEIGHT }, (_, y) => [0, ...line(y)]).flat());
  const header = pngChunk("IHDR", [u32(WIDTH), u32(HEIGHT), Uint8Array.of(16, 2, 0, 0, 0)]);
  return Buffer.concat([encodePng(EXAMPLE).subarray(0, 8), header, pngChunk("IDAT", [deflateSync(lines)]), pngChunk("IEND", [])]);
}

/** All files of test/faults, and generated ones. */
export async function pictureCases(): Promise<PictureCase[]> {
  const files = readdirSync(FAULTS).filter((name) => /\.(png|jpg)$/.test(name));
  const frames = await Promise.all([image().png().toBuffer(), image().negate().png().toBuffer()]);
  const animation = () => sharp(frames, { join: { animated: true } });
  const rgba = image().joinChannel(Buffer.from(EXAMPLE.data.subarray(0, WIDTH * HEIGHT)), {
    raw: { width: WIDTH, height: HEIGHT, channels: 1 },
  });
  const turned = () => image().withMetadata({ orientation: 6 });
  const p3 = () => image().withIccProfile("p3");
  const made: Record<string, Uint8Array> = {
    "half-chroma.jpg": await image().jpeg({ quality: 85 }).toBuffer(),
    "progressive.jpg": await image().jpeg({ quality: 85, progressive: true, chromaSubsampling: "4:4:4" }).toBuffer(),
    "odd-size.jpg": await image().extract({ left: 1, top: 1, width: 51, height: 37 }).jpeg({ quality: 75 }).toBuffer(),
    "grey.jpg": await image().greyscale().jpeg().toBuffer(),
    "cmyk.jpg": await image().toColourspace("cmyk").jpeg({ quality: 95 }).toBuffer(),
    "interlaced.png": await image().png({ progressive: true }).toBuffer(),
    "palette.png": await image().png({ palette: true, colours: 30 }).toBuffer(),
    "transparent.png": await rgba.clone().png().toBuffer(),
    "16-bits.png": deep(),
    "gama-100000.png": withChunks(SWATCHES, numbers("gAMA", 100_000)),
    "gama-45455.png": withChunks(SWATCHES, numbers("gAMA", 45_455)),
    "gama-with-srgb.png": withChunks(SWATCHES, numbers("gAMA", 100_000), pngChunk("sRGB", [Uint8Array.of(0)])),
    "gama-wrong-crc.png": withChunks(SWATCHES, wrongCrc(numbers("gAMA", 100_000))),
    "gama-chrm.png": withChunks(SWATCHES, numbers("gAMA", 45_455), numbers("cHRM", ...ADOBE_RGB)),
    "waves-chrm.png": withChunks(EXAMPLE, numbers("gAMA", 50_000), numbers("cHRM", ...ADOBE_RGB)),
    "lossy.webp": await image().webp({ quality: 80 }).toBuffer(),
    "lossless.webp": await image().webp({ lossless: true }).toBuffer(),
    "transparent.webp": await rgba.clone().webp({ lossless: true }).toBuffer(),
    "lossy.avif": await image().avif({ quality: 60 }).toBuffer(),
    "lossless.avif": await image().avif({ lossless: true }).toBuffer(),
    "lossless.tiff": await image().tiff({ compression: "lzw" }).toBuffer(),
    "animated.gif": await animation().gif({ delay: 100 }).toBuffer(),
    "animated.webp": await animation().webp({ quality: 95 }).toBuffer(),
    "turned.jpg": await turned().jpeg({ quality: 90 }).toBuffer(),
    "turned.png": await turned().png().toBuffer(),
    "turned.webp": await turned().webp({ lossless: true }).toBuffer(),
    "turned.avif": await turned().avif({ lossless: true }).toBuffer(),
    "turned.tiff": await turned().tiff({ compression: "lzw" }).toBuffer(),
    "p3.png": await p3().png().toBuffer(),
    "p3.webp": await p3().webp({ lossless: true }).toBuffer(),
    "p3.tiff": await p3().tiff({ compression: "lzw" }).toBuffer(),
    "p3-chroma.jpg": await p3().jpeg({ quality: 95 }).toBuffer(),
    ...(await bmpCases(EXAMPLE)),
  };
  return [
    ...files.map((name) => ({ name, bytes: readFileSync(join(FAULTS, name)) })),
    ...Object.entries(made).map(([name, bytes]) => ({ name, bytes })),
  ];
}
