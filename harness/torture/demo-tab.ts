// A tab with the demo page, and what a visitor does and sees in it.

import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "puppeteer";
import { readModel } from "../../src/singan/recipes.ts";
import { serve } from "../serve.ts";
import { fingerprintOf } from "./fingerprint.ts";

const LIMIT_MS = 120_000;
/** A button that has not moved for so long can be clicked. */
const STEADY_MS = 100;

/** What the page has received from its worker, as far as rows ask for it. */
export interface Received {
  /** ms since 1970. */
  readonly at: number;
  readonly kind: string;
  readonly scale?: number;
  readonly iteration?: number;
  readonly iterationsPerSecond?: number | null;
}

/** Runs in the page before its scripts: keeps a list of the worker's reports. */
function listen(): void {
  const received: Received[] = [];
  Object.assign(globalThis, { received });
  const Original = Worker;
  globalThis.Worker = class extends Original {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      this.addEventListener("message", ({ data: { kind, scale, iteration, iterationsPerSecond } }) =>
        received.push({ at: performance.timeOrigin + performance.now(), kind, scale, iteration, iterationsPerSecond }),
      );
    }
  };
}

export class DemoTab {
  private constructor(readonly page: Page) {}

  static async open(browser: Browser, address: string): Promise<DemoTab> {
    const page = await browser.newPage();
    page.on("dialog", (dialog) => void dialog.accept());
    await page.evaluateOnNewDocument(listen);
    await page.goto(address);
    return new DemoTab(page);
  }

  close = (): Promise<void> => this.page.close();

  /** Waits for a condition in the page. Throws where it does not come true in time. */
  async until(condition: string, limitMs = LIMIT_MS): Promise<void> {
    await this.page.waitForFunction(condition, { timeout: limitMs, polling: 20 }).catch(async () => {
      const [status, problem] = [await this.text("status"), await this.text("problem")];
      throw new Error(`not within ${limitMs} ms: ${condition} (status: ${status}; problem: ${problem})`);
    });
  }

  text = (id: string): Promise<string> => this.page.$eval(`#${id}`, (element) => element.textContent ?? "");

  /** Waits until the text of an element matches. */
  untilText = (id: string, wanted: RegExp, limitMs = LIMIT_MS): Promise<void> =>
    this.until(`${wanted}.test(document.getElementById("${id}").textContent)`, limitMs);

  untilState = (state: string): Promise<void> => this.until(`document.body.dataset.state === "${state}"`);

  /** Clicks a button when it is enabled, visible and no longer moving: pictures that arrive may shift the layout. */
  async press(id: string): Promise<void> {
    await this.until(`!document.getElementById("${id}").disabled && document.getElementById("${id}").checkVisibility()`);
    // By a timer: frames stop coming after a crash of the GPU process, and in hidden tabs.
    const where = (): Promise<string> =>
      this.page.$eval(`#${id}`, (button) => {
        button.scrollIntoView({ block: "center" });
        return JSON.stringify(button.getBoundingClientRect());
      });
    for (let [before, now] = ["", await where()]; now !== before; [before, now] = [now, await where()])
      await new Promise((resolve) => setTimeout(resolve, STEADY_MS));
    await this.page.click(`#${id}`);
  }

  /** The worker's reports since the page was loaded. */
  received = (): Promise<Received[]> => this.page.evaluate("received") as Promise<Received[]>;

  /** Waits for a report of some kind after the first `count` reports, and returns it. */
  async next(kind: string, count: number, limitMs = LIMIT_MS): Promise<Received> {
    const found = `received.slice(${count}).find(({ kind }) => kind === "${kind}")`;
    await this.until(`${found} !== undefined`, limitMs);
    return (await this.page.evaluate(found)) as Received;
  }

  /** Waits until training goes on after the first `count` reports, and lasts for `ms` from then on. */
  async trained(ms: number, count = 0): Promise<void> {
    const { at } = await this.next("progress", count);
    await this.until(`received.findLast(({ kind }) => kind === "progress").at >= ${at + ms}`);
  }

  /** Waits for the end of the training, downloads the model and returns its fingerprint. */
  async fingerprint(limitMs = LIMIT_MS): Promise<string> {
    await this.until(`/^Done/.test(document.getElementById("status").textContent)`, limitMs);
    const folder = await mkdtemp(join(tmpdir(), "singan-demo-"));
    try {
      const session = await this.page.createCDPSession();
      await session.send("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: folder });
      await this.press("play-model");
      await this.press("document");
      await this.press("save-model");
      for (let tries = 0; tries < 200; tries++) {
        const name = (await readdir(folder)).find((file) => file.endsWith(".safetensors"));
        if (name) return fingerprintOf(readModel(await readFile(join(folder, name))));
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      throw new Error("the model was not downloaded");
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/** Crashes the browser's GPU process. Returns when, in ms since 1970. */
export async function crashGpu(browser: Browser): Promise<number> {
  const session = await browser.target().createCDPSession();
  void session.send("Browser.crashGpuProcess").catch(() => {});
  return Date.now();
}

let isBuilt = false;

/** Builds the demo page, once, and serves it while `work` runs. */
export async function withDemo<T>(work: (url: string) => Promise<T>): Promise<T> {
  if (!isBuilt) {
    const { status, stderr } = spawnSync(process.execPath, ["build.mjs", "--demo"], { encoding: "utf8" });
    if (status !== 0) throw new Error(`the demo page was not built: ${stderr}`);
    isBuilt = true;
  }
  const server = await serve("dist/demo");
  try {
    return await work(server.url);
  } finally {
    await server.close();
  }
}
