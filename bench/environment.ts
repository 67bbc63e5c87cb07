// Where a benchmark runs: adapter and driver as WebGPU reports them, runtime, and commit.

import type { Gpu } from "../src/gpu/device.ts";
import type { Environment } from "./records.ts";

/** What only the caller knows. */
export type Surroundings = Pick<Environment, "runtime" | "cores" | "commit">;

export function environmentOf(gpu: Gpu, surroundings: Surroundings): Environment {
  const { description, driver } = gpu.adapterInfo as GPUAdapterInfo & { readonly driver?: string };
  return {
    adapter: gpu.adapterName,
    isSoftware: gpu.isSoftware,
    driver: driver || description || "unknown",
    ...surroundings,
    date: new Date().toISOString().slice(0, 10),
  };
}

/** The part of a result file's name that says adapter and runtime. */
export const slug = ({ adapter, runtime }: Environment): string =>
  `${adapter} ${runtime.split(" ")[0]}`
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
