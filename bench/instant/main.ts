// npm run bench:instant: times instant pictures by sums over shifts (on the processor, and in WGSL) and by products of matrices.
//   npm run bench:instant -- [--chrome] [--rounds 3] [--limit SECONDS] [--max-size 250] [--to FILE.ndjson]

import { appendFileSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { runInPage } from "../../harness/page.ts";
import { toPlanes } from "../../src/image/planes.ts";
import { readPng } from "../../src/image/png.ts";
import { GpuDenoiser } from "../../src/instant/gpu-denoiser.ts";
import type { OpenDenoiser } from "../../src/instant/instant.ts";
import { ProcessorDenoiser } from "../../src/instant/processor-denoiser.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { openShareThreads } from "../../src/node/share-threads.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { commit, nodeRuntime, say } from "../node.ts";
import { type InstantTiming, type Limits, timeInstant, type Way } from "./measure.ts";
import type { PageResults } from "./page.ts";

const PHOTO = "photos/meadow-trees.png";
const PAGE_LIMIT_MS = 3_600_000;

function describe({ size, patch, way, seconds, median_s, ratio, gflops, difference, skipped }: InstantTiming): string {
  const name = `${size}, P = ${patch}, ${way}:`;
  if (skipped) return `${name} left out: ${skipped}`;
  const range = `${Math.min(...seconds)}–${Math.max(...seconds)}`;
  return `${name} ${median_s} s (${range}, ${seconds.length} pictures), ${ratio} times the first, ${gflops} GFLOP/s, differs by ${difference}`;
}

async function main(): Promise<void> {
  const text = (standard: string) => ({ type: "string", default: standard }) as const;
  const { values } = parseArgs({
    options: {
      ...{ chrome: { type: "boolean", default: false }, rounds: text("3"), limit: text("150"), "max-size": text("250") },
      ...{ to: { type: "string" } },
    } as const,
  });
  const limits: Limits = {
    rounds: Number(values.rounds),
    limitSeconds: Number(values.limit),
    maxSize: Number(values["max-size"]),
  };
  const photo = toPlanes(readPng(readFileSync(PHOTO)));
  const cores = availableParallelism();
  const date = new Date().toISOString().slice(0, 10);
  const save = (timing: InstantTiming, adapter: string, runtime: string): void => {
    say(describe(timing));
    if (values.to)
      appendFileSync(values.to, `${JSON.stringify({ ...timing, adapter, runtime, cores, commit: commit(), date })}\n`);
  };
  if (values.chrome) {
    const { width, height, data } = photo;
    const argument = { photo: { width, height, data: [...data] }, limits };
    const results = await runInPage<PageResults>("bench/instant/page.ts", "timeInstantInPage", argument, {
      limitMs: PAGE_LIMIT_MS,
    });
    for (const timing of results.timings) save(timing, results.adapter, results.browser);
    return;
  }
  const gpu = await openDevice(await openAdapter());
  say(`bench: ${gpu.adapterName}, ${cores} cores`);
  const shifts = openShareThreads();
  const matrices = openShareThreads(cores, new URL("./worker.js", import.meta.url));
  const ways = new Map<Way, OpenDenoiser>([
    ["shifts, processor", (source) => ProcessorDenoiser.open(source, shifts.runners)],
    ["matrices, processor", (source) => ProcessorDenoiser.open(source, matrices.runners)],
    ["shifts, WebGPU", (source) => GpuDenoiser.open(gpu, source)],
  ]);
  try {
    await timeInstant(photo, ways, limits, (timing) => save(timing, gpu.adapterName, nodeRuntime()));
  } finally {
    for (const threads of [shifts, matrices]) threads.close();
    gpu.dispose();
  }
}

try {
  await main();
} catch (error) {
  say(`bench: ${(error as Error).message}`);
  process.exitCode = 1;
}
