// An exponential average of weights: the generator's, which at the end of a scale replaces them.

import type { Slice } from "../gpu/device.ts";
import { call, grid } from "../gpu/pipelines.ts";
import type { Update } from "./plan.ts";

/** average += share·(values − average), after the values were updated. */
export const averaged = (values: Slice, average: Slice, share: number): Update => ({
  reads: [],
  calls: () => {
    const n = values.bytes / 4;
    return [call("average", { p: values, a: average }, { n, share }, grid(n, 64))];
  },
});
