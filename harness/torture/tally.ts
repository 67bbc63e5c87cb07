// Runs rows, prints a line each, and counts what passed.

import type { Row } from "./row.ts";

export interface Tally {
  readonly passed: number;
  readonly failed: number;
}

/** Runs rows one after the other, each `countOf` times. A row that throws fails as a whole. */
export async function runRows(rows: readonly Row[], countOf: (row: Row) => number, say: (line: string) => void): Promise<Tally> {
  const sum = { passed: 0, failed: 0 };
  for (const row of rows) {
    const start = performance.now();
    const count = countOf(row);
    const lines = await row.run(count).catch((error: Error) => Array<string>(Math.ceil(count)).fill(error.message));
    const passed = Math.max(0, Math.ceil(count) - lines.length);
    sum.passed += passed;
    sum.failed += lines.length;
    say(`${passed} of ${Math.ceil(count)}  ${row.name}  (${Math.round((performance.now() - start) / 1000)} s)`);
    for (const line of new Set(lines)) say(`    ${line}`);
  }
  say(`${sum.passed} passed, ${sum.failed} failed`);
  return sum;
}
