// The mask of an object.

import type { Mask } from "../../../image/mask.ts";

/** 1 where an object is at least half opaque, as in `singan harmonize`. */
export const opaquePart = (alpha: Mask): Mask => ({ ...alpha, data: alpha.data.map((a) => Number(a >= 0.5)) });
