// Loads a picture with its transparency. The browser decodes it.

import type { Cutout } from "../../../image/placement.ts";
import { fromRgba } from "../../../image/planes.ts";
import { bitmapOf } from "../../photo.ts";

/** Pictures with a longer side are reduced to it: photos are hardly larger here. */
const MAX_SIDE = 512;

/** Throws PhotoError if the file is no picture. */
export async function loadCutout(file: File): Promise<Cutout> {
  const bitmap = await bitmapOf(file);
  const factor = Math.min(1, MAX_SIDE / Math.max(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * factor));
  const height = Math.max(1, Math.round(bitmap.height * factor));
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true })!;
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const rgba = context.getImageData(0, 0, width, height).data;
  const alpha = Float32Array.from({ length: width * height }, (_, p) => rgba[4 * p + 3]! / 255);
  return { picture: fromRgba({ width, height }, rgba), alpha: { width, height, data: alpha } };
}
