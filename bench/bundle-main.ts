// The bundle's program: the benchmark without other libraries, then the training of one scale on the carried photo.
// Results go to the current folder. Built and packed by bundle.mjs.

import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import type { Gpu } from "../src/gpu/device.ts";
import { decodeImage } from "../src/image/decode.ts";
import { toPlanes } from "../src/image/planes.ts";
import type { LossRecord } from "../src/singan/model/model.ts";
import { train } from "../src/singan/recipes.ts";
import { slug } from "./environment.ts";
import { benchInNode, checkFolder, nodeRuntime, say, writeResults } from "./node.ts";
import { parseWords, UsageError, usage } from "./options.ts";
import type { Measurement } from "./records.ts";

const beside = (name: string): Uint8Array => readFileSync(new URL(name, import.meta.url));
const ITERATIONS = { software: 5, hardware: 500 };
/** Of clouds.png, 256x124: 25 px high, which makes it the pyramid's only scale. */
const TRAINED_WIDTH = 51;

/** Throws where a loss is no number. */
async function trainOneScale(gpu: Gpu): Promise<Measurement> {
  const photo = toPlanes(decodeImage(beside("photo.png")));
  const iterations = ITERATIONS[gpu.isSoftware ? "software" : "hardware"];
  const start = performance.now();
  let losses: LossRecord | undefined;
  let shape = "";
  for await (const event of train(gpu, photo, { maxSize: TRAINED_WIDTH, iterations })) {
    if (event.kind === "scale")
      shape = `${event.channels} ch, ${event.size.width}x${event.size.height}, ${iterations} iterations and compiling`;
    if (event.kind === "progress") losses = event.losses;
  }
  const ms = performance.now() - start;
  if (!losses || !Object.values(losses).every(Number.isFinite)) throw new Error(`the training gave ${JSON.stringify(losses)}`);
  say(`last losses: ${JSON.stringify(losses)}`);
  return { what: "training", scale: 0, shape, timing: { medianMs: ms, p25Ms: ms, p75Ms: ms, rounds: 1, runs: 1 } };
}

async function main(words: readonly string[]): Promise<void> {
  const { bench, chrome, out, help } = parseWords(words);
  if (help) {
    console.log(usage(true));
    return;
  }
  if (chrome || bench.parts.includes("peers"))
    throw new UsageError("--chrome and --peers need the whole project, not this bundle");
  checkFolder(dirname(out ?? "./results"));
  const commit = new TextDecoder().decode(beside("commit.txt")).trim();
  const surroundings = { runtime: nodeRuntime(), cores: availableParallelism(), commit };
  const results = await benchInNode(bench, surroundings, { more: trainOneScale });
  writeResults(out ?? `bench-${slug(results.environment)}.ndjson`, results);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  say(`bench: ${(error as Error).message}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
