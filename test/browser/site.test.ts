// The static site as strangers get it: under a path of a host that sends no headers of its own, without a network after the first visit, and small.

import { spawnSync } from "node:child_process";
import { appendFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Browser, Page } from "puppeteer";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser } from "../../harness/browser.ts";
import { type FileServer, serve } from "../../harness/serve.ts";
import { forbiddenTo } from "./forbidden.ts";

const MOST_BYTES = 250_000;
const PATH = "some/where";

let browser: Browser;
let folder: string;
let [server, other]: FileServer[] = [];
const site = (...names: string[]): string => join(folder, PATH, ...names);
beforeAll(async () => {
  const built = spawnSync(process.execPath, ["build.mjs", "--site"], {
    encoding: "utf8",
    env: { ...process.env, SITE_URL: "https://example.org/some/where" },
  });
  if (built.status !== 0) throw new Error(built.stderr);
  folder = mkdtempSync(join(tmpdir(), "singan-site-"));
  cpSync("dist/site", site(), { recursive: true });
  server = await serve(folder, 0, {});
  other = await serve(folder, 0, { "access-control-allow-origin": "*" });
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
  await other?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function visit(): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(`${server!.url}${PATH}/`);
  return page;
}
const isReady = async (page: Page): Promise<unknown> => page.waitForSelector("#start:not(:disabled)");
const isKept = (page: Page): Promise<unknown> => page.evaluate("navigator.serviceWorker.ready.then(() => true)");

test("its code is small, and its policy reaches the workers without a header", async () => {
  const page = await browser.newPage();
  const requested = new Set<string>();
  page.on("request", (request) => requested.add(request.url()));
  await page.goto(`${server!.url}${PATH}/`);
  await isReady(page);
  const forbidden = forbiddenTo(other!.url);
  expect(page.workers().length).toBeGreaterThan(1); // the GPU's, and those of instant pictures
  for (const worker of page.workers()) expect(await worker.evaluate(forbidden)).toEqual(["refused", "EvalError"]);
  expect(await page.evaluate(forbidden)).toEqual(["refused", "EvalError"]);
  // All code, styles and HTML, as if a visitor needed everything.
  const text = readdirSync(site()).filter((name) => /\.(html|css|js)$/.test(name));
  const bytes = text.map((name) => gzipSync(readFileSync(site(name))).length).reduce((a, b) => a + b);
  expect(bytes).toBeLessThan(MOST_BYTES);
  const ofOthers = [...requested].filter((url) => !url.startsWith(`${server!.url}${PATH}/`) && !/^(blob|data):/.test(url));
  expect(ofOthers).toEqual([]);
  await page.close();
});

test("a link to it shows a picture elsewhere", async () => {
  const [, address] = /property="og:image" content="([^"]+)"/.exec(readFileSync(site("index.html"), "utf8"))!;
  expect(address).toBe("https://example.org/some/where/stored/card.jpg");
  const { width, height } = await sharp(site("stored", "card.jpg")).metadata();
  expect({ width, height }).toEqual({ width: 1200, height: 630 });
});

test("after the first visit it opens and works without a network; a new version shows when no tab has the old one", async () => {
  const first = await visit();
  await isKept(first);
  await first.close();
  const port = Number(new URL(server!.url).port);
  await server!.close();

  const offline = await visit();
  await isReady(offline);
  await offline.waitForSelector("#tools input");
  await offline.close();

  appendFileSync(site("style.css"), "body { outline: 7px solid rgb(1, 2, 3) }\n");
  const keeper = readFileSync(site("offline.js"), "utf8");
  writeFileSync(site("offline.js"), keeper.replace(/"[0-9a-f]{12}"/, '"another"'));
  server = await serve(folder, port, {});
  const outline = (page: Page) => page.evaluate("getComputedStyle(document.body).outlineColor");
  const old = await visit();
  expect(await outline(old)).not.toBe("rgb(1, 2, 3)");
  await old.evaluate("navigator.serviceWorker.ready.then((registration) => registration.update())");
  await old.waitForFunction("navigator.serviceWorker.getRegistration().then((one) => Boolean(one.waiting))");
  await old.close();
  let renewed = await visit();
  while ((await outline(renewed)) !== "rgb(1, 2, 3)") {
    await renewed.close(); // it came before the new version had taken over
    await new Promise((resolve) => setTimeout(resolve, 500));
    renewed = await visit();
  }
  expect(await renewed.evaluate("caches.keys()")).toEqual(["singan-another"]);
  await renewed.close();
});
