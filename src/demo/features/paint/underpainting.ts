// What a painting begins with: the photo, so blurred that only its main colours are left where they are.

import { type Rgb8, toPlanes, toRgb8 } from "../../../image/planes.ts";
import { imresizeTo } from "../../../image/resample.ts";

/** The long side of the photo on the way, px: more of them would show what is in the photo, and leave little to paint. */
const SIDE = 7;

export function underpaintingOf(photo: Rgb8): Rgb8 {
  const factor = SIDE / Math.max(photo.width, photo.height);
  const side = (length: number): number => Math.max(2, Math.round(length * factor));
  const colours = imresizeTo(toPlanes(photo), { width: side(photo.width), height: side(photo.height) });
  return toRgb8(imresizeTo(colours, photo));
}
