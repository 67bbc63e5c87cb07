// Recognises files by their first bytes, so that a message can say what a file is that can't be read. Runs in Node and in browsers.

/** So many first bytes are enough for formatOf. */
export const FORMAT_BYTES = 1024;

/** A picture has its format's name only; anything else is named as a whole. */
export interface Format {
  readonly name: string;
  readonly isPicture: boolean;
}

/** Signatures as Latin-1 text; "?" is any byte. */
const SIGNATURES: readonly (readonly [signature: string, name: string])[] = [
  ["\x89PNG\r\n\x1a\n", "PNG"],
  ["\xff\xd8\xff", "JPEG"],
  ["GIF8", "GIF"],
  ["RIFF????WEBP", "WebP"],
  ["BM?????????????\0\0\0", "BMP"], // a length of less than 256 is behind the file header
  ["II*\0", "TIFF"],
  ["MM\0*", "TIFF"],
  ["II+\0", "TIFF"],
  ["\xff\x0a", "JPEG XL"],
  ["\0\0\0\x0cJXL ", "JPEG XL"],
  ["\0\0\0\x0cjP  ", "JPEG 2000"],
  ["8BPS", "Photoshop"],
  ["\0\0\x01\0", "ICO"],
  ["\0\0\x02\0\0\0", "Targa"],
  ["\0\0\x02\0", "ICO"], // CUR, which is the same but for a point
];
const OTHERS: readonly (readonly [signature: string, name: string])[] = [
  ["%PDF-", "PDF document"],
  ["PK\x03\x04", "ZIP archive"],
  ['????????{"', "safetensors file"],
];

/** Brands of ISO media files (ISO/IEC 14496-12), which stand behind "ftyp": an AVIF file may have its own behind a general one. */
const BRANDS: readonly (readonly [brand: RegExp, name: string])[] = [
  [/^(....)*?avi[fs]/s, "AVIF"],
  [/^(hei[cmsx]|hev[cmsx]|mif1|msf1)/, "HEIC"],
];

const picture = (name: string): Format => ({ name, isPicture: true });

/** What a file is by its first bytes, or null for an unknown kind. */
export function formatOf(bytes: Uint8Array): Format | null {
  const start = String.fromCharCode(...bytes.subarray(0, FORMAT_BYTES));
  const fits = ([signature]: readonly [string, string]): boolean =>
    start.length >= signature.length && [...signature].every((letter, i) => letter === "?" || letter === start[i]);
  const found = SIGNATURES.find(fits);
  if (found) return picture(found[1]);
  if (start.startsWith("ftyp", 4)) {
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    const brand = BRANDS.find(([pattern]) => pattern.test(start.slice(8, length)));
    return brand ? picture(brand[1]) : { name: "video", isPicture: false };
  }
  const text = start.replace(/^(\xef\xbb\xbf)?\s*/, "");
  if (/^(<\?xml[^<]*|<!--[^<]*|<!DOCTYPE svg[^<]*)*<svg[\s>]/i.test(text)) return picture("SVG");
  if (/^<(!doctype html|html)[\s>]/i.test(text)) return { name: "web page", isPicture: false };
  const other = OTHERS.find(fits);
  return other ? { name: other[1], isPicture: false } : null;
}

/** "a PNG picture", "an AVIF picture", "a PDF document". */
export function formatText({ name, isPicture }: Format): string {
  const article = /^(AVIF|ICO|SVG)/.test(name) ? "an" : "a";
  return `${article} ${name}${isPicture ? " picture" : ""}`;
}
