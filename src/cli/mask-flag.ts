// Masks that flags name: what stays of a photo, or what may change.

import { isFull, type Mask, maskOfPicture } from "../image/mask.ts";
import type { Size } from "../image/planes.ts";
import { isStretched } from "../singan/generation/applications/inject.ts";
import { type Args, UsageError } from "./args.ts";
import { FileError, readMaskPicture } from "./read-files.ts";
import { sizeText } from "./report.ts";
import type { Session } from "./session.ts";

/**
 * The mask that a flag names, for pictures of a size; null without the flag. Throws FileError, also where nothing is set or everything is to
 * be kept, and UsageError where it has another shape.
 */
export async function readMaskFlag(args: Args, flag: "keep" | "mask", size: Size, session: Session): Promise<Mask | null> {
  const file = args.text(flag);
  if (file === undefined) return null;
  const picture = await readMaskPicture(file, session);
  if (isStretched(picture, size))
    throw new UsageError(`--${flag}: ${file} is ${sizeText(picture)}, which does not fit a picture of ${sizeText(size)}`);
  const mask = maskOfPicture(picture);
  if (mask.data.every((set) => set === 0))
    throw new FileError(`${file}: the mask is empty, so nothing would ${flag === "keep" ? "stay" : "change"}`);
  if (isFull(mask) && flag === "keep") throw new FileError(`${file}: the mask covers the whole picture, so nothing would change`);
  if (isFull(mask)) session.note(`${file}: the mask covers the whole picture, so nothing stays`);
  return mask;
}
