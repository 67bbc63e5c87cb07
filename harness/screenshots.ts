// npm run screenshots: pictures of every view of the page at 1280 and 390 px, light and dark, into docs/screenshots; and a recording of a
// training for the README.

import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "puppeteer";
import { encodeGif } from "../src/image/gif.ts";
import type { Rgb8 } from "../src/image/planes.ts";
import { readPng } from "../src/image/png.ts";
import { launchBrowser } from "./browser.ts";
import { serve } from "./serve.ts";

const FOLDER = "docs/screenshots";
const SIZES = [
  { name: "wide", width: 1280, height: 800 },
  { name: "phone", width: 390, height: 844 },
] as const;
const SCHEMES = ["light", "dark"] as const;
const LIMIT_MS = 300_000;

/** Trains within a minute or so on two cores without a GPU, and yet to something that can be looked at. */
const TRAINING = "view=train&photo=tulips&maxSize=48&iterations=40&channels=16";
/** The recording: pictures of the view Train while it trains, two thirds as large as it is shown. */
const RECORDING = { width: 960, height: 600, deviceScaleFactor: 2 / 3, everyMs: 4000, framesPerSecond: 4 } as const;

const waitFor = async (page: Page, condition: string): Promise<void> =>
  void (await page.waitForFunction(condition, { timeout: LIMIT_MS, polling: 100 }));
const isState = (state: string): string => `document.body.dataset.state === "${state}"`;
const isStripFull = `document.querySelectorAll("#strip li").length > 0 && !document.querySelector("#strip button:disabled")`;

/** Pictures of what the page shows, at each size, in light and dark. */
async function shoot(page: Page, name: string): Promise<void> {
  for (const { name: size, ...viewport } of SIZES) {
    await page.setViewport(viewport);
    await page.evaluate("scrollTo(0, 0)"); // what was pressed at another size may have scrolled it
    for (const value of SCHEMES) {
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value }]);
      await page.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))");
      await page.screenshot({ path: join(FOLDER, `${name}-${size}-${value}.webp`), type: "webp", quality: 80 });
      console.error(`${name}-${size}-${value}.webp`);
    }
  }
}

async function record(page: Page): Promise<void> {
  const { everyMs, framesPerSecond, ...viewport } = RECORDING;
  await page.setViewport(viewport);
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
  const frames: Rgb8[] = [];
  while (await page.evaluate(isState("training"))) {
    frames.push(readPng(await page.screenshot({ type: "png" })));
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  writeFileSync(join(FOLDER, "training.gif"), encodeGif(frames, framesPerSecond));
}

const built = spawnSync(process.execPath, ["build.mjs", "--demo"], { encoding: "utf8" });
if (built.status !== 0) throw new Error(built.stderr);
rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(FOLDER, { recursive: true });
const server = await serve("dist/demo");
const browser = await launchBrowser();
try {
  const page = await browser.newPage();
  await page.goto(`${server.url}#view=play`);
  await waitFor(page, isStripFull);
  for (const tool of await page.$$eval("#tools input:enabled", (all) => all.map((one) => (one as HTMLInputElement).value))) {
    await page.click(`#tools label:has([value=${tool}])`);
    await waitFor(page, isStripFull).catch(() => {}); // some tools make pictures only of what the visitor draws
    await shoot(page, `play-${tool}`);
  }
  await page.click("#to-how");
  await shoot(page, "how");
  await page.goto("about:blank");
  await page.goto(`${server.url}#${TRAINING}`);
  await waitFor(page, `!document.getElementById("start").disabled`);
  await shoot(page, "train-before");
  await page.click("#start");
  await waitFor(page, isState("training"));
  await record(page);
  await waitFor(page, isState("idle"));
  await shoot(page, "train-done");
} finally {
  await browser.close();
  await server.close();
}
