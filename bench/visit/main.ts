// npm run bench:visit: how long a visitor of the page waits for the first pictures, how many bytes come before them, and how smoothly the page moves.
//   npm run bench:visit -- [--rounds 3] [--to FILE.ndjson]
// Every round has a new browser, so nothing is cached. The page's server is on this machine: the network takes no time.

import { spawnSync } from "node:child_process";
import { appendFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import type { ElementHandle, Page } from "puppeteer";
import { launchBrowser } from "../../harness/browser.ts";
import { serve } from "../../harness/serve.ts";
import { commit, say } from "../node.ts";

const PHOTO = "photos/meadow-trees.png";
const LIMIT_MS = 300_000;
const WATCHED_MS = 5000;

/** One round: times in seconds, rates in frames per second, sizes in bytes. */
type Round = Readonly<Record<string, number>>;

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
};

/** Waits until an expression is true, and returns the page's clock then: seconds since its navigation began. */
async function when(page: Page, condition: string): Promise<number> {
  const handle = await page.waitForFunction(`(${condition}) && performance.now() / 1000`, { timeout: LIMIT_MS, polling: "raf" });
  return (await handle.jsonValue()) as number;
}
const now = (page: Page): Promise<number> => page.evaluate("performance.now() / 1000") as Promise<number>;

/** Frames per second of the main thread while `work` runs. */
async function framesDuring(page: Page, work: () => Promise<void>): Promise<number> {
  await page.evaluate(`(() => {
    const frames = (globalThis.frames = []);
    const count = (at) => globalThis.frames === frames && (frames.push(at), requestAnimationFrame(count));
    requestAnimationFrame(count);
  })()`);
  await work();
  const frames = (await page.evaluate("(() => { const all = frames; globalThis.frames = null; return all; })()")) as number[];
  return (1000 * (frames.length - 1)) / (frames.at(-1)! - frames[0]!);
}

/** Of each file that the page or one of its workers has loaded: the bytes of its compressed body. */
const SIZES = `performance.getEntries()
  .filter(({ entryType }) => ["navigation", "resource"].includes(entryType))
  .map(({ name, encodedBodySize }) => [name, encodedBodySize])`;

/** The compressed bytes of what is loaded so far, by what they are. */
async function loadedBytes(page: Page): Promise<{ code: number; rest: number }> {
  const sizes = new Map<string, number>();
  for (const place of [page, ...page.workers()])
    for (const [name, size] of (await place.evaluate(SIZES)) as [string, number][])
      sizes.set(name, Math.max(size, sizes.get(name) ?? 0));
  const bytes = { code: 0, rest: 0 };
  for (const [name, size] of sizes)
    bytes[/(\/|\.(html|css|js|webmanifest))$/.test(new URL(name).pathname) ? "code" : "rest"] += size;
  return bytes;
}

async function drawFor(page: Page, ms: number): Promise<void> {
  const { x, y, width, height } = (await (await page.$("#picture"))!.boundingBox())!;
  const end = Date.now() + ms;
  await page.mouse.move(x + 0.5 * width, y + 0.5 * height);
  await page.mouse.down();
  for (let i = 0; Date.now() < end; i++) {
    const angle = i / 20;
    await page.mouse.move(x + width * (0.5 + 0.4 * Math.sin(angle)), y + height * (0.5 + 0.4 * Math.cos(1.3 * angle)));
  }
  await page.mouse.up();
}

async function measure(url: string): Promise<{ readonly round: Round; readonly runtime: string; readonly adapter: string }> {
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    await page.setViewport({ width: 1280, height: 800 });
    await page.goto(url);
    // Of those that are stored with the page: the time when it has arrived, or that of the first paint where that is later.
    const stored = `performance.getEntries().find(({ name }) => name.endsWith("stored/0.webp"))?.responseEnd`;
    const firstPicture = `Math.max(${stored}, performance.getEntriesByName("first-contentful-paint")[0]?.startTime) / 1000`;
    await when(page, `${firstPicture} > 0`);
    const firstPictureAt = (await page.evaluate(firstPicture)) as number;
    const firstLive = await when(
      page,
      `document.querySelector("#strip canvas[aria-label='Picture 0']")?.dataset.filled !== undefined`,
    );
    const { code, rest } = await loadedBytes(page);

    const given = await now(page);
    await ((await page.$("#file")) as ElementHandle<HTMLInputElement>).uploadFile(resolve(PHOTO));
    const isOwn = `document.getElementById("document-name").textContent === "meadow-trees"`;
    const instantAt = await when(
      page,
      `${isOwn} && document.getElementById("results-hint").textContent.startsWith("Picture 0,")`,
    );
    await when(page, `document.querySelectorAll("#strip button:enabled").length === 8`);

    const painting = await framesDuring(page, async () => {
      await page.click("#tools label:has([value=paint])");
      await when(page, `document.querySelector("#panel [type=range]") !== null`);
      await drawFor(page, WATCHED_MS);
    });

    const told = await page.$eval("#adapter", (element) => element.textContent ?? "");
    const adapter = /\((.+)\)\. /.exec(told)?.[1] ?? told.replace("GPU: ", "");
    await page.evaluate(`location.hash = "#view=train&photo=tulips&preset=preview"`);
    await when(page, `!document.getElementById("start").disabled`);
    await page.focus("#start");
    const started = await now(page);
    await page.keyboard.press("Enter");
    const trainedAt = await when(page, `document.getElementById("preview").dataset.filled !== undefined`);
    const training = await framesDuring(page, () => new Promise((done) => setTimeout(done, WATCHED_MS)));
    return {
      round: {
        ...{ first_picture_s: firstPictureAt, first_live_s: firstLive, first_instant_s: instantAt - given },
        ...{ first_trained_s: trainedAt - started, painting_fps: painting, training_fps: training },
        ...{ code_bytes: code, other_bytes: rest },
      },
      runtime: `Chrome ${(await browser.version()).replace(/^\D*/, "")}`,
      adapter,
    };
  } finally {
    await browser.close();
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { rounds: { type: "string", default: "3" }, to: { type: "string" } } });
  const built = spawnSync(process.execPath, ["build.mjs", "--demo"], { encoding: "utf8" });
  if (built.status !== 0) throw new Error(built.stderr);
  const server = await serve("dist/demo");
  try {
    const rounds: Awaited<ReturnType<typeof measure>>[] = [];
    for (let i = 0; i < Number(values.rounds); i++) {
      rounds.push(await measure(server.url));
      say(JSON.stringify(rounds.at(-1)!.round));
    }
    const { runtime, adapter, round } = rounds[0]!;
    for (const what of Object.keys(round)) {
      const all = rounds.map((one) => Number(one.round[what]!.toPrecision(4)));
      const line = { what, median: median(all), values: all, adapter, runtime };
      const text = JSON.stringify({
        ...line,
        cores: availableParallelism(),
        commit: commit(),
        date: new Date().toISOString().slice(0, 10),
      });
      if (values.to) appendFileSync(values.to, `${text}\n`);
      else console.log(text);
    }
  } finally {
    await server.close();
  }
}

try {
  await main();
} catch (error) {
  console.error(`bench:visit: ${(error as Error).message}`);
  process.exitCode = 1;
}
