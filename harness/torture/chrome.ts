// What goes wrong in a browser while the demo page trains: GPU crashes, reloads, restarts, hidden tabs, no room, two tabs.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "puppeteer";
import { type LaunchOptions, launchBrowser } from "../browser.ts";
import { crashGpu, DemoTab, withDemo } from "./demo-tab.ts";
import { attempt, inTurn, type Row, require } from "./row.ts";

/** Three scales of 25 to 30 px. */
const settings = (iterations: number): string => `#view=train&photo=tulips&maxSize=30&iterations=${iterations}&channels=4`;
/** Takes longer than SHORT_MS on two cores without a GPU. */
const SHORT = settings(60);
const SHORT_MS = 5000;
/** More than any row trains, and yet too short to be timed before it begins. */
const ENDLESS = settings(10_000);
/** The page takes note of its state every second. */
const STATE_MS = 1300;
/** A message must have appeared by then. */
const MESSAGE_MS = 10_000;

/** With these, Chrome offers a GPU after any number of crashes. */
const ANY_CRASHES = ["--disable-gpu-process-crash-limit", "--disable-domain-blocking-for-3d-apis"];
/** Puppeteer keeps hidden tabs at full speed with these. */
const UNTHROTTLED = [
  "--disable-background-timer-throttling",
  "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding",
];

/** Opens a browser and the served page's address for `work`. */
const withBrowser = <T>(options: LaunchOptions, work: (browser: Browser, url: string) => Promise<T>): Promise<T> =>
  withDemo(async (url) => {
    const browser = await launchBrowser(options);
    try {
      return await work(browser, url);
    } finally {
      await browser.close();
    }
  });

/** The fingerprint of a training that nothing disturbs. */
async function trainUndisturbed(browser: Browser, address: string): Promise<string> {
  const tab = await DemoTab.open(browser, address);
  await tab.press("start");
  const fingerprint = await tab.fingerprint();
  await tab.close();
  return fingerprint;
}

let short: Promise<string> | null = null;
/** The fingerprint of the SHORT training. */
const shortFingerprint = (): Promise<string> => {
  short ??= withBrowser({}, (browser, url) => trainUndisturbed(browser, url + SHORT));
  return short;
};

/** Iterations per second of a training in this browser. */
async function speedIn(browser: Browser, url: string): Promise<number> {
  const tab = await DemoTab.open(browser, url + ENDLESS);
  await tab.press("start");
  await tab.trained(3000);
  const { iterationsPerSecond } = (await tab.received()).findLast(({ kind }) => kind === "progress")!;
  await tab.press("stop");
  await tab.press("discard");
  await tab.until(`document.getElementById("unfinished").hidden`);
  await tab.close();
  return iterationsPerSecond!;
}

export const crashes: Row = {
  name: "the GPU process crashes, again and again in one training: another GPU within 2 s",
  count: 20,
  run: (count) =>
    withBrowser({ flags: ANY_CRASHES }, async (browser, url) => {
      const iterations = Math.ceil(((await speedIn(browser, url)) * (count + 1) * STATE_MS) / 1000 / 2);
      const wanted = await trainUndisturbed(browser, url + settings(iterations));
      const tab = await DemoTab.open(browser, url + settings(iterations));
      await tab.press("start");
      const failures: string[] = [];
      let seen = 0;
      for (let i = 1; i <= count; i++) {
        await tab.trained(STATE_MS, seen);
        seen = (await tab.received()).length;
        const crashedAt = await crashGpu(browser);
        const ms = (await tab.next("setback", seen)).at - crashedAt;
        if (ms > 2000) failures.push(`crash ${i}: another GPU after ${Math.round(ms)} ms`);
        seen = (await tab.received()).findLastIndex(({ kind }) => kind === "setback");
      }
      const same = await attempt("the model", async () => require((await tab.fingerprint()) === wanted, "it differs"));
      return [...failures, ...same];
    }),
};

export const crashesByDefault: Row = {
  name: "the GPU process crashes three times in a browser with default flags",
  count: 1,
  async run(count) {
    const wanted = await shortFingerprint();
    return inTurn(count, () => crashThrice(wanted));
  },
};

/** The second crash needs a reload, the third one another browser. */
async function crashThrice(wanted: string): Promise<void> {
  const profile = await mkdtemp(join(tmpdir(), "singan-profile-"));
  try {
    await withDemo(async (url) => {
      const browser = await launchBrowser({ profile });
      try {
        const tab = await DemoTab.open(browser, url + SHORT);
        await tab.press("start");
        await tab.trained(STATE_MS);
        await crashGpu(browser);
        await tab.untilText("status", /The training goes on by itself within moments/, MESSAGE_MS);
        await tab.trained(STATE_MS, (await tab.received()).length);
        await crashGpu(browser);
        await tab.untilText("problem", /The training is saved: reload the page, then choose Continue/, MESSAGE_MS);
        await tab.page.reload();
        await tab.press("continue");
        await tab.trained(STATE_MS);
        await crashGpu(browser);
        await tab.untilText("problem", /The training is saved: restart the browser, then choose Continue/, MESSAGE_MS);
        await tab.page.reload();
        await tab.untilText("problem", /The training is saved: restart the browser, then choose Continue/, MESSAGE_MS);
      } finally {
        await browser.close();
      }
      const another = await launchBrowser({ profile });
      try {
        const tab = await DemoTab.open(another, url + SHORT);
        await tab.untilText("unfinished-text", /^Training of tulips stopped at \d+ %/);
        await tab.press("continue");
        require((await tab.fingerprint()) === wanted, "the model differs");
      } finally {
        await another.close();
      }
    });
  } finally {
    await rm(profile, { recursive: true, force: true });
  }
}

export const killed: Row = {
  name: "the browser is killed while it trains",
  count: 3,
  async run(count) {
    const wanted = await shortFingerprint();
    return inTurn(count, (i) => killAfter(((i + 0.5) * SHORT_MS) / count, wanted));
  },
};

async function killAfter(ms: number, wanted: string): Promise<void> {
  const profile = await mkdtemp(join(tmpdir(), "singan-profile-"));
  try {
    await withDemo(async (url) => {
      const browser = await launchBrowser({ profile });
      const tab = await DemoTab.open(browser, url + SHORT);
      await tab.press("start");
      await tab.trained(ms);
      const ended = new Promise((resolve) => browser.once("disconnected", resolve));
      browser.process()!.kill("SIGKILL");
      await ended;
      const another = await launchBrowser({ profile });
      try {
        const next = await DemoTab.open(another, url + SHORT);
        await next.press("continue");
        require((await next.fingerprint()) === wanted, "the model differs");
      } finally {
        await another.close();
      }
    });
  } finally {
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

export const hiddenTab: Row = {
  name: "the tab is hidden and shown while it trains: hidden, at least 80 % of the speed",
  count: 5,
  run: (count) =>
    withBrowser({ ignoreDefaultFlags: UNTHROTTLED }, async (browser, url) => {
      const tab = await DemoTab.open(browser, url + ENDLESS);
      const other = await browser.newPage();
      await tab.page.bringToFront();
      await tab.press("start");
      await tab.trained(1000);
      const speeds = { visible: [] as number[], hidden: [] as number[] };
      for (let i = 0; i < 2 * count; i++) {
        const state = i % 2 === 0 ? "visible" : "hidden";
        await (state === "visible" ? tab.page : other).bringToFront();
        await tab.until(`document.visibilityState === "${state}"`);
        const before = (await tab.received()).length;
        await tab.trained(3000, before);
        const progress = (await tab.received()).slice(before).filter(({ kind }) => kind === "progress");
        const [first, last] = [progress[0]!, progress.at(-1)!];
        speeds[state].push((last.iteration! - first.iteration!) / (last.at - first.at));
      }
      const share = median(speeds.hidden) / median(speeds.visible);
      return share >= 0.8 ? [] : [`hidden, it trains at ${Math.round(100 * share)} % of the speed`];
    }),
};

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

export const noRoom: Row = {
  name: "the browser has no room for checkpoints",
  count: 1,
  async run(count) {
    const wanted = await shortFingerprint();
    return inTurn(count, () => withBrowser({}, (browser, url) => trainWithoutRoom(browser, url, wanted)));
  },
};

async function trainWithoutRoom(browser: Browser, url: string, wanted: string): Promise<void> {
  const tab = await DemoTab.open(browser, url + SHORT);
  const session = await tab.page.createCDPSession();
  await session.send("Storage.overrideQuotaForOrigin", { origin: new URL(url).origin, quotaSize: 1000 });
  await tab.press("start");
  require((await tab.fingerprint()) === wanted, "the model differs");
  const warnings = (await tab.received()).filter(({ kind }) => kind === "warning");
  require(warnings.length === 1, `${warnings.length} warnings`);
  const warning = await tab.text("warning");
  require(/^This browser can't keep the training \(no room is left\)\./.test(warning), `the warning is: ${warning}`);
}

export const twoTabs: Row = {
  name: "two tabs train, and the first one dies",
  count: 1,
  async run(count) {
    const wanted = await shortFingerprint();
    return inTurn(count, () => withBrowser({}, (browser, url) => trainInTwoTabs(browser, url, wanted)));
  },
};

async function trainInTwoTabs(browser: Browser, url: string, wanted: string): Promise<void> {
  const first = await DemoTab.open(browser, url + SHORT);
  await first.press("start");
  await first.trained(STATE_MS);
  const second = await DemoTab.open(browser, url + SHORT);
  await second.press("start");
  await second.untilText("problem", /^Another tab of this page is training\. /, MESSAGE_MS);
  await second.untilState("idle");
  await first.trained(STATE_MS, (await first.received()).length);
  await first.close();
  await second.page.reload();
  await second.press("continue");
  require((await second.fingerprint()) === wanted, "the model differs");
}

/** What can go wrong in Chrome. */
export const inChrome: readonly Row[] = [crashes, crashesByDefault, killed, hiddenTab, noRoom, twoTabs];
