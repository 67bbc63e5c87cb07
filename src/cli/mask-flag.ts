// Masks that flags name: what stays of a photo, or what may change.

import { type Mask, maskOfPicture } from "../image/mask.ts";
import type { Size } from "../image/planes.ts";
import { isStretched } from "../singan/generation/applications/inject.ts";
import { type Args, UsageError } from "./args.ts";
import { FileError, readMaskPicture } from "./read-files.ts";
import { sizeText } from "./report.ts";
import type { Session } from "./session.ts";

/**
 * The mask that a flag names, for pictures of a size; null without the flag. Throws FileError, also where the mask covers all or nothing, and
 * UsageError where it has another shape.
 */
export async function readMaskFlag(args: Args, flag: "keep" | "mask", size: Size, session: Session): Promise<Mask | null> {
  const file = args.text(flag);
  if (file === undefined) return null;
  const picture = await readMaskPicture(file, session);
  if (isStretched(picture, size))
    throw new UsageError(`--${flag}: ${file} is ${sizeText(picture)}, which does not fit a picture of ${sizeText(size)}`);
  const mask = maskOfPicture(picture);
  const isFull = mask.data.every((set) => set === 1);
  if (isFull || mask.data.every((set) => set === 0)) {
    const never = isFull === (flag === "keep") ? "change" : "stay";
    throw new FileError(`${file}: the mask ${isFull ? "covers the whole picture" : "is empty"}, so nothing would ${never}`);
  }
  return mask;
}
