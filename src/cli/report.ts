// What the JSON reports of several commands have in common.

import type { ScaleRecord } from "../singan/model/model.ts";
import { sizeText } from "./sizes.ts";

/** The facts of a trained scale, without its networks. */
export const describeScale = ({ size, channels, noiseAmp, losses, seconds }: ScaleRecord) => ({
  size: sizeText(size),
  channels,
  noiseAmp,
  losses,
  seconds,
});
