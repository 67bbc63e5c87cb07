// How the tests run: three projects, one after the other, because the GPU and the browser's GPU share the machine's cores.
import { defineConfig } from "vitest/config";

const MINUTE_MS = 60_000;

/** A project that has the machine to itself: one file at a time, each in a fresh process. Needs Dawn's main thread, so no threads. */
const alone = (name: string, groupOrder: number, testTimeout: number) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    env: { SINGAN_TUNE: "off" }, // the same kernels in every run
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
