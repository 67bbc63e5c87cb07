// The demo page under its server's policy, in headless Chrome: page and worker work, ask only their own server, and can't ask another one.
// Names of files are text, not HTML.

import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, CDPSession, ElementHandle } from "puppeteer";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser } from "../../harness/browser.ts";
import { type FileServer, serve } from "../../harness/serve.ts";
import { forbiddenTo } from "./forbidden.ts";

let browser: Browser;
let [server, other]: FileServer[] = [];
beforeAll(async () => {
  const built = spawnSync(process.execPath, ["build.mjs", "--demo"], { encoding: "utf8" });
  if (built.status !== 0) throw new Error(built.stderr);
  server = await serve("dist/demo");
  other = await serve("dist/demo"); // another port is another origin
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
  await other?.close();
});

const START = "#start:not(:disabled)";

test("a training and the model's download request nothing from elsewhere", async () => {
  const page = await browser.newPage();
  const requested: string[] = [];
  const listen = (client: CDPSession): Promise<void> => {
    client.on("Network.requestWillBeSent", ({ request }) => requested.push(request.url));
    return client.send("Network.enable");
  };
  await listen(await page.createCDPSession());
  page.on("workercreated", (created) => void listen(created.client));
  await page.goto(`${server!.url}#view=train&photo=tulips&maxSize=30&iterations=2&channels=4`);
  await (await page.waitForSelector(START))!.click();
  await (await page.waitForSelector("#play-model:not(:disabled)"))!.click();
  await (await page.waitForSelector("#save-sample:not(:disabled)"))!.click();
  await page.click("#document");
  await page.click("#save-model");
  await page.waitForNetworkIdle();
  const own = requested.filter((url) => url.startsWith(server!.url));
  expect(own.map((url) => new URL(url).pathname)).toEqual(
    expect.arrayContaining(["/", "/main.js", "/worker.js", "/photos/tulips.png"]),
  );
  expect(requested.filter((url) => !own.includes(url) && !/^(data|blob):/.test(url))).toEqual([]);
  await page.close();
});

test("neither the page nor its worker can fetch from another origin or evaluate text", async () => {
  const page = await browser.newPage();
  await page.goto(`${server!.url}#view=train`);
  await page.waitForSelector(START);
  const forbidden = forbiddenTo(other!.url);
  expect(await page.workers()[0]!.evaluate(forbidden)).toEqual(["refused", "EvalError"]);
  expect(await page.evaluate(forbidden)).toEqual(["refused", "EvalError"]);
  await page.close();
});

test("the name of a photo is shown as text, whatever it says", async () => {
  const folder = mkdtempSync(join(tmpdir(), "singan-names-"));
  const name = "<img src=x onerror=alert(1)>";
  copyFileSync("photos/tulips.png", join(folder, `${name}.png`));
  writeFileSync(join(folder, `${name}.txt`), "no picture");
  const page = await browser.newPage();
  const dialogs: string[] = [];
  page.on("dialog", (dialog) => {
    dialogs.push(dialog.message());
    void dialog.accept();
  });
  await page.goto(server!.url);
  const input = (await page.waitForSelector("#file")) as ElementHandle<HTMLInputElement>;
  await input.uploadFile(join(folder, `${name}.txt`));
  await page.waitForSelector("#problem:not([hidden])");
  expect(await page.$eval("#problem", (e) => e.textContent)).toContain(`“${name}.txt” is not a picture`);
  await input.uploadFile(join(folder, `${name}.png`));
  await page.waitForFunction((text) => document.getElementById("document-name")!.textContent === text, {}, name);
  await page.click("#to-train");
  await page.waitForSelector("label:has([value=own]) canvas");
  expect(await page.$eval("label:has([value=own]) canvas", (e) => e.ariaLabel)).toBe(`your photo ${name}`);
  expect(await page.$$("img[src=x]")).toEqual([]);
  expect(dialogs).toEqual([]);
  await page.close();
  rmSync(folder, { recursive: true });
});
