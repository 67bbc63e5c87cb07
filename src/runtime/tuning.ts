// What is known of an adapter's fastest kernels: one table per Gpu, which its dry runs share, so that what a dry run compiles is what
// later runs.

import type { Gpu } from "../gpu/device.ts";
import type { Timing } from "./tune.ts";

const tables = new WeakMap<Gpu, Map<string, Timing>>();

/** The table of a Gpu, by tuningKey(): empty where nothing was timed. A Tuner fills it. */
export function tuningOf({ original }: Gpu): Map<string, Timing> {
  let table = tables.get(original);
  if (!table) {
    table = new Map();
    tables.set(original, table);
  }
  return table;
}
