// A picture as a PNG file, encoded by the browser: in the page and in workers.

import { type Rgb8, toRgba } from "../image/planes.ts";

export async function pngBlob(picture: Rgb8): Promise<Blob> {
  const { width, height } = picture;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true })!; // in memory, not on the GPU
  context.putImageData(new ImageData(toRgba(picture), width, height), 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}
