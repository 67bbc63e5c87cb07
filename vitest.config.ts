// The configuration of the tests: four projects, which run one after the other because software GPU drivers use all cores.
import { defineConfig } from "vitest/config";
import { STEADY_MEMORY } from "./harness/torture/steady-memory.ts";
import { findFirefox } from "./src/node/browser-paths.ts";

const MINUTE_MS = 60_000;

const FIREFOX_TEST = "test/browser/firefox.test.ts";
const hasFirefox = findFirefox() !== null;
// A test that is skipped counts as failed, so this file is left out.
if (!hasFirefox) console.warn(`No Firefox is installed here, so ${FIREFOX_TEST} is left out.`);

/** A project that runs `maxWorkers` test files at a time, each in a new process. Worker threads don't work, because Dawn needs a main thread. */
const onGpu = (name: string, groupOrder: number, maxWorkers: number, env: Record<string, string> = {}) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    exclude: hasFirefox ? [] : [FIREFOX_TEST],
    env: { SINGAN_TUNE: "off", ...env }, // so that every run uses the same kernels
    pool: "forks" as const,
    fileParallelism: maxWorkers > 1,
    maxWorkers,
    sequence: { groupOrder },
    testTimeout: 5 * MINUTE_MS,
    hookTimeout: 5 * MINUTE_MS,
  },
});

export default defineConfig({
  test: {
    reporters: ["default", "./test/tally-reporter.ts", ["json", { outputFile: "out/test-results.json" }]],
    projects: [
      {
        test: {
          name: "pure",
          include: ["test/pure/**/*.test.ts"],
          pool: "forks",
          sequence: { groupOrder: 0 },
          testTimeout: MINUTE_MS,
        },
      },
      onGpu("gpu", 1, 2), // two compile at a time: one compiler uses one core
      onGpu("browser", 2, 1), // its tests build the page
      onGpu("torture", 3, 1, STEADY_MEMORY), // its rows measure times
    ],
  },
});
