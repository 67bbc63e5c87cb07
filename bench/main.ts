// npm run bench: times kernels, training steps and, on request, other libraries; in Node or in headless Chrome.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { runInPage } from "../harness/page.ts";
import { openAdapter } from "../src/node/adapter.ts";
import { type Surroundings, slug } from "./environment.ts";
import { benchInNode, checkFolder, commit, nodeRuntime, type Results, say, writeResults } from "./node.ts";
import { parseWords, USAGE, UsageError, type Wanted } from "./options.ts";
import type { PageResults } from "./page.ts";
import type { Peer } from "./subjects.ts";

const PEERS = "bench/peers";
const PAGE_LIMIT_MS = 3_600_000;

/** Installs the libraries to compare with, in the versions of bench/peers/package-lock.json. Throws where npm fails. */
function installPeers(): void {
  if (existsSync(`${PEERS}/node_modules`)) return;
  say(`bench: installing into ${PEERS}`);
  const isWindows = process.platform === "win32";
  const { status } = spawnSync("npm", ["ci", "--prefix", PEERS, "--no-audit", "--no-fund", "--ignore-scripts"], {
    stdio: ["ignore", 2, 2],
    shell: isWindows,
  });
  if (status !== 0) throw new Error(`npm ci in ${PEERS} failed`);
}

/** Opens the other libraries. They use navigator.gpu, which Node lacks: it is defined here and returns the adapter that ours uses. */
async function openPeersInNode(): Promise<Peer[]> {
  const known = globalThis.navigator as Navigator | undefined;
  const navigator = { userAgent: known?.userAgent ?? "Node", hardwareConcurrency: availableParallelism() };
  const gpu = { requestAdapter: openAdapter, getPreferredCanvasFormat: () => "bgra8unorm" };
  Object.defineProperty(globalThis, "navigator", { value: { ...navigator, gpu }, configurable: true });
  const { openPeers } = (await import(pathToFileURL(resolve(PEERS, "index.mjs")).href)) as { openPeers(): Promise<Peer[]> };
  return openPeers();
}

function inChrome({ bench }: Wanted, surroundings: Surroundings): Promise<Results> {
  const entry = bench.parts.includes("peers") ? "bench/page-with-peers.ts" : "bench/page.ts";
  return runInPage<PageResults>(entry, "benchInPage", { options: bench, surroundings }, { limitMs: PAGE_LIMIT_MS });
}

/** Whether everything was measured at full effort: only such results belong into bench/results. */
const isWhole = ({ bench: { parts, quick, variants, tune, maxPixels } }: Wanted): boolean =>
  !quick && !variants && tune && maxPixels === Number.MAX_SAFE_INTEGER && parts.includes("convs") && parts.includes("steps");

async function main(words: readonly string[]): Promise<void> {
  const wanted = parseWords(words);
  if (wanted.help) {
    console.log(USAGE);
    return;
  }
  if (wanted.out) checkFolder(dirname(wanted.out));
  if (wanted.bench.parts.includes("peers")) installPeers();
  const surroundings = { runtime: nodeRuntime(), cores: availableParallelism(), commit: commit() };
  const results = await (wanted.chrome
    ? inChrome(wanted, surroundings)
    : benchInNode(wanted.bench, surroundings, openPeersInNode));
  const out = wanted.out ?? `${isWhole(wanted) ? "bench/results" : "out/bench"}/bench-${slug(results.environment)}.ndjson`;
  checkFolder(dirname(out));
  writeResults(out, results);
  const wrong = results.measurements.filter(({ skipped, difference }) => skipped && difference !== undefined);
  if (wrong.length > 0) throw new Error(`${wrong.length} of the other libraries' results differ from ours, as said above`);
}

try {
  await main(process.argv.slice(2));
  process.exit(0); // the peers keep devices of their own
} catch (error) {
  say(`bench: ${(error as Error).message}`);
  process.exit(error instanceof UsageError ? 2 : 1);
}
