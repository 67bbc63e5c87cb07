// Starts the browser that is on this computer, without a window, with WebGPU on.
import puppeteer, { type Browser } from "puppeteer";
import { findBrowser } from "../src/node/browser-paths.ts";

/**
 * What each flag is for (measured with Chromium 156 on Linux without a GPU): only --enable-unsafe-webgpu makes a software adapter
 * appear, which is the same SwiftShader that Node finds; Vulkan and the ignored blocklist let a real GPU appear in headless Linux.
 */
const WEBGPU_FLAGS = ["--enable-unsafe-webgpu", "--enable-features=Vulkan", "--ignore-gpu-blocklist"];
const QUIET_FLAGS = ["--disable-background-networking", "--disable-component-update", "--no-first-run"];
/** Chromium refuses to run as root with its sandbox, as continuous-integration machines do. */
const isRoot = process.getuid?.() === 0;

export interface LaunchOptions {
  readonly flags?: readonly string[];
  /** A profile to keep; otherwise a fresh one that is deleted. */
  readonly profile?: string;
  /** Puppeteer's own flags to leave out, such as those that keep hidden tabs at full speed. */
  readonly ignoreDefaultFlags?: readonly string[];
}

/** Throws, in one line, where no browser is found. */
export async function launchBrowser({ flags = [], profile, ignoreDefaultFlags = [] }: LaunchOptions = {}): Promise<Browser> {
  const found = findBrowser();
  if (!found) throw new Error("no browser found: install Chrome or Chromium, or set CHROME_PATH to the one you have");
  return puppeteer.launch({
    executablePath: found.executable,
    headless: true,
    args: [...WEBGPU_FLAGS, ...QUIET_FLAGS, ...(isRoot ? ["--no-sandbox"] : []), ...flags],
    ignoreDefaultArgs: [...ignoreDefaultFlags],
    ...(profile === undefined ? {} : { userDataDir: profile }),
    // Long GPU work in the page keeps single DevTools calls waiting; callers set their own limits.
    protocolTimeout: 0,
  });
}
