// Objects on a model's photo.

import { toPlanes } from "../../../image/planes.ts";
import { composite } from "../../../singan/generation/applications/inject.ts";
import { blendOfModel } from "../blend/model-work.ts";
import type { ModelWork } from "../work.ts";
import { opaquePart } from "./opaque-part.ts";

export const harmonizeOfModel: ModelWork<"harmonize"> = ({ object: { picture, alpha }, ...request }, place) =>
  blendOfModel("harmonize", request, place, (model) => ({
    picture: composite(model, toPlanes(picture), alpha),
    mask: opaquePart(alpha),
  }));
