// EXIF orientation: reads that tag from a TIFF block, and turns a picture upright.
// EXIF 2.32, tag 0x0112. Malformed data counts as "upright", as in browsers.

import type { Rgb8 } from "./planes.ts";

const orientationTag = 0x0112;
const shortType = 3;

/** Returns the orientation, 1 to 8, from an APP1 payload ("Exif\0\0" and a TIFF block). Returns 1 if it is missing or malformed. */
export function exifOrientation(payload: Uint8Array): number {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  try {
    if (view.getUint32(0) !== 0x45786966 || view.getUint16(4) !== 0) return 1;
    const tiff = 6;
    const order = view.getUint16(tiff);
    if (order !== 0x4949 && order !== 0x4d4d) return 1;
    const little = order === 0x4949;
    if (view.getUint16(tiff + 2, little) !== 42) return 1;
    const directory = tiff + view.getUint32(tiff + 4, little);
    const entries = view.getUint16(directory, little);
    for (let entry = directory + 2; entry < directory + 2 + 12 * entries; entry += 12) {
      if (view.getUint16(entry, little) !== orientationTag) continue;
      const value = view.getUint16(entry + 8, little);
      return view.getUint16(entry + 2, little) === shortType && value >= 1 && value <= 8 ? value : 1;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // RangeError: a position outside the block
  }
  return 1;
}

/**
 * Turns a stored picture upright. Orientation 1 is upright already, 2 is mirrored left to right, 3 is turned by 180°, 4 is mirrored top to
 * bottom. 5 to 8 have rows and columns exchanged: 5 is transposed, 6 has to be turned clockwise, 7 is transposed across the other
 * diagonal, 8 has to be turned anticlockwise.
 */
export function upright(picture: Rgb8, orientation: number): Rgb8 {
  if (orientation === 1) return picture;
  const isTransposed = orientation >= 5;
  const isFlippedX = [2, 3, 7, 8].includes(orientation); // in the stored picture's own columns …
  const isFlippedY = [3, 4, 6, 7].includes(orientation); // … and rows
  const width = isTransposed ? picture.height : picture.width;
  const height = isTransposed ? picture.width : picture.height;
  const data = new Uint8Array(picture.data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const column = isTransposed ? y : x;
      const row = isTransposed ? x : y;
      const fromX = isFlippedX ? picture.width - 1 - column : column;
      const fromY = isFlippedY ? picture.height - 1 - row : row;
      const from = 3 * (fromY * picture.width + fromX);
      data.set(picture.data.subarray(from, from + 3), 3 * (y * width + x));
    }
  }
  return { width, height, data };
}
