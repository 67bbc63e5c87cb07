// A photo with a foreign object.

import type { Cutout } from "../../../image/placement.ts";
import type { BlendRequest } from "../blend/messages.ts";

export interface HarmonizeRequest extends BlendRequest {
  /** As it lies on the photo, and of the photo's size. */
  readonly object: Cutout;
}
