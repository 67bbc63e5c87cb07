// The work with photos that have no model, by feature: for the worker of instant pictures.

import { editOfPhoto } from "./edit/photo-work.ts";
import { harmonizeOfPhoto } from "./harmonize/photo-work.ts";
import type { FeatureName } from "./messages.ts";
import { paintOfPhoto } from "./paint/photo-work.ts";
import { sampleOfPhoto } from "./sample/photo-work.ts";
import type { PhotoWork } from "./work.ts";

export const INSTANT_WORK: { readonly [K in FeatureName]?: PhotoWork<K> } = {
  paint: paintOfPhoto,
  sample: sampleOfPhoto,
  edit: editOfPhoto,
  harmonize: harmonizeOfPhoto,
};
