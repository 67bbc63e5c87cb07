// Gets a browser on a computer that has none: Puppeteer's Chrome for Testing, else Debian's package chromium.
import type { Browser } from "../src/node/browser-paths.ts";

export interface Means {
  find(): Browser | null;
  /** Runs a program to its end, in silence, whether it succeeds or not. */
  run(command: string, ...args: string[]): void;
  say(line: string): void;
  /** Whether this is Linux and we may install packages. */
  readonly isLinuxRoot: boolean;
}

/** Throws, in one line, where no browser could be had. */
export function obtainBrowser({ find, run, say, isLinuxRoot }: Means): Browser {
  say("no browser found, downloading Chrome for Testing");
  run("npx", "--no-install", "puppeteer", "browsers", "install", "chrome");
  const downloaded = find();
  if (downloaded) return downloaded;
  if (isLinuxRoot) {
    say("the download failed, installing Debian's package chromium");
    run("apt-get", "update");
    run("apt-get", "install", "--yes", "--no-install-recommends", "chromium");
    const installed = find();
    if (installed) return installed;
  }
  throw new Error(
    "no browser found, and none could be downloaded: install Chrome or Chromium, or set CHROME_PATH to the one you have",
  );
}
