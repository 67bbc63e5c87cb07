// Super-resolution, animation, painting, editing and harmonization have the same bits in headless Chrome and in Node on the same driver.

import { expect, test } from "vitest";
import { runInPage } from "../../harness/page.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { type ApplicationPrints, applicationPrints } from "../applications.ts";
import { type Injected, injectTiny } from "../injection.ts";

test("an enlargement, a loop, other sizes, tiles and ConSinGAN in a page are Node's", async () => {
  const inPage = await runInPage<ApplicationPrints>("test/browser/applications.page.ts", "applyInPage");
  const gpu = await openDevice(await openAdapter());
  try {
    const inNode = await applicationPrints(gpu);
    expect(new Set(inNode.frames).size).toBe(3);
    expect(inNode.wide[1]).toBe(inNode.wide[0]);
    expect(inPage).toEqual(inNode);
  } finally {
    gpu.dispose();
  }
});

test("what is painted, edited, composed and retrained in a page is Node's", async () => {
  const inPage = await runInPage<Injected>("test/browser/applications.page.ts", "injectInPage");
  const gpu = await openDevice(await openAdapter());
  try {
    const inNode = await injectTiny(gpu);
    expect(new Set(inNode.hashes).size).toBe(5);
    expect(inPage).toEqual(inNode);
  } finally {
    gpu.dispose();
  }
});
