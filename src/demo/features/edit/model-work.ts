// Edits of a model's photo.

import { toPlanes } from "../../../image/planes.ts";
import { blendOfModel } from "../blend/model-work.ts";
import type { ModelWork } from "../work.ts";

export const editOfModel: ModelWork<"edit"> = ({ picture, mask, ...request }, place) =>
  blendOfModel("edit", request, place, () => ({ picture: toPlanes(picture), mask }));
