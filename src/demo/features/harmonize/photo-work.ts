// Objects on a photo without a model.

import { blend } from "../../../image/mask.ts";
import { toPlanes } from "../../../image/planes.ts";
import { blendOfPhoto } from "../blend/photo-work.ts";
import type { PhotoWork } from "../work.ts";
import { opaquePart } from "./opaque-part.ts";

export const harmonizeOfPhoto: PhotoWork<"harmonize"> = ({ object: { picture, alpha }, ...request }, place) =>
  blendOfPhoto("harmonize", request, place, blend(place.photo, toPlanes(picture), alpha), opaquePart(alpha));
