// Edits of a photo without a model.

import { toPlanes } from "../../../image/planes.ts";
import { blendOfPhoto } from "../blend/photo-work.ts";
import type { PhotoWork } from "../work.ts";

export const editOfPhoto: PhotoWork<"edit"> = ({ picture, mask, ...request }, place) =>
  blendOfPhoto("edit", request, place, toPlanes(picture), mask);
