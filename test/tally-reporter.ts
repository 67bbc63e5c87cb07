// A Vitest reporter that ends the output with "N passed, N failed". A skipped test counts as failed, and so does a file that does not load.
// .ci/run counts by the same rules from Vitest's JSON results.
import type { SerializedError } from "vitest";
import type { Reporter, TestModule, Vitest } from "vitest/node";

export interface Tally {
  passed: number;
  failed: number;
  /** How many of the failed tests were skipped. */
  skipped: number;
}

export default class TallyReporter implements Reporter {
  /** Whether `-t PATTERN` selects tests. Then tests that are left out do not count. */
  #isSelection = false;
  #tally: Tally = { passed: 0, failed: 1, skipped: 0 };

  /** Prints the tally at the exit of the process, after all other output. */
  onInit({ config }: Vitest): void {
    this.#isSelection = config.testNamePattern !== undefined;
    process.once("exit", () => {
      const { passed, failed, skipped } = this.#tally;
      if (failed > 0) process.exitCode ||= 1;
      if (skipped > 0) process.stdout.write(`${skipped} skipped, which counts as failed\n`);
      process.stdout.write(`${passed} passed, ${failed} failed\n`);
    });
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    this.#tally = tally(modules, unhandled.length, this.#isSelection);
  }
}

export function tally(modules: readonly TestModule[], unhandledErrors: number, isSelection: boolean): Tally {
  const sum: Tally = { passed: 0, failed: 0, skipped: 0 };
  for (const module of modules) {
    const states = [...module.children.allTests()]
      .map((test) => test.result().state)
      .filter((s) => !isSelection || s !== "skipped");
    const passed = states.filter((s) => s === "passed").length;
    sum.passed += passed;
    sum.failed += states.length - passed;
    sum.skipped += states.filter((s) => s !== "passed" && s !== "failed").length;
    // If a file or a hook throws, no single test fails.
    if (!module.ok() && !states.includes("failed")) sum.failed++;
  }
  // No test failed, but none ran, or an error occurred outside the tests.
  if (sum.failed === 0 && (sum.passed === 0 || unhandledErrors > 0)) sum.failed = 1;
  return sum;
}
