// Super-resolution and animation in headless Chrome and in Node: the same pictures to the last bit, on the same driver.

import { expect, test } from "vitest";
import { runInPage } from "../../harness/page.ts";
import { Gpu } from "../../src/gpu/device.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { type ApplicationPrints, applicationPrints } from "../applications.ts";

test("an enlargement and a loop in a page are Node's", async () => {
  const inPage = await runInPage<ApplicationPrints>("test/browser/applications.page.ts", "applyInPage");
  const gpu = await Gpu.open(await openAdapter());
  try {
    const inNode = await applicationPrints(gpu);
    expect(new Set(inNode.frames).size).toBe(3);
    expect(inPage).toEqual(inNode);
  } finally {
    gpu.dispose();
  }
});
