// Decodes picture files in Node, to 8-bit sRGB as the demo page's createImageBitmap does. sharp decodes, in threads of its own, so that signals are
// handled meanwhile. It does not know BMP and ICO, which this thread decodes. Where it has no binary, pngjs decodes PNG.

import { type Bitmap, decodeBmp, decodeIcon } from "./bmp.ts";
import { type Format, formatOf, formatText } from "./formats.ts";
import { checkPixels, ImageError, MAX_PIXELS, reducedSize } from "./image-error.ts";
import { isSameSize, type Layer, layerOf, type Rgb8, type Size } from "./planes.ts";
import { decodePng, withNewChecksum, withProfile } from "./png.ts";
import { toSrgb } from "./png-colour.ts";

/** SVG is not among them: it is a program rather than a photo. */
const READ = ["PNG", "JPEG", "WebP", "AVIF", "GIF", "TIFF", "BMP", "ICO"];

/** The format of a picture that can be read, by its first bytes (FORMAT_BYTES of them are enough). Throws ImageError, which names another format. */
export function pictureFormat(bytes: Uint8Array): Format {
  if (bytes.length === 0) throw new ImageError("empty file");
  const format = formatOf(bytes);
  if (format && READ.includes(format.name)) return format;
  if (format?.isPicture) throw new ImageError(`${formatText(format)}, which can't be read: convert it to PNG or JPEG`);
  if (format) throw new ImageError(`${formatText(format)}, not a picture`);
  const start = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  throw new ImageError(`not a picture of a known format (starts with ${start})`);
}

export interface DecodeOptions {
  /** More pixels are refused before anything is decoded: a file of a few bytes can announce gigabytes. Default: 100 million. */
  readonly maxPixels?: number;
  /** Called before a large picture is reduced, with both sizes. */
  readonly onReduced?: (from: Size, to: Size) => void;
}

/**
 * PNG, JPEG, WebP, AVIF, GIF, TIFF, BMP or ICO → [h, w, 3] u8 in sRGB, upright, with its transparency; of an animation its first picture. Transparent
 * pixels keep the colours that the file stores for them. Where sharp is installed, a picture with a side of more than 2048 px is reduced to it. Throws ImageError for anything
 * that is not a complete picture.
 */
export async function decodeLayer(bytes: Uint8Array, options: DecodeOptions = {}): Promise<Layer> {
  const format = pictureFormat(bytes);
  // libpng does not miss the last chunk, Chromium does.
  if (format.name === "PNG" && !Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes("IEND"))
    throw new ImageError("truncated PNG");
  const { maxPixels = MAX_PIXELS } = options;
  const bitmap = format.name === "BMP" ? decodeBmp(bytes, maxPixels) : format.name === "ICO" ? decodeIcon(bytes) : null;
  if (bitmap instanceof Uint8Array) return decodeLayer(bitmap, options);
  const sharp = await import("sharp").then(
    (module) => module.default,
    () => null,
  );
  if (bitmap && !sharp) return layerOf(bitmap, bitmap.rgba);
  const decoded = sharp
    ? await decodeBySharp(sharp, bitmap ? await sourceOf(sharp, bitmap) : { bytes }, { ...options, maxPixels, format })
    : decodeAlone(format, bytes, maxPixels);
  return format.name === "PNG" ? toSrgb(decoded, bytes) : decoded;
}

type Sharp = typeof import("sharp").default;

/** What sharp decodes: a file, or pixels. */
interface Source {
  readonly bytes: Uint8Array;
  readonly raw?: Size & { readonly channels: 4 };
}

/** sharp converts the colours of a file only, so pixels with a profile become one. */
async function sourceOf(sharp: Sharp, { width, height, rgba, profile }: Bitmap): Promise<Source> {
  const raw = { width, height, channels: 4 } as const;
  if (!profile) return { bytes: rgba, raw };
  return { bytes: withProfile(await sharp(rgba, { raw }).png({ compressionLevel: 0 }).toBuffer(), profile) };
}

function decodeAlone(format: Format, bytes: Uint8Array, maxPixels: number): Layer {
  if (format.name === "PNG") return decodePng(bytes, maxPixels);
  throw new ImageError(`${formatText(format)}, which needs the npm package sharp: install it, or convert the picture to PNG`);
}

async function decodeBySharp(
  sharp: Sharp,
  { bytes, raw }: Source,
  { maxPixels, onReduced, format: { name } }: DecodeOptions & { maxPixels: number; format: Format },
): Promise<Layer> {
  sharp.cache(false);
  try {
    const header = await sharp(bytes, { raw, limitInputPixels: false }).metadata();
    checkPixels(header, maxPixels);
    const autoOrient = name !== "WebP"; // Chromium ignores the orientation of WebP
    const from = autoOrient ? header.autoOrient : header;
    const to = reducedSize(from);
    if (!isSameSize(from, to)) onReduced?.(from, to);
    const isInk = header.space === "cmyk" && !header.hasProfile;
    const decoded = (file: Uint8Array): Promise<Buffer> => {
      // "error" refuses a file that is cut off, and opens one with a small fault, as Chromium does.
      const image = sharp(file, { raw, limitInputPixels: maxPixels, failOn: "error", autoOrient });
      if (!isSameSize(from, to)) image.resize({ ...to, fit: "fill" });
      if (isInk) image.pipelineColourspace("cmyk").toColourspace("cmyk");
      else image.toColourspace("srgb").ensureAlpha();
      return image.raw({ depth: "uchar" }).toBuffer();
    };
    const values = await decoded(bytes).catch((error) => {
      const renewed = name === "PNG" ? withNewChecksum(bytes, header) : null;
      if (renewed) return decoded(renewed);
      throw error;
    });
    if (isInk) return { picture: fromInk(to, values), alpha: null };
    return layerOf(to, values);
  } catch (error) {
    throw error instanceof ImageError ? error : new ImageError(`truncated or corrupt ${name}`);
  }
}

/** Cyan, magenta, yellow and black → red, green and blue, as Chromium computes them without a profile: red = (255 − cyan)·(255 − black)/255. */
function fromInk(size: Size, inks: Uint8Array): Rgb8 {
  const data = Uint8Array.from({ length: 3 * size.width * size.height }, (_, i) => {
    const pixel = 4 * Math.floor(i / 3);
    return Math.round(((255 - inks[pixel + (i % 3)]!) * (255 - inks[pixel + 3]!)) / 255);
  });
  return { ...size, data };
}
