// The page in headless Firefox, where another implementation of WebGPU compiles the kernels: its main path as a person takes it, and how near
// its numbers are to Node's on the same driver. vitest.config.ts leaves this file out where no Firefox is installed.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "puppeteer";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchFirefox } from "../../harness/browser.ts";
import { runInPage } from "../../harness/page.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { toPlanes, toRgb8 } from "../../src/image/planes.ts";
import { readPng } from "../../src/image/png.ts";
import { firstInstant } from "../../src/instant/first.ts";
import { instantPicture } from "../../src/instant/instant.ts";
import { ProcessorDenoiser } from "../../src/instant/processor-denoiser.ts";
import { LocalShares } from "../../src/instant/shares.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { openSampler, readModel } from "../../src/singan/recipes.ts";
import { adapterWithoutSubgroups } from "../other-adapter.ts";
import { type Fingerprint, fingerprint, TINY as SHORT, tinyPhoto, trainAll } from "../tiny-training.ts";
import {
  choose,
  folder,
  isDone,
  isShown,
  LIMIT_MS,
  newSample,
  pixels,
  play,
  start,
  striped,
  TINY,
  visit,
  waitFor,
} from "./demo-page.ts";

let firefox: Browser;
let gpu: Gpu;
beforeAll(async () => {
  firefox = await launchFirefox(folder);
  gpu = await openDevice(await openAdapter());
});
afterAll(async () => {
  await firefox?.close();
  gpu?.dispose();
});

const areThere = (count: number): string => `document.querySelectorAll("#strip button:enabled").length === ${count}`;
const isNamed = (name: string): string => `document.getElementById("document-name").textContent === "${name}"`;

async function downloaded(page: Page, button: string, name: string): Promise<Uint8Array> {
  await waitFor(page, `!document.querySelector("${button}").disabled`);
  await page.$eval(button, (element) => (element as HTMLElement).click());
  const path = join(folder, name);
  await expect.poll(() => existsSync(path) && readFileSync(path).length > 0, { timeout: LIMIT_MS }).toBe(true);
  return readFileSync(path);
}

const choosesTool = (page: Page, tool: string): Promise<void> =>
  page.$eval(`#tools [value=${tool}]`, (radio) => (radio as HTMLInputElement).click());

test("the main path: stored pictures, live ones, those of an own photo; training, saving, reopening, painting, a GIF", () =>
  visit("", async (page) => {
    await page.setViewport({ width: 1280, height: 800 });
    expect(await page.$$eval("#strip img", (all) => all.length)).toBe(8);
    await waitFor(page, `${isNamed("clouds")} && ${isShown(0)}`);
    const sampler = await openSampler(gpu, readModel(readFileSync("models/clouds.safetensors")));
    for (const seed of [0, 1]) {
      const shown = seed === 0 ? await pixels(page, "picture") : await newSample(page, "#new-sample", seed);
      expect(shown).toEqual(toRgb8(await sampler.sample({ seed })));
    }
    await sampler.dispose();
    await waitFor(page, areThere(8));

    await choose(page, "stripes.png", striped(40, 30));
    await waitFor(page, `${isNamed("stripes")} && ${isShown(0)} && ${areThere(8)}`);
    const { photo, options } = firstInstant(toPlanes(readPng(striped(40, 30))), 96);
    const request = { ...options, size: { width: 40, height: 30 }, seed: 0, start: { kind: "noise" } as const };
    const instant = await instantPicture([photo], request, (source) => ProcessorDenoiser.open(source, [new LocalShares()]));
    expect(await pixels(page, "picture")).toEqual(toRgb8(instant));

    await page.evaluate((hash) => { location.hash = hash; }, TINY); // biome-ignore format: one line
    await start(page);
    await waitFor(page, isDone);
    const sample = await play(page);
    await page.click("#document");
    expect(readModel(await downloaded(page, "#save-model", "tulips.safetensors")).options).toMatchObject({ seed: 7, maxSize: 30 });
    await page.reload();
    await waitFor(page, `!document.getElementById("start").disabled`);
    await page.click("#document");
    await waitFor(page, `document.querySelectorAll("#kept-models li").length === 1`);
    await page.click("#kept-models .source");
    await waitFor(page, `${isNamed("tulips")} && ${isShown(0)} && ${areThere(8)}`);
    expect(await pixels(page, "picture")).toEqual(sample);

    await choosesTool(page, "paint");
    await waitFor(page, `document.getElementById("paint-invitation")?.checkVisibility()`);
    const empty = await pixels(page, "picture");
    const { x, y, width, height } = (await (await page.$("#picture"))!.boundingBox())!;
    await page.mouse.move(x + 0.2 * width, y + 0.5 * height);
    await page.mouse.down();
    await page.mouse.move(x + 0.8 * width, y + 0.5 * height, { steps: 5 });
    await page.mouse.up();
    await waitFor(page, `${areThere(3)} && !document.querySelector("#strip [aria-busy=true]")`);
    const painting = await pixels(page, "picture");
    expect(painting).not.toEqual(empty);
    await page.click("#strip li:nth-child(2) button");
    expect(await pixels(page, "beside-picture")).not.toEqual(painting); // at this width both are in sight

    await choosesTool(page, "animate");
    await page.$eval("#animate-frames", (field) => {
      (field as HTMLInputElement).value = "8";
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
    await waitFor(page, `document.querySelector("#animate-progress p").textContent.startsWith("8 frames")`);
    const gif = await downloaded(page, "#animate-files [value=gif]", "tulips-animation-seed-0.gif");
    expect(await sharp(gif, { animated: true }).metadata()).toMatchObject({ pages: 8, pageHeight: 30, width: 30 });
    const webm = await downloaded(page, "#animate-files [value=webm]", "tulips-animation-seed-0.webm");
    expect([...webm.subarray(0, 4)]).toEqual([0x1a, 0x45, 0xdf, 0xa3]);
  }, { in: firefox })); // biome-ignore format: one call

test("a training has the losses and weights of one in Node without subgroups", async () => {
  const inPage = await runInPage<Fingerprint>("test/browser/tiny.page.ts", "trainInPage", null, { browser: firefox });
  const bare = await openDevice(await adapterWithoutSubgroups());
  try {
    expect(inPage).toEqual(await fingerprint(bare, await trainAll(bare, tinyPhoto(), SHORT)));
  } finally {
    bare.dispose();
  }
});

test("what the GPU has computed is there at once, not at Firefox's next look after 100 ms", async () => {
  expect(await runInPage<number>("test/browser/reading.page.ts", "readingMs", null, { browser: firefox })).toBeLessThan(50);
});
