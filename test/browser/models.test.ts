// Models as documents in the page: kept over reloads, deleted, opened by link, refused by the storage; links, reports of problems, and the
// benchmark view. The models of the page are small ones that are trained here.

import { cpSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "puppeteer";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser } from "../../harness/browser.ts";
import { type FileServer, serve } from "../../harness/serve.ts";
import { repeated } from "../../src/demo/features/sample/repeated.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { toRgb8 } from "../../src/image/planes.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { openDevice } from "../../src/runtime/open.ts";
import type { AnyModel } from "../../src/singan/model/model.ts";
import { openSampler, writeModel } from "../../src/singan/recipes.ts";
import { TINY as SHORT, tinyPhoto, trainAll } from "../tiny-training.ts";
import { choose, downloaded, folder, isFilled, LIMIT_MS, pixels, start, TINY, textOf, visit, waitFor } from "./demo-page.ts";

let gpu: Gpu;
let model: AnyModel;
/** A page with two shipped models, one with none, and one whose workers can store nothing. */
let [withModels, withoutModels, forbidding]: FileServer[] = [];
beforeAll(async () => {
  gpu = await openDevice(await openAdapter());
  model = await trainAll(gpu, tinyPhoto(), SHORT);
  const [shipped, bare, forbidden] = [join(folder, "shipped"), join(folder, "bare"), join(folder, "forbidden")];
  for (const copy of [shipped, bare, forbidden]) cpSync("dist/demo", copy, { recursive: true });
  for (const name of ["tulips", "clouds"]) writeFileSync(join(shipped, "models", `${name}.safetensors`), writeModel(model));
  const bytes = statSync(join(shipped, "models/clouds.safetensors")).size;
  writeFileSync(join(shipped, "models/index.json"), JSON.stringify({ tulips: bytes, clouds: bytes }));
  for (const copy of [bare, forbidden]) writeFileSync(join(copy, "models/index.json"), "{}");
  const forbid = `navigator.storage.getDirectory = () => Promise.reject(new DOMException("Not here.", "SecurityError"));\n`;
  writeFileSync(join(forbidden, "worker.js"), forbid + readFileSync(join(forbidden, "worker.js"), "utf8"));
  withModels = await serve(shipped);
  withoutModels = await serve(bare);
  forbidding = await serve(forbidden);
});
afterAll(async () => {
  await withModels?.close();
  await withoutModels?.close();
  await forbidding?.close();
  gpu?.dispose();
});

const name = (page: Page): Promise<string> => textOf(page, "#document-name");
const state = (page: Page): Promise<string> => textOf(page, "#document-state");
const isNamed = (wanted: string): string => `document.getElementById("document-name").textContent === "${wanted}"`;
const isSaved = (wanted: string): string => `document.getElementById("document-state").textContent === "${wanted}"`;
const isShown = (id: string): string => `!document.getElementById("${id}").hidden`;
const keptCount = (count: number): string => `document.querySelectorAll("#kept-models li").length === ${count}`;
const hasFocus = (id: string): string => `document.activeElement.id === "${id}"`;

/** The stage shows a picture of the open source, not its photo. */
const HAS_PICTURE = `document.getElementById("results-hint").textContent.startsWith("Picture ")`;

async function trained(page: Page): Promise<void> {
  await start(page);
  await waitFor(page, `document.getElementById("status").textContent.startsWith("Done")`);
  await page.click("#play-model");
  await waitFor(page, HAS_PICTURE);
}

/** A browser of its own, with an empty profile. */
async function inOwn(work: (browser: Browser) => Promise<void>): Promise<void> {
  const own = await launchBrowser();
  try {
    await work(own);
  } finally {
    await own.close();
  }
}

/** Clicks `button`, and returns what is copied. */
async function copied(page: Page, button: string, hint: string): Promise<string> {
  await page.bringToFront();
  await page
    .browserContext()
    .overridePermissions(new URL(page.url()).origin, ["clipboard-read", "clipboard-write", "clipboard-sanitized-write"]);
  await page.click(button);
  await waitFor(page, `document.querySelector("${hint}").textContent.startsWith("Copied.")`);
  return page.evaluate(() => navigator.clipboard.readText());
}

test("a trained model is kept by itself, over a reload and in a fresh tab, until it is deleted; the keyboard is enough", () =>
  inOwn(async (own) => {
    let picture: unknown;
    await visit(`view=train&${TINY}`, async (page) => {
      await trained(page);
      await waitFor(page, isSaved("kept in this browser"));
      expect(await name(page)).toBe("tulips");
      picture = await pixels(page, "picture");
      await page.reload(); // asks nothing: visit() would accept, but there is nothing to lose
      await waitFor(page, `!document.getElementById("start").disabled`);
      await waitFor(page, `${isSaved("kept in this browser")} && ${HAS_PICTURE}`); // it is open again
      expect(await pixels(page, "picture")).toEqual(picture);
      await page.focus("#document");
      await page.keyboard.press("Enter");
      await waitFor(page, `document.getElementById("models").open && ${keptCount(1)}`);
      // Models of one name are told apart by their picture, and by date and time.
      expect(await textOf(page, "#kept-models .hint")).toMatch(/^30×30 px, \d+ kB, .*\d\d\d\d, \d+:\d\d/);
      expect(await page.$eval("#kept-models canvas", (canvas) => (canvas as HTMLCanvasElement).width)).toBe(30);
      await page.keyboard.press("Escape");
      await waitFor(page, `!document.getElementById("models").open && ${hasFocus("document")}`);
    }, { in: own, at: withoutModels!.url }); // biome-ignore format: one call
    await visit("", async (page) => {
      await waitFor(page, `!document.getElementById("start").disabled`);
      await page.click("#document");
      await waitFor(page, keptCount(1));
      await page.focus("#kept-models .source");
      await page.keyboard.press("Enter");
      await waitFor(page, `${HAS_PICTURE} && ${hasFocus("document")}`);
      expect(await pixels(page, "picture")).toEqual(picture);
      expect([await name(page), await state(page)]).toEqual(["tulips", "kept in this browser"]);
    }, { in: own, at: withoutModels!.url }); // biome-ignore format: one call
    const remove = async (page: Page): Promise<void> => {
      await page.click("#document");
      await waitFor(page, keptCount(1));
      await page.click("#kept-models li > button:last-child");
    };
    const button = (page: Page): Promise<string> => textOf(page, "#kept-models li > button:last-child");
    await visit("", async (page) => {
      await remove(page);
      expect([await textOf(page, "#kept-models .hint"), await button(page)]).toEqual(["Deleted when you close this.", "Undo"]);
      await page.keyboard.press("Enter"); // the focus is on Undo
      expect(await button(page)).toBe("Delete");
      await page.keyboard.press("Escape");
      await page.reload();
      await remove(page);
      await page.reload(); // before it was certain
      await page.click("#document");
      await waitFor(page, keptCount(1));
    }, { in: own, at: withoutModels!.url }); // biome-ignore format: one call
    await visit("", async (page) => {
      await remove(page);
      await page.keyboard.press("Escape");
      await page.click("#document");
      await waitFor(page, `${keptCount(0)} && ${isShown("kept-hint")}`);
      await page.reload();
      await page.click("#document");
      await waitFor(page, isShown("kept-hint"));
      expect(await page.$$("#kept-models li")).toEqual([]);
    }, { in: own, at: withoutModels!.url }); // biome-ignore format: one call
  }));

test("an opened file can be kept, and downloaded again as it was", () =>
  inOwn(
    (own) =>
    visit("", async (page) => {
      const file = writeModel(model);
      await choose(page, "mine & <b>.safetensors", file);
      await waitFor(page, isFilled("stage"));
      expect([await name(page), await state(page)]).toEqual(["mine & <b>", "in a file"]);
      await page.click("#document");
      await page.click("#keep-model");
      await waitFor(page, `${keptCount(1)} && ${isSaved("kept in this browser")}`);
      expect(await textOf(page, "#kept-models strong")).toBe("mine & <b>");
      expect(await page.$eval("#keep-model", (e) => (e as HTMLButtonElement).disabled)).toBe(true);
      await page.click("#kept-models .source");
      await waitFor(page, `!document.getElementById("models").open`);
      await page.click("#document");
      expect(new Uint8Array(await downloaded(page, "#save-model", "mine & _b_.safetensors"))).toEqual(new Uint8Array(file));
    }, { in: own }), // biome-ignore format: one call
  ));

test("where the browser forbids storage, one line says so, and leaving the page asks", async () => {
  const asked: string[] = [];
  await visit(`view=train&${TINY}`, async (page) => {
    page.on("dialog", (dialog) => asked.push(dialog.type()));
    await trained(page);
    expect(await state(page)).toBe("not saved");
    await page.click("#document");
    await waitFor(page, `document.getElementById("kept-hint").textContent.includes("(Not here)")`);
    await page.click("#keep-model");
    await waitFor(page, isShown("problem"));
    expect(await textOf(page, "#problem")).toBe("This browser can't keep the model (Not here). Download it before you leave.");
    await page.reload();
    expect(asked).toEqual(["beforeunload"]);
  }, { at: forbidding!.url }); // biome-ignore format: one call
});

test("a first visit opens the first model of the page; a link another one, with the tool's settings, also when copied again", () =>
  inOwn(async (own) => {
    const sampler = await openSampler(gpu, model);
    const place = { in: own, at: withModels!.url };
    try {
      await visit("", async (page) => {
        await waitFor(page, `${isFilled("stage")} && ${isNamed("clouds")}`);
        expect(await state(page)).toBe("comes with this page");
        expect(await pixels(page, "picture")).toEqual(toRgb8(await sampler.sample({ seed: 0 })));
        await page.click("#document");
        await waitFor(page, isShown("shipped-section"));
        expect(await page.$$eval("#shipped-models strong", (all) => all.map((e) => e.textContent))).toEqual(["clouds", "tulips"]);
      }, place); // biome-ignore format: one call
      const address = "view=play&model=tulips&tool=sample&number=11&change=0&width=40&seamless=x";
      const size = { width: 40, height: model.sizes.at(-1)!.height };
      const wraps = { x: true, y: false };
      const wanted = repeated(toRgb8(await sampler.sample({ seed: 11, startScale: 1, size, wraps })), wraps);
      let link = "";
      await visit(address, async (page) => {
        await waitFor(page, `${HAS_PICTURE} && ${isNamed("tulips")}`);
        expect(await pixels(page, "picture")).toEqual(wanted);
        link = await copied(page, "#copy-link", "#copy-hint");
        expect(link).toBe(`${withModels!.url}#${address}`);
        expect(await textOf(page, "#copy-hint")).toBe("Copied. The link names tulips and holds the settings.");
      }, place); // biome-ignore format: one call
      await visit("", async (page) => {
        await waitFor(page, `${isFilled("stage")} && ${isNamed("clouds")}`);
        await page.evaluate((to) => { location.href = to; }, link); // biome-ignore format: one line
        await waitFor(page, isNamed("tulips"));
        await expect.poll(() => pixels(page, "picture"), { timeout: LIMIT_MS }).toEqual(wanted);
        // Another source: the address does not name the old one any more, and a link of a photo of one's own holds no name.
        await choose(page, "own.safetensors", writeModel(model));
        await waitFor(page, isNamed("own"));
        expect(await page.evaluate(() => location.hash)).toBe("#view=play");
        expect(await copied(page, "#copy-link", "#copy-hint")).toBe(`${withModels!.url}#view=play&own=yes&tool=sample&number=0&width=40&seamless=x`);
        expect(await textOf(page, "#copy-hint")).toBe("Copied. The link holds the settings, not your photo or model.");
      }, place); // biome-ignore format: one call
      // Such a link says what it can't bring, with the first model and its settings.
      await visit("view=play&own=yes&tool=enlarge&number=4&factor=1.5&details=none", async (page) => {
        await waitFor(page, `${isNamed("clouds")} && ${isShown("problem")}`);
        expect(await textOf(page, "#problem")).toMatch(/^This link was made with a photo or model of somebody’s own, which no link can hold/);
        await waitFor(page, `document.getElementById("results-hint").textContent.startsWith("1.5 times larger, without random details")`);
        expect(await copied(page, "#copy-link", "#copy-hint")).toBe(
          `${withModels!.url}#view=play&model=clouds&tool=enlarge&number=4&factor=1.5&details=none`,
        );
        await page.evaluate(() => {
          location.hash = "#view=play&model=tulips&tool=animate&number=2&frames=3&fps=5&loop=no";
        });
        await waitFor(page, `${isNamed("tulips")} && document.getElementById("animate-form")`);
        expect(await copied(page, "#copy-link", "#copy-hint")).toBe(
          `${withModels!.url}#view=play&model=tulips&tool=animate&number=2&alpha=0.1&beta=0.9&frames=3&fps=5&loop=no`,
        );
        await page.$eval("#tools [value=paint]", (radio) => (radio as HTMLInputElement).click());
        expect(await copied(page, "#copy-link", "#copy-hint")).toBe(`${withModels!.url}#view=play&model=tulips&tool=paint`);
        expect(await textOf(page, "#copy-hint")).toBe(
          "Copied. The link names tulips and holds the tool, but not what you have made with it.",
        );
      }, place); // biome-ignore format: one call
      await visit("instant=citrus&number=5", async (page) => {
        await waitFor(page, `${isFilled("stage")} && ${isNamed("citrus")}`);
        expect(await page.$eval("#sample-seed", (e) => (e as HTMLInputElement).value)).toBe("5");
        expect(await copied(page, "#copy-link", "#copy-hint")).toContain("#view=play&instant=citrus&tool=sample&number=5");
      }, place); // biome-ignore format: one call
    } finally {
      await sampler.dispose();
    }
  }));

test("a link shows nothing but its own photo and pictures, however slow they are", async () => {
  const slow = join(folder, "slow");
  cpSync(join(folder, "shipped"), slow, { recursive: true });
  const begin = (file: string, text: string): void =>
    writeFileSync(join(slow, file), text + readFileSync(join(slow, file), "utf8"));
  begin(
    "linked.js",
    `globalThis.seen = new Set();
    (function look() {
      for (const image of document.querySelectorAll("#play img"))
        if (image.checkVisibility({ visibilityProperty: true })) seen.add(image.getAttribute("src"));
      seen.add(document.getElementById("document-name")?.textContent);
      requestAnimationFrame(look);
    })();\n`,
  );
  // Half a second until the page does anything, and as long after the GPU is there until a photo can be used.
  begin(
    "main.js",
    `const later = () => new Promise((resolve) => setTimeout(resolve, 500));
    const { decode } = HTMLImageElement.prototype;
    HTMLImageElement.prototype.decode = async function () {
      while (document.getElementById("adapter").textContent.startsWith("Looking")) await later();
      await later();
      return decode.call(this);
    };
    await later();\n`,
  );
  const there = await serve(slow);
  try {
    for (const [address, wanted] of [
      ["model=tulips&tool=enlarge", "tulips"],
      ["instant=citrus&tool=sample&number=5", "citrus"],
    ] as const)
      await visit(address, async (page) => {
        await waitFor(page, `${isNamed(wanted)} && ${isFilled("stage")}`);
        expect(new Set(await page.evaluate("[...seen]") as unknown[])).toEqual(new Set([null, "Models", `photos/${wanted}.png`, wanted]));
      }, { at: there.url }); // biome-ignore format: one call
  } finally {
    await there.close();
  }
});

test("the visitor is quicker than the first model; and where it can't be loaded, nothing is said", async () => {
  await visit("", async (page) => {
    await choose(page, "own.safetensors", writeModel(model));
    await waitFor(page, `${isFilled("stage")} && ${isNamed("own")}`);
    await page.waitForNetworkIdle();
    expect(await name(page)).toBe("own");
  }, { at: withModels!.url }); // biome-ignore format: one call
  await visit("", async (page) => {
    await waitFor(page, `!document.getElementById("start").disabled`);
    await page.waitForNetworkIdle();
    expect(await name(page)).toBe("Models");
    expect(await page.$eval("#problem", (e) => (e as HTMLElement).hidden)).toBe(true);
  }, { at: withoutModels!.url }); // biome-ignore format: one call
  await visit("model=clouds", async (page) => {
    await waitFor(page, isShown("problem"));
    expect(await textOf(page, "#problem")).toBe("The model clouds could not be loaded.");
    expect(await page.$eval("#report", (e) => (e as HTMLElement).hidden)).toBe(true);
  }, { at: withoutModels!.url }); // biome-ignore format: one call
});

test("without a GPU there is a report to copy, and no shipped model is loaded", () =>
  inOwn(async (own) => {
    const without = join(folder, "without");
    cpSync(join(folder, "shipped"), without, { recursive: true });
    const worker = join(without, "worker.js");
    writeFileSync(worker, `Object.defineProperty(navigator, "gpu", { value: undefined });\n${readFileSync(worker, "utf8")}`);
    const there = await serve(without);
    try {
      await visit("number=3", async (one) => {
        await waitFor(one, isShown("report"));
        const report = await copied(one, "#copy-report", "#report-hint");
        expect(report).toMatch(/^Page: \d+\.\d+\.\d+/);
        expect(report).toContain("\n  address: #number=3\n");
        expect(report).toMatch(/problem: This browser has no WebGPU\./);
        expect(report).toMatch(/GPU: none was opened/);
        expect(await name(one)).toBe("Models");
        const requested = await one.evaluate(() => performance.getEntriesByType("resource").map((entry) => entry.name));
        expect(requested).toContain(`${there.url}main.js`);
        expect(requested.filter((url) => url.includes("/models/"))).toEqual([]);
        expect((await one.$$("#strip img")).length).toBe(8); // the stored pictures stay
      }, { in: own, at: there.url }); // biome-ignore format: one call
    } finally {
      await there.close();
    }
  }));

test("the benchmark view measures this adapter, can be stopped, and shows stored and shared results", () =>
  visit("view=benchmark&adapter=Some%20GPU&speed1=500,7000", async (page) => {
    const rows = (kind: string): Promise<(string | null)[]> =>
      page.$$eval(`#speeds [data-kind=${kind}]`, (all) => all.map((e) => e.textContent));
    await waitFor(page, `document.querySelectorAll("#speeds [data-kind=stored]").length > 2`);
    expect(await rows("shared")).toEqual(["Somebody’s result: Some GPUfrom a link500 steps/s, 7000 GFLOP/s–"]);
    expect((await rows("stored"))[0]).toMatch(
      /^nvidia-h100-80gb-hbm3Node, 2026-\d\d-\d\d\d+ steps\/s, \d+ GFLOP\/s\d+ steps\/s, \d+ GFLOP\/s$/,
    );
    await waitFor(page, `!document.getElementById("start").disabled`);
    await page.click("#measure");
    await waitFor(page, isShown("measure-progress"));
    await page.click("#measure");
    await waitFor(page, `document.getElementById("measure-status").textContent === "Stopped."`);
    expect(await rows("own")).toEqual([]);
    await page.click("#measure");
    await waitFor(page, `document.getElementById("measure-status").textContent === "Measured."`);
    expect((await rows("own"))[0]).toMatch(/^Yours: .*\(software\)this browser, now[\d.]+ steps\/s, [\d.]+ GFLOP\/s/);
    const link = await copied(page, "#copy-result", "#measure-status");
    expect(link).toMatch(/#view=benchmark&adapter=.*&speed1=[\d.]+%2C[\d.]+$/);
    await page.evaluate((to) => { location.href = to; }, link); // biome-ignore format: one line
    await waitFor(page, `document.querySelector("#speeds [data-kind=shared]").textContent.includes("software")`);
  }));
