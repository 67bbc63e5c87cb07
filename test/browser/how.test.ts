// The view "How it works" in headless Chrome: what it shows of a model is the library's, a photo without a model has its own panels, and
// links of tools arrive at their panel.

import type { Page } from "puppeteer";
import { expect, test } from "vitest";
import { overlaid, rangeOf, rgbOf } from "../../src/demo/features/explain/overlay.ts";
import { toRgb8 } from "../../src/image/planes.ts";
import { pathTo, samplePath } from "../../src/singan/generation/path.ts";
import { photoAt } from "../../src/singan/model/model.ts";
import { choose, isFilled, pixels, striped, textOf, visit, waitFor } from "./demo-page.ts";
import { file, model, sampler } from "./tiny-model.ts";

/** Of the theme in light: --d-fake and --d-real. */
const COLOURS = { low: rgbOf("#d55e00"), high: rgbOf("#0072b2") };

async function slide(page: Page, id: string, value: number): Promise<void> {
  await page.$eval(
    `#${id}`,
    (slider, to) => {
      (slider as HTMLInputElement).value = String(to);
      slider.dispatchEvent(new Event("input"));
    },
    value,
  );
}

async function openModel(page: Page): Promise<void> {
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
  await choose(page, "tiny.safetensors", file);
  await waitFor(page, isFilled("stage"));
}

const hasText = (id: string, start: string): string => `document.getElementById("${id}").textContent.startsWith("${start}")`;
const isFocused = (id: string): string => `document.activeElement?.id === "${id}"`;
const isVisible = (page: Page, selector: string): Promise<boolean> =>
  page.$eval(selector, (element) => (element as HTMLElement).checkVisibility());

test("a picture grows to the library's sample of its seed, from the step that the slider chooses", () =>
  visit("photo=clouds", async (page) => {
    await openModel(page);
    expect(await page.$eval("#how-step", (canvas) => (canvas as HTMLElement).dataset["filled"])).toBeUndefined(); // not seen yet
    await page.click("#panel a.help");
    await waitFor(page, isFocused("how-change"));
    await waitFor(page, hasText("how-steps-hint", "Picture 0 after 2 of 2 scales"));
    const { height } = (await page.viewport())!;
    expect(await page.$eval("#how-change", (panel) => panel.getBoundingClientRect().top)).toBeLessThan(height / 2);
    expect(await pixels(page, "how-step")).toEqual(toRgb8(await sampler.sample({ seed: 0 })));
    await slide(page, "how-steps", 1);
    expect(await textOf(page, "#how-steps-hint")).toMatch(/^Picture 0 after 1 of 2 scales, \d+×\d+ px\. It began as noise\.$/);
    expect(await pixels(page, "how-step")).toEqual(toRgb8(await sampler.render(pathTo(samplePath(model), 1), { seed: 0 })));
    await slide(page, "how-steps", 2);
    await page.click("#how-another");
    await waitFor(page, hasText("how-steps-hint", "Picture 1 after 2 of 2 scales"));
    expect(await pixels(page, "how-step")).toEqual(toRgb8(await sampler.sample({ seed: 1 })));
  }));

test("the discriminator's scores are the library's, at the scale that the slider chooses", () =>
  visit("photo=clouds", async (page) => {
    await openModel(page);
    await page.evaluate(() => {
      location.hash = "#view=how&panel=judge";
    });
    for (const scale of [1, 0]) {
      await slide(page, "how-judge-scale", scale + 1);
      await waitFor(page, hasText("how-judge-hint", `Scale ${scale + 1} of 2`));
      const photo = photoAt(model, scale);
      const sample = await sampler.render(pathTo(samplePath(model), scale + 1), { seed: 0 });
      const [ofPhoto, ofSample] = await sampler.scores(scale, [photo, sample]);
      const range = rangeOf([ofPhoto!, ofSample!]);
      const judged = { picture: toRgb8(sample), scores: ofSample! };
      expect(await pixels(page, "how-judge-sample")).toEqual(judged.picture);
      expect(await pixels(page, "how-photo-scores")).toEqual(
        overlaid({ picture: toRgb8(photo), scores: ofPhoto! }, range, COLOURS),
      );
      expect(await pixels(page, "how-sample-scores")).toEqual(overlaid(judged, range, COLOURS));
    }
  }));

test("a photo without a model has the panels of its scales and patches, and says what the others need", () =>
  visit("photo=clouds&view=how", async (page) => {
    await waitFor(page, hasText("how-of", "All pictures here are of clouds"));
    await choose(page, "stripes.png", striped(64, 48));
    await waitFor(page, hasText("how-of", "All pictures here are of stripes"));
    await waitFor(page, hasText("how-stairs-hint", "There are"));
    const count = await page.$$eval("#how-stairs canvas", (all) => all.length);
    expect(await page.$$eval("#how-stairs canvas", (all) => all.map((one) => (one as HTMLCanvasElement).width).at(-1))).toBe(64);
    await page.$eval("#how-patch", (panel) => panel.scrollIntoView());
    await waitFor(page, hasText("how-patch-hint", `Scale 1 of ${count}`));
    await slide(page, "how-patch-scale", count);
    expect(await textOf(page, "#how-patch-hint")).toBe(
      `Scale ${count} of ${count}, 64×48 px: a patch of 7×7 px shows as much as this square, 2 % of the picture.`,
    );
    expect((await pixels(page, "how-patch-seen")).width).toBe(7);
    expect(await page.$eval("#how-square", (square) => (square as HTMLElement).style.width)).toBe("10.9375%");
    await page.$eval("#how-change", (panel) => panel.scrollIntoView());
    expect(await isVisible(page, "#how-change [data-for=photo]")).toBe(true);
    expect(await isVisible(page, "#how-steps")).toBe(false);
    expect(await isVisible(page, "#how-judge-scale")).toBe(false);
  }));

test("a narrow page needs no sideways scrolling", () =>
  visit("view=how&photo=clouds", async (page) => {
    await page.setViewport({ width: 320, height: 640 });
    await waitFor(page, hasText("how-stairs-hint", "There are"));
    expect(await isVisible(page, "#train")).toBe(false);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
  }));
