// The configuration of the tests: three projects, which run one after the other because software GPU drivers use all cores.
import { defineConfig } from "vitest/config";

const MINUTE_MS = 60_000;

/** A project that runs one test file at a time, each in a new process. Worker threads don't work, because Dawn needs a main thread. */
const alone = (name: string, groupOrder: number, testTimeout: number) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    env: { SINGAN_TUNE: "off" }, // so that every run uses the same kernels
    pool: "forks" as const,
    fileParallelism: false,
    maxWorkers: 1,
    sequence: { groupOrder },
    testTimeout,
    hookTimeout: testTimeout,
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
      alone("gpu", 1, 5 * MINUTE_MS),
      alone("browser", 2, 5 * MINUTE_MS),
    ],
  },
});
