// The work with models, by feature: for the GPU's worker.

import { growthOfModel, judgementOfModel } from "./explain/model-work.ts";
import type { FeatureName } from "./messages.ts";
import { sampleOfModel } from "./sample/model-work.ts";
import type { ModelWork } from "./work.ts";

export const GPU_WORK: { readonly [K in FeatureName]: ModelWork<K> } = {
  sample: sampleOfModel,
  judge: judgementOfModel,
  grow: growthOfModel,
};
