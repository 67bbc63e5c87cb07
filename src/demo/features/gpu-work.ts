// The work with models, by feature: for the GPU's worker.

import { animateModel } from "./animate/model-work.ts";
import { enlargeByModel } from "./enlarge/model-work.ts";
import type { FeatureName } from "./messages.ts";
import { sampleOfModel } from "./sample/model-work.ts";
import type { ModelWork } from "./work.ts";

export const GPU_WORK: { readonly [K in FeatureName]: ModelWork<K> } = {
  animate: animateModel,
  enlarge: enlargeByModel,
  sample: sampleOfModel,
};
