// Every row of `npm run torture`, a few times each.

import { beforeAll, expect, test } from "vitest";
import type { Row } from "../../harness/torture/row.ts";
import { ROWS, soak } from "../../harness/torture/rows.ts";
import { buildCli } from "../command-line.ts";

/** How often each row is done here: the share of its full count, at least twice. */
const SHARE = 0.05;
const SOAK_MINUTES = 0.1;
const countOf = (row: Row): number => (row === soak ? SOAK_MINUTES : Math.max(2, Math.round(SHARE * row.count)));

beforeAll(buildCli);

test.each(ROWS.map((row) => [row.name, row] as const))("%s", async (_, row) => {
  expect(await row.run(countOf(row))).toEqual([]);
});
