// The rows of `npm run torture` that need Chrome, each in a short form.

import { expect, test } from "vitest";
import { crashes, crashesByDefault, hiddenTab, killed, noRoom, twoTabs } from "../../harness/torture/chrome.ts";

const SHORTENED = [
  { row: crashes, times: 2 },
  { row: crashesByDefault, times: 1 },
  { row: killed, times: 1 },
  { row: hiddenTab, times: 3 },
  { row: noRoom, times: 1 },
  { row: twoTabs, times: 1 },
];

test.each(SHORTENED.map((one) => ({ ...one, name: one.row.name })))("$name", async ({ row, times }) => {
  expect(await row.run(times)).toEqual([]);
});
