// The rows of `npm run torture` in Node, a few times each. Those of inputs and of Chrome have tests of their own.

import { beforeAll, expect, test } from "vitest";
import type { Row } from "../../harness/torture/row.ts";
import { NODE_ROWS, soak } from "../../harness/torture/rows.ts";
import { buildCli } from "../command-line.ts";

/** How often each row is done here: the share of its full count, at least twice. */
const SHARE = 0.05;
const SOAK_MINUTES = 0.1;
const countOf = (row: Row): number => (row === soak ? SOAK_MINUTES : Math.max(2, Math.round(SHARE * row.count)));

beforeAll(buildCli);

test.each(NODE_ROWS.map((row) => [row.name, row] as const))("%s", async (_, row) => {
  expect(await row.run(countOf(row))).toEqual([]);
});
