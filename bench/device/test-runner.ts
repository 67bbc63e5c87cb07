// What test files import as "vitest" in the device bundle, in Deno and in Firefox, where Vitest is missing: collects their tests and runs them one by one.
// Only what those files use: describe, test, test.each with %s, %d and %o, afterAll, and Vitest's own expect.

import { JestAsymmetricMatchers, JestChaiExpect, JestExtend } from "@vitest/expect";
import * as chai from "chai";

for (const plugin of [JestExtend, JestChaiExpect, JestAsymmetricMatchers]) chai.use(plugin);
chai.config.truncateThreshold = 0; // whole values in messages: they are all that a distant machine sends back
export const expect = chai.expect;

type Body = (...values: never[]) => unknown;

const groups: string[] = [];
const tests: { readonly name: string; readonly run: () => unknown }[] = [];
const endings: (() => unknown)[] = [];

export function describe(name: string, body: () => void): void {
  groups.push(name);
  body();
  groups.pop();
}

export function test(name: string, body: () => unknown): void {
  tests.push({ name: [...groups, name].join(" > "), run: body });
}

/** A test per row. A row that is an array becomes the body's arguments; each %s, %d or %o is the next of them. */
test.each =
  (rows: readonly unknown[]) =>
  (name: string, body: Body): void => {
    for (const row of rows) {
      const values = Array.isArray(row) ? row : [row];
      let next = 0;
      test(
        name.replace(/%[sdo]/g, () => String(values[next++])),
        () => body(...(values as never[])),
      );
    }
  };

export const afterAll = (body: () => unknown): void => void endings.push(body);

/** No longer, for a line of a report. */
const MAX_MESSAGE = 1000;

/** Runs all tests in order. `report` gets the first line of the error, or null for a passed test. */
export async function runTests(
  start: (name: string) => void,
  report: (name: string, error: string | null) => void,
): Promise<void> {
  for (const { name, run } of tests) {
    start(name);
    try {
      await run();
      report(name, null);
    } catch (error) {
      report(name, (error as Error).message.split("\n")[0]!.slice(0, MAX_MESSAGE));
    }
  }
  for (const end of endings) await end();
}
