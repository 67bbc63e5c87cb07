// The store of tuning tables in a real browser.

import { expect, test } from "vitest";
import { runInPage } from "../../harness/page.ts";

const PAGE = "test/browser/tuning.page.ts";

test("a table is kept per adapter until all are forgotten", async () => {
  const kept = { "conv2d 3→4, 2^8 pixels": { variant: "direct 4x1x4", ms: 0.5 } };
  expect(await runInPage(PAGE, "rememberAndForget")).toEqual({ empty: {}, kept, elsewhere: {}, cleared: {} });
});

test("where a page may not store anything, it goes on without", async () => {
  expect(await runInPage(PAGE, "withoutDatabase")).toEqual({});
});
