// The page in the rules of axe-core, in headless Chrome: no serious finding in any view and state, light and dark, on a wide screen and on a phone.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type axe from "axe-core";
import type { Page } from "puppeteer";
import { describe, expect, test } from "vitest";
import { launchBrowser } from "../../harness/browser.ts";
import { choose, isDone, isFilled, isShown, isState, play, start, striped, TINY, visit, waitFor } from "./demo-page.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SIZES = [
  { width: 1280, height: 800 },
  { width: 390, height: 844 },
] as const;

/** What is wrong, in a line each. */
async function findings(page: Page): Promise<string[]> {
  const { violations } = (await page.evaluate(`${AXE}; axe.run()`)) as axe.AxeResults;
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  return serious.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 120)} (${failureSummary})`),
  );
}

/** In light and dark, at both sizes. */
async function expectNone(page: Page): Promise<void> {
  for (const viewport of SIZES) {
    await page.setViewport(viewport);
    for (const value of ["light", "dark"]) {
      await page.emulateMediaFeatures([
        { name: "prefers-color-scheme", value },
        { name: "prefers-reduced-motion", value: "reduce" }, // colours that are changing have no contrast of their own
      ]);
      expect([viewport.width, value, await findings(page)]).toEqual([viewport.width, value, []]);
    }
  }
}

/** With each tool that the source has. */
async function expectNoneInTools(page: Page): Promise<void> {
  for (const tool of await page.$$eval("#tools input:enabled", (all) => all.map((one) => (one as HTMLInputElement).value))) {
    await page.click(`#tools label:has([value=${tool}])`);
    await expectNone(page);
  }
}

describe("no serious finding of axe-core", () => {
  test("in Play, without a source and with each tool of a photo, when a file is refused, and in How it works and the benchmark", () =>
    visit("view=play", async (page) => {
      await expectNone(page);
      await choose(page, "stripes.png", striped(40, 30));
      await waitFor(page, isShown(0));
      await expectNoneInTools(page);
      await choose(page, "empty.png", new Uint8Array());
      await waitFor(page, `!document.getElementById("problem").hidden`);
      await expectNone(page);
      for (const view of ["how", "benchmark"]) {
        await page.click(`#to-${view}`);
        await expectNone(page);
      }
    }));

  test("in Train, before and after a training, then in Play, How it works, and among the models", () =>
    visit(TINY, async (page) => {
      await expectNone(page);
      await start(page);
      await waitFor(page, isDone);
      await expectNone(page);
      await play(page);
      await expectNoneInTools(page);
      await page.click("#to-how");
      await expectNone(page);
      await page.click("#document");
      await waitFor(page, `document.querySelectorAll("#kept-models li").length > 0`);
      await expectNone(page);
    }));

  test("while the GPU is timed, while a training runs and is judged, paused and stopped, and when the GPU is lost for good", async () => {
    const other = await launchBrowser(); // with Chrome's own limit of crashes
    const session = await other.target().createCDPSession();
    const crash = (): void => void session.send("Browser.crashGpuProcess").catch(() => {});
    const work = async (page: Page): Promise<void> => {
      await start(page);
      await waitFor(page, `/^Timing this GPU/.test(document.getElementById("status").textContent)`);
      await expectNone(page);
      await page.click("#stop");
      await waitFor(page, isState("idle"));
      for (const [field, value] of [["iterations", "5000"], ["maxSize", "30"], ["channels", "4"]] as const)
        await page.$eval(`#${field}`, (input, to) => ((input as HTMLInputElement).value = to), value); // biome-ignore format: short
      await start(page);
      await waitFor(page, isFilled("preview"));
      await page.click("#judge");
      await expectNone(page);
      await page.click("#pause");
      await expectNone(page);
      await page.click("#stop");
      await waitFor(page, `${isState("idle")} && !document.getElementById("continue").disabled`);
      await expectNone(page);
      await page.click("#continue");
      await waitFor(page, isState("training"));
      // The state lasts for moments, so it is not looked for but noticed.
      await page.evaluate(() => {
        const body = document.body;
        const noticed = new MutationObserver(() => {
          if (body.dataset["state"] === "recovering") body.dataset["hasRecovered"] = "";
        });
        noticed.observe(body, { attributeFilter: ["data-state"] });
      });
      crash();
      await waitFor(page, `document.body.dataset.hasRecovered !== undefined && ${isState("training")}`);
      crash();
      await waitFor(page, isState("blocked"));
      await waitFor(page, `!document.getElementById("problem").hidden`);
      await expectNone(page);
    };
    const expected = /WebGPU|adapter|lost/i;
    await visit("view=train&photo=tulips", work, { in: other, expected }).finally(() => other.close());
  });

  test("without a GPU, in Play and Train", async () => {
    const other = await launchBrowser({ flags: ["--disable-gpu", "--disable-software-rasterizer"] });
    const work = async (page: Page): Promise<void> => {
      await waitFor(page, `!document.getElementById("problem").hidden`);
      await expectNone(page);
      await page.click("#to-train");
      await expectNone(page);
    };
    await visit("", work, { in: other, expected: /WebGPU|adapter/ }).finally(() => other.close());
  });
});
