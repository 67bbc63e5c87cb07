// The rows of `npm run torture` that need Chrome, each in a short form.

import { expect, test } from "vitest";
import { inChrome } from "../../harness/torture/chrome.ts";

test.each(inChrome.map(({ name, count, run }) => ({ name, run, times: Math.min(count, 3) })))("$name", async ({ run, times }) => {
  expect(await run(times)).toEqual([]);
});
