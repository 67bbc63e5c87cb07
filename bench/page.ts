// Runs in a page: the benchmark, without other libraries. Arguments and results are plain data.

import { openDevice } from "../src/runtime/open.ts";
import type { BenchOptions } from "./bench.ts";
import { environmentOf, type Surroundings } from "./environment.ts";
import { describe, type Environment, type Measurement } from "./records.ts";
import type { Peer } from "./subjects.ts";
import { runBench } from "./suite.ts";

export interface PageArguments {
  readonly options: BenchOptions;
  readonly surroundings: Surroundings;
}

export interface PageResults {
  readonly environment: Environment;
  readonly measurements: readonly Measurement[];
}

export async function benchInPage(
  { options, surroundings }: PageArguments,
  openPeers: () => Promise<Peer[]> = async () => [],
): Promise<PageResults> {
  const gpu = await openDevice(await navigator.gpu.requestAdapter({ powerPreference: "high-performance" }));
  const measurements: Measurement[] = [];
  try {
    console.log(`bench: ${gpu.adapterName}`);
    const peers = await openPeers();
    await runBench(
      gpu,
      options,
      (measurement) => {
        measurements.push(measurement);
        console.log(describe(measurement));
      },
      peers,
    );
    const browser = /(?:Firefox|Edg|Chrome)\/[\d.]+/.exec(navigator.userAgent)?.[0].replace("/", " ") ?? "unknown browser";
    return { environment: environmentOf(gpu, { ...surroundings, runtime: browser }), measurements };
  } finally {
    gpu.dispose();
  }
}
