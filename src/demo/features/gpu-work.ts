// The work with models, by feature: for the GPU's worker.

import { animateModel } from "./animate/model-work.ts";
import { editOfModel } from "./edit/model-work.ts";
import { enlargeByModel } from "./enlarge/model-work.ts";
import { growthOfModel, judgementOfModel } from "./explain/model-work.ts";
import { harmonizeOfModel } from "./harmonize/model-work.ts";
import type { FeatureName } from "./messages.ts";
import { paintOfModel } from "./paint/model-work.ts";
import { sampleOfModel } from "./sample/model-work.ts";
import type { ModelWork } from "./work.ts";

export const GPU_WORK: { readonly [K in FeatureName]: ModelWork<K> } = {
  paint: paintOfModel,
  animate: animateModel,
  enlarge: enlargeByModel,
  sample: sampleOfModel,
  edit: editOfModel,
  harmonize: harmonizeOfModel,
  judge: judgementOfModel,
  grow: growthOfModel,
};
