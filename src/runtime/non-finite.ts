// A flag on the GPU that tells whether values have stopped being numbers: it costs one pass over them and no read-back of its own.

import type { Slice } from "../gpu/device.ts";
import { call, grid } from "../gpu/pipelines.ts";
import type { Update } from "./plan.ts";

/** Sets `flag` [1] to 1 where any of the values is infinite or NaN; it is never set back. */
export const nonFinite = (values: Slice, flag: Slice): Update => ({
  reads: [],
  calls: () => {
    const n = values.bytes / 4;
    return [call("non_finite", { values, flag }, { n }, grid(n, 64))];
  },
});
