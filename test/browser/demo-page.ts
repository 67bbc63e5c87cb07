// The demo page as built for `npm start`, in headless Chrome, for the tests of one file: serves it, opens it, and reads what it shows.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, ElementHandle, Page } from "puppeteer";
import { afterAll, beforeAll, expect } from "vitest";
import { launchBrowser } from "../../harness/browser.ts";
import { type FileServer, serve } from "../../harness/serve.ts";
import type { Rgb8 } from "../../src/image/planes.ts";
import { encodePng, readPng } from "../../src/image/png.ts";

/** Three scales of 25 to 30 px. */
export const TINY = "view=train&photo=tulips&maxSize=30&iterations=2&channels=4&seed=7";
/** The same with too many iterations to end before the test stops it. */
export const LONG = "view=train&photo=tulips&maxSize=30&iterations=5000&channels=4";
export const LIMIT_MS = 120_000;

export const folder = mkdtempSync(join(tmpdir(), "singan-demo-"));
export let server: FileServer;
export let browser: Browser;
beforeAll(async () => {
  const built = spawnSync(process.execPath, ["build.mjs", "--demo"], { encoding: "utf8" });
  if (built.status !== 0) throw new Error(built.stderr);
  server = await serve("dist/demo");
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
  rmSync(folder, { recursive: true });
});

interface Place {
  readonly in?: Browser;
  readonly at?: string;
  /** Warnings of the browser that the case expects. */
  readonly expected?: RegExp;
  /** Questions of the page that are answered with no. */
  readonly refused?: RegExp;
}

/** Opens the page, runs `work` on it, and checks that the browser reported no unexpected error. */
export async function visit(hash: string, work: (page: Page) => Promise<void>, place: Place = {}): Promise<void> {
  const { in: visited = browser, at = server.url, expected, refused } = place;
  const page = await visited.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => ["error", "warn"].includes(message.type()) && errors.push(message.text()));
  page.on("requestfailed", (request) => errors.push(request.url()));
  // "Leave the page while it trains?"
  page.on("dialog", (dialog) => void (refused?.test(dialog.message()) ? dialog.dismiss() : dialog.accept()));
  try {
    await page.goto(`${at}#${hash}`);
    await work(page);
    expect(errors.filter((error) => !expected?.test(error))).toEqual([]);
  } finally {
    await page.close();
  }
}

export const textOf = (page: Page, selector: string): Promise<string> => page.$eval(selector, (e) => e.textContent ?? "");
/** Waits until an expression is true. An error says what the page showed instead. */
export async function waitFor(page: Page, condition: string): Promise<void> {
  await page.waitForFunction(condition, { timeout: LIMIT_MS, polling: 50 }).catch(async (error: Error) => {
    const lines = `["problem", "error", "status", "document-name", "results-hint"].map((id) => document.getElementById(id)?.textContent)`;
    const shown = await page.evaluate(`[document.body.dataset.state, ...${lines}].join(" · ")`).catch(String);
    throw new Error(`${error.message} Wanted: ${condition}. Shown: ${shown}`, { cause: error });
  });
}
export const progress = (page: Page): Promise<number> => page.$eval("#progress", (e) => (e as HTMLProgressElement).value);
export const isFilled = (id: string): string => `document.getElementById("${id}").dataset.filled !== undefined`;
export const isState = (state: string): string => `document.body.dataset.state === "${state}"`;
export const isDone = `${isState("idle")} && document.getElementById("status").textContent.startsWith("Done")`;
/** Whether a sample is on the stage. */
export const isShown = (seed: number): string =>
  `document.getElementById("results-hint").textContent.startsWith("Picture ${seed},")`;

/** Starts by the keyboard: a press of the mouse could miss where the cards change their text at the same moment. */
export async function start(page: Page): Promise<void> {
  await waitFor(page, `!document.getElementById("start").disabled`);
  await page.focus("#start");
  await page.keyboard.press("Enter");
}

/** The colours on a canvas. */
export async function pixels(page: Page, id: string): Promise<Rgb8> {
  const url = await page.$eval(`#${id}`, (canvas) => (canvas as HTMLCanvasElement).toDataURL());
  return readPng(Buffer.from(url.slice(url.indexOf(",") + 1), "base64"));
}

/** Goes on to the view Play with the model in training, and returns its first sample. */
export async function play(page: Page): Promise<Rgb8> {
  await page.click("#play-model");
  await waitFor(page, isShown(0));
  return pixels(page, "picture");
}

/** Clicks where nothing covers the button: on narrow screens the stage stays at the top while the rest scrolls below it. */
export async function click(page: Page, button: string): Promise<void> {
  await page.$eval(button, (element) => element.scrollIntoView({ block: "center" }));
  await page.click(button);
}

/** Clicks `button` and returns the sample when the page shows it. */
export async function newSample(page: Page, button: string, seed: number): Promise<Rgb8> {
  await click(page, button);
  await waitFor(page, isShown(seed));
  return pixels(page, "picture");
}

/** Does `work` and returns the file that it downloads. */
export async function downloadedBy(page: Page, work: () => Promise<void>, name: string): Promise<Uint8Array> {
  const session = await page.createCDPSession();
  await session.send("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: folder });
  await work();
  await expect.poll(() => readdirSync(folder), { timeout: LIMIT_MS }).toContain(name);
  return readFileSync(join(folder, name));
}

/** Clicks `button` and returns the downloaded file. */
export const downloaded = (page: Page, button: string, name: string): Promise<Uint8Array> =>
  downloadedBy(page, () => click(page, button), name);

/** The downloaded file of the open model, which has this name. */
export async function savedModel(page: Page, name: string): Promise<Uint8Array> {
  await page.click("#document");
  const file = await downloaded(page, "#save-model", `${name}.safetensors`);
  await page.keyboard.press("Escape");
  return file;
}

export async function choose(page: Page, name: string, bytes: Uint8Array): Promise<void> {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  await ((await page.$("#file")) as ElementHandle<HTMLInputElement>).uploadFile(path);
}

/** A PNG with edges and a slope. */
export function striped(width: number, height: number): Uint8Array {
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => (Math.floor(i / 3) % 7 < 3 ? 40 : 255 - (i % 90)));
  return encodePng({ width, height, data });
}
