// The page in the rules of axe-core, in headless Chrome: no serious finding in any view, light and dark, on a wide screen and on a phone.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type axe from "axe-core";
import type { Page } from "puppeteer";
import { describe, expect, test } from "vitest";
import { choose, isDone, isShown, play, start, striped, TINY, visit, waitFor } from "./demo-page.ts";

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

describe("no serious finding of axe-core", () => {
  test("in Play, with each tool, without and with a model", () =>
    visit("view=play", async (page) => {
      await expectNone(page);
      await choose(page, "stripes.png", striped(40, 30));
      await waitFor(page, isShown(0));
      for (const tool of await page.$$eval("#tools input:enabled", (all) => all.map((one) => (one as HTMLInputElement).value))) {
        await page.click(`#tools label:has([value=${tool}])`);
        await expectNone(page);
      }
    }));

  test("in Train, before, while and after a training, and then in Play and How it works", () =>
    visit(TINY, async (page) => {
      await expectNone(page);
      await start(page);
      await waitFor(page, isDone);
      await expectNone(page);
      await play(page);
      for (const tool of await page.$$eval("#tools input:enabled", (all) => all.map((one) => (one as HTMLInputElement).value))) {
        await page.click(`#tools label:has([value=${tool}])`);
        await expectNone(page);
      }
      await page.click("#to-how");
      await expectNone(page);
    }));
});
