// Runs an exported function of a TypeScript module in a real page and returns its result.
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BuildOptions, build } from "esbuild";
import type { Browser, Page } from "puppeteer";
import { launchBrowser } from "./browser.ts";
import { serve } from "./serve.ts";

const PAGE = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>harness</title>\n';
const DEFAULT_LIMIT_MS = 120_000;

/** What a page, or another program with a GPU (deno.ts), is given in addition to the entry's own modules. */
export interface ServedOptions {
  /** Options of esbuild, for modules that are replaced. */
  readonly build?: Pick<BuildOptions, "alias" | "plugins">;
  /** Folders that are served, by name. */
  readonly folders?: Readonly<Record<string, string>>;
}

export interface PageOptions extends ServedOptions {
  /** A browser to share between calls, each of which uses its own page. By default a browser is started and closed. */
  readonly browser?: Browser;
  readonly limitMs?: number;
  /** Receives the lines of the page's console. The default writes them to standard error. */
  readonly onConsole?: (line: string) => void;
}

/**
 * Bundles `entryFile`, imports it in an empty page on localhost, calls its export `exportName` with `argument`, and returns the awaited result.
 * Argument and result are passed as JSON. Rejects on any error or unhandled rejection in the page, if the page crashes, and after `limitMs`.
 */
export async function runInPage<T>(
  entryFile: string,
  exportName: string,
  argument: unknown = null,
  options: PageOptions = {},
): Promise<T> {
  const { limitMs = DEFAULT_LIMIT_MS, onConsole = (line) => console.error(line) } = options;
  return withServed(entryFile, options, async (url) => {
    const browser = options.browser ?? (await launchBrowser());
    try {
      const page = await browser.newPage();
      try {
        page.on("console", (message) => onConsole(`page: ${message.text()}`));
        return (await withLimits(page, browser, limitMs, `${exportName} of ${entryFile}`, async () => {
          await page.goto(url);
          return JSON.parse((await page.evaluate(callOf(url, exportName, argument))) as string);
        })) as T;
      } finally {
        await page.close().catch(() => {});
      }
    } finally {
      if (!options.browser) await browser.close();
    }
  });
}

/** Bundles `entryFile` and serves it on localhost, as entry.js below the URL, while `use` runs. */
export async function withServed<T>(entryFile: string, options: ServedOptions, use: (url: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "singan-page-"));
  try {
    await bundle(entryFile, folder, options.build);
    for (const [name, from] of Object.entries(options.folders ?? {})) await cp(from, join(folder, name), { recursive: true });
    const server = await serve(folder);
    try {
      return await use(server.url);
    } finally {
      await server.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function bundle(entryFile: string, folder: string, options: BuildOptions = {}): Promise<void> {
  await build({
    ...options,
    entryPoints: { entry: entryFile },
    outdir: folder,
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    sourcemap: "inline",
    logLevel: "silent",
  });
  await writeFile(join(folder, "index.html"), PAGE);
}

/** A program that returns the result as JSON. It is a string because Vitest and esbuild would rewrite the `import()` in a function. */
export const callOf = (url: string, exportName: string, argument: unknown): string => `(async () => {
  const { [${JSON.stringify(exportName)}]: run } = await import("${url}entry.js");
  if (typeof run !== "function") throw new Error(${JSON.stringify(`the entry exports no function ${exportName}`)});
  return JSON.stringify((await run(${JSON.stringify(argument)})) ?? null);
})()`;

function withLimits<T>(page: Page, browser: Browser, limitMs: number, what: string, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what} took longer than ${limitMs} ms`)), limitMs);
    const gone = (): void => reject(new Error(`${what}: the browser ended`));
    page.on("pageerror", (error) => reject(error));
    page.on("error", (error) => reject(error));
    browser.once("disconnected", gone);
    work()
      .then(resolve, reject)
      .finally(() => {
        clearTimeout(timer);
        browser.off("disconnected", gone);
      });
  });
}
