// A photo with parts that were moved, copied or scaled.

import type { Mask } from "../../../image/mask.ts";
import type { Rgb8 } from "../../../image/planes.ts";
import type { BlendRequest } from "../blend/messages.ts";

export interface EditRequest extends BlendRequest {
  /** Of the photo's size. */
  readonly picture: Rgb8;
  /** Where it differs from the photo. */
  readonly mask: Mask;
}
