// Starts an installed browser without a window and with WebGPU.
import puppeteer, { type Browser } from "puppeteer";
import { findBrowser, findFirefox } from "../src/node/browser-paths.ts";

/**
 * --enable-unsafe-webgpu is needed for a software adapter: the same SwiftShader as in Node (Chromium 156 on Linux without a GPU). The other
 * two flags are needed for a real GPU on headless Linux.
 */
const WEBGPU_FLAGS = ["--enable-unsafe-webgpu", "--enable-features=Vulkan", "--ignore-gpu-blocklist"];
const QUIET_FLAGS = ["--disable-background-networking", "--disable-component-update", "--no-first-run"];
/** As root, the user of many CI machines, Chromium refuses to start with its sandbox. */
const isRoot = process.getuid?.() === 0;

export interface LaunchOptions {
  readonly flags?: readonly string[];
  /** Folder of a profile that is kept. The default is a new profile that is deleted at the end. */
  readonly profile?: string;
  /** Flags that Puppeteer adds by default and that should be left out, for example those that keep hidden tabs at full speed. */
  readonly ignoreDefaultFlags?: readonly string[];
}

/** Throws with a one-line message if no browser is found. */
export async function launchBrowser({ flags = [], profile, ignoreDefaultFlags = [] }: LaunchOptions = {}): Promise<Browser> {
  const found = findBrowser();
  if (!found) throw new Error("no browser found: install Chrome or Chromium, or set CHROME_PATH to the one you have");
  return puppeteer.launch({
    executablePath: found.executable,
    headless: true,
    args: [...WEBGPU_FLAGS, ...QUIET_FLAGS, ...(isRoot ? ["--no-sandbox"] : []), ...flags],
    ignoreDefaultArgs: [...ignoreDefaultFlags],
    ...(profile === undefined ? {} : { userDataDir: profile }),
    // No limit: a DevTools call waits as long as GPU work in the page takes. Callers set their own limits.
    protocolTimeout: 0,
  });
}

/**
 * Starts an installed Firefox without a window, with WebGPU, also on a software adapter. What pages download goes into the folder `downloads`.
 * Throws with a one-line message if there is none.
 */
export async function launchFirefox(downloads: string): Promise<Browser> {
  const executablePath = findFirefox();
  if (!executablePath) throw new Error("no Firefox found: install it, or set FIREFOX_PATH to the one you have");
  return puppeteer.launch({
    browser: "firefox",
    executablePath,
    headless: true,
    extraPrefsFirefox: {
      "dom.webgpu.enabled": true,
      "gfx.webgpu.ignore-blocklist": true,
      "browser.download.folderList": 2, // the folder below
      "browser.download.dir": downloads,
    },
    protocolTimeout: 0,
  });
}
