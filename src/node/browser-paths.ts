// Finds a Chromium-like browser on this computer, and the Vulkan libraries that it contains.
// Chrome, Chromium and Puppeteer's Chrome for Testing contain SwiftShader, a Vulkan driver that computes on the CPU.
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { posix, win32 } from "node:path";

/** The computer that is searched. Tests pass an invented one. */
export interface Host {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  exists(path: string): boolean;
  /** Names in a folder. Empty if it can't be read. */
  list(folder: string): readonly string[];
  /** The path after following links. */
  real(path: string): string;
}

export interface Browser {
  readonly executable: string;
  /** Folder with libvk_swiftshader and, on Linux, the Vulkan loader libvulkan.so.1. Null if the browser has none. */
  readonly libraries: string | null;
}

export const SWIFTSHADER_MANIFEST = "vk_swiftshader_icd.json";

function orElse<T>(read: () => T, fallback: T): T {
  try {
    return read();
  } catch {
    return fallback;
  }
}

export const thisHost = (): Host => ({
  platform: process.platform,
  env: process.env,
  home: homedir(),
  exists: existsSync,
  list: (folder) => orElse(() => readdirSync(folder), []),
  real: (path) => orElse(() => realpathSync(path), path),
});

const LINUX_BROWSERS = [
  "/usr/bin/google-chrome-stable",
  "/usr/bin/google-chrome",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/snap/bin/chromium",
];
/** Where Linux distributions install the browser that their script in /usr/bin starts. */
const LINUX_LIBRARIES = [
  "/usr/lib/chromium",
  "/usr/lib/chromium-browser",
  "/usr/lib64/chromium-browser",
  "/snap/chromium/current/usr/lib/chromium-browser",
];
const MAC_BROWSERS = ["Google Chrome", "Chromium"].map((app) => `${app}.app/Contents/MacOS/${app}`);
const WINDOWS_BROWSER = ["Google", "Chrome", "Application", "chrome.exe"];
const LINUX_FIREFOXES = ["/usr/bin/firefox-esr", "/usr/bin/firefox"];
const MAC_FIREFOX = "Firefox.app/Contents/MacOS/firefox";
const WINDOWS_FIREFOX = ["Mozilla Firefox", "firefox.exe"];

/**
 * The browser that PUPPETEER_EXECUTABLE_PATH or CHROME_PATH names, else an installed one, else the newest in Puppeteer's cache. Null if there
 * is none. Throws if one of the variables names a file that does not exist.
 */
export function findBrowser(host: Host = thisHost()): Browser | null {
  for (const name of ["PUPPETEER_EXECUTABLE_PATH", "CHROME_PATH"]) {
    const path = host.env[name];
    if (!path) continue;
    if (!host.exists(path)) throw new Error(`${name} is ${path}, which does not exist`);
    return browserAt(host, path);
  }
  const executable = systemBrowsers(host).find((p) => host.exists(p)) ?? puppeteerBrowsers(host).find((p) => host.exists(p));
  return executable === undefined ? null : browserAt(host, executable);
}

/** The executable of an installed Firefox, or the one that FIREFOX_PATH names; null where there is none. */
export function findFirefox(host: Host = thisHost()): string | null {
  const named = host.env["FIREFOX_PATH"];
  if (named && !host.exists(named)) throw new Error(`FIREFOX_PATH is ${named}, which does not exist`);
  return named || (installed(host, LINUX_FIREFOXES, [MAC_FIREFOX], WINDOWS_FIREFOX).find((path) => host.exists(path)) ?? null);
}

const systemBrowsers = (host: Host): readonly string[] => installed(host, LINUX_BROWSERS, MAC_BROWSERS, WINDOWS_BROWSER);

/** Where a program may be: paths on Linux, in the folders of applications on macOS, in the folders of programs on Windows. */
function installed(host: Host, linux: readonly string[], mac: readonly string[], windows: readonly string[]): readonly string[] {
  if (host.platform === "darwin") return ["", host.home].flatMap((root) => mac.map((path) => `${root}/Applications/${path}`));
  if (host.platform === "win32") {
    const roots = [host.env["PROGRAMFILES"], host.env["PROGRAMFILES(X86)"], host.env["LOCALAPPDATA"]];
    return roots.filter((r) => r !== undefined).map((r) => win32.join(r, ...windows));
  }
  return linux;
}

/** Executables in Puppeteer's cache, newest version first: chrome/<platform>-<version>/chrome-<platform>/<executable>. */
function puppeteerBrowsers(host: Host): string[] {
  const { join } = host.platform === "win32" ? win32 : posix;
  const cache = join(host.env["PUPPETEER_CACHE_DIR"] || join(host.home, ".cache", "puppeteer"), "chrome");
  const file: readonly string[] =
    host.platform === "darwin"
      ? ["Google Chrome for Testing.app", "Contents", "MacOS", "Google Chrome for Testing"]
      : [host.platform === "win32" ? "chrome.exe" : "chrome"];
  const builds = [...host.list(cache)].sort((a, b) => versionOf(b).localeCompare(versionOf(a), "en", { numeric: true }));
  return builds.flatMap((build) => host.list(join(cache, build)).map((folder) => join(cache, build, folder, ...file)));
}

const versionOf = (build: string): string => build.slice(build.lastIndexOf("-") + 1);

function browserAt(host: Host, executable: string): Browser {
  const { dirname, join } = host.platform === "win32" ? win32 : posix;
  const beside = dirname(host.real(executable));
  const candidates = host.platform === "linux" ? [beside, ...LINUX_LIBRARIES] : [beside];
  return { executable, libraries: candidates.find((folder) => host.exists(join(folder, SWIFTSHADER_MANIFEST))) ?? null };
}
