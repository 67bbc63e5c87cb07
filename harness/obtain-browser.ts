// Installs a browser on a computer that has none: Puppeteer's Chrome for Testing, or else Debian's package chromium.
import type { Browser } from "../src/node/browser-paths.ts";

/** Access to the computer. Tests pass an invented one. */
export interface Host {
  find(): Browser | null;
  /** Runs a program to its end without output, and ignores whether it succeeds. */
  run(command: string, ...args: string[]): void;
  say(line: string): void;
  /** Whether this is Linux and the user is root, who can install packages. */
  readonly isLinuxRoot: boolean;
}

/** Returns the installed browser. Throws with a one-line message if none could be installed. */
export function obtainBrowser({ find, run, say, isLinuxRoot }: Host): Browser {
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
