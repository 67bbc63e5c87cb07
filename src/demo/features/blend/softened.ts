// The soft mask of a change, or an error that a visitor understands.

import { isFull, type Mask } from "../../../image/mask.ts";
import { OptionError } from "../../../singan/model/config.ts";

/** Throws OptionError where the mask covers the whole photo once it is widened. */
export function softened(mask: Mask): Mask {
  if (isFull(mask)) throw new OptionError("nearly all of the photo would change: change a smaller part of it");
  return mask;
}
