// Running statistics of batch norm: updates in place, after a program has computed the moments of a batch.

import type { Tensor } from "../autodiff/tensor.ts";
import type { Slice } from "../gpu/device.ts";
import { call, grid } from "../gpu/pipelines.ts";
import type { Update } from "./plan.ts";

/**
 * running = (1−k)·running + k·[mean; unbiased variance] for one layer; `momentum` [1] holds k, `count` values were averaged. This is done
 * for one group of the moments `batch` [g,2,c] after the other, and `repeats` times for all of them.
 */
export function runningStats(running: Slice, batch: Tensor, momentum: Tensor, count: number, repeats = 1): Update {
  const [groups, , channels] = batch.shape as [number, number, number];
  const params = { channels, groups, repeats, unbiased: count > 1 ? count / (count - 1) : 1 };
  return {
    reads: [batch, momentum],
    calls: ([b, k]) => [call("running_stats", { batch: b!, momentum: k!, running }, params, grid(2 * channels, 64))],
  };
}
