// The page as a place to play with a model, in headless Chrome: what changes, of what size, seamless or not; pictures are the library's.

import type { Page } from "puppeteer";
import { expect, test } from "vitest";
import { type Rgb8, toRgb8 } from "../../src/image/planes.ts";
import type { SampleOptions } from "../../src/singan/generation/sampling.ts";
import { choose, downloaded, isShown, newSample, pixels, textOf, visit, waitFor } from "./demo-page.ts";
import { file, model, sampler } from "./tiny-model.ts";

const library = async (options: SampleOptions): Promise<Rgb8> => toRgb8(await sampler.sample(options));

async function set(page: Page, id: string, value: string, event: "input" | "change"): Promise<void> {
  await page.$eval(
    `#${id}`,
    (field, to, name) => {
      (field as HTMLInputElement).value = to;
      field.dispatchEvent(new Event(name, { bubbles: true }));
    },
    value,
    event,
  );
}

test("a model that the command line has made: start scales, sizes and tiles are the library's pictures, and files say which", () =>
  visit("view=play", async (page) => {
    await choose(page, "tiny.safetensors", file);
    await waitFor(page, isShown(0));
    expect(await pixels(page, "picture")).toEqual(await library({ seed: 0 }));
    expect((await newSample(page, "#new-sample", 1)).data).toEqual((await library({ seed: 1 })).data);

    expect(await textOf(page, "#change-hint")).toBe("Everything is made anew.");
    await set(page, "change", "0", "input");
    const details = await library({ seed: 1, startScale: 1 });
    await expect.poll(() => pixels(page, "picture"), { timeout: 20_000 }).toEqual(details);
    expect(await textOf(page, "#change-hint")).toMatch(/^What can be seen at \d+×\d+ px stays; finer things are made anew\.$/);
    await set(page, "change", "1", "input");

    await set(page, "sample-width", "40", "input");
    await set(page, "seamless", "x", "input");
    const wide = { seed: 1, size: { width: 40, height: sampler.model.sizes.at(-1)!.height }, wraps: { x: true, y: false } };
    const tile = await library(wide);
    await expect.poll(() => pixels(page, "picture"), { timeout: 20_000 }).toEqual(tile);
    expect(await textOf(page, "#results-hint")).toBe(`Picture 1, 40×${wide.size.height} px.`);
    await downloaded(page, "#save-sample", `tiny-seed-1-40x${wide.size.height}-tile-x.png`);

    await set(page, "sample-width", "5", "change"); // refused by the field itself, which says why
    expect(await page.$eval("#sample-width", (field) => (field as HTMLInputElement).validity.rangeUnderflow)).toBe(true);
    expect(await pixels(page, "picture")).toEqual(tile);
  }));
