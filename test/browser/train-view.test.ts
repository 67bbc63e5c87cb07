// The view Train in headless Chrome: cards with forecasts, the staircase, the judge, what Stop and a lost GPU leave behind, and a steady layout.

import type { Page } from "puppeteer";
import { describe, expect, test } from "vitest";
import { launchBrowser } from "../../harness/browser.ts";
import { SERIES } from "../../src/demo/chart.ts";
import { readModel } from "../../src/singan/recipes.ts";
import { isFilled, isState, LIMIT_MS, pixels, savedModel, start, textOf, visit, waitFor } from "./demo-page.ts";

/** Three scales of 25 to 30 px that take some seconds. */
const SHORT = "view=train&photo=tulips&maxSize=30&iterations=40&channels=4&seed=7";
/** The same with too many iterations to end before a test stops it. */
const LONG = "view=train&photo=tulips&maxSize=30&iterations=5000&channels=4";
/** Puppeteer keeps hidden tabs at full speed with these. */
const UNTHROTTLED = [
  "--disable-background-timer-throttling",
  "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding",
];
/** "Start within 2 s." */
const SOON_MS = 2000;
/** Less than this is a good page by the Web Vitals. */
const MOST_SHIFT = 0.05;

const has = (count: number): string => `document.querySelectorAll("#scales li").length >= ${count}`;
const isDisabled = (page: Page, id: string): Promise<boolean> => page.$eval(`#${id}`, (e) => (e as HTMLButtonElement).disabled);
const isHidden = (page: Page, id: string): Promise<boolean> => page.$eval(`#${id}`, (e) => (e as HTMLElement).hidden === true);
const textNow = (id: string): string => `document.getElementById("${id}").textContent`;

describe("a training", () => {
  test.each([
    ["wide", { width: 1280, height: 800 }],
    ["phone", { width: 390, height: 844 }],
  ] as const)(
    "%s: nothing jumps, the sample is in view, each scale is told and can be seen large, the end is announced",
    (name, viewport) =>
      visit(SHORT, async (page) => {
        await page.setViewport(viewport);
        await waitFor(page, `!document.getElementById("start").disabled && ${isFilled("real")}`);
        await page.evaluate(`(() => {
        globalThis.shift = 0;
        new PerformanceObserver((list) => {
          for (const one of list.getEntries()) if (!one.hadRecentInput) globalThis.shift += one.value;
        }).observe({ type: "layout-shift" });
        for (const [key, id] of [["told", "narration"], ["said", "announcer"]]) {
          globalThis[key] = [];
          const note = () => globalThis[key].push(document.getElementById(id).textContent);
          new MutationObserver(note).observe(document.getElementById(id), { childList: true });
        }
        globalThis.titles = [];
        new MutationObserver(() => titles.push(document.title)).observe(document.querySelector("title"), { childList: true });
      })()`);
        await page.focus("#start");
        await page.keyboard.press("Enter");
        expect(await page.evaluate("document.activeElement.id")).toMatch(/^(status|pause)$/); // not Stop
        await waitFor(page, has(1));
        expect(await page.evaluate("document.activeElement.id")).toBe("pause");
        const [top, bottom] = await page.$eval("#preview", (e) => [
          e.getBoundingClientRect().top,
          e.getBoundingClientRect().bottom,
        ]);
        expect(top).toBeGreaterThanOrEqual(0);
        expect(bottom).toBeLessThanOrEqual(viewport.height);
        await waitFor(page, isState("idle"));

        expect(await textOf(page, "#status")).toMatch(/^Done/);
        expect(await page.evaluate("document.activeElement.id")).toBe("play-model");
        expect(await page.evaluate("told.filter((line) => line.startsWith('Now'))")).toEqual([
          "Now it learns what lies where: areas, about 13 px wide of 30.",
          "Now it learns large shapes, about 12 px wide of 30.",
          "Now it learns the finest details, about 11 px wide of 30.",
        ]);
        const titles = (await page.evaluate("titles")) as string[];
        expect(titles.some((title) => /^\d+ % · tulips · SinGAN$/.test(title))).toBe(true);
        expect(await page.title()).toBe("Done · tulips · SinGAN");
        await waitFor(page, `said.some((line) => line.startsWith("Done"))`);
        expect(await page.evaluate("shift")).toBeLessThan(MOST_SHIFT);

        const heights = await page.$$eval("#scales canvas", (all) => all.map((one) => one.getBoundingClientRect().height));
        expect(heights.length).toBe(3);
        expect(heights[0]! < heights[1]! && heights[1]! < heights[2]!).toBe(true);
        const newest = await pixels(page, "preview");
        await page.click("#scales li:first-child button");
        expect(await pixels(page, "preview")).toMatchObject({ width: 25, height: 25 });
        expect(await textOf(page, "#preview-caption")).toBe("Scale 1 · 25×25 px");
        await page.click("#show-live");
        expect(await pixels(page, "preview")).toEqual(newest);
        if (name === "wide") return;
        expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
      }),
  );

  test("goes on to its end in a hidden tab; the title says so until the tab is seen", async () => {
    const other = await launchBrowser({ ignoreDefaultFlags: UNTHROTTLED });
    const work = async (page: Page): Promise<void> => {
      const title = await page.title();
      await start(page);
      await waitFor(page, isState("training"));
      await (await other.newPage()).bringToFront();
      await waitFor(page, `document.hidden && ${isState("training")}`);
      await waitFor(page, isState("idle"));
      expect(await page.evaluate("document.hidden")).toBe(true);
      expect(await textOf(page, "#status")).toMatch(/^Done/);
      expect(await page.title()).toBe("Done · tulips · SinGAN");
      await page.bringToFront();
      await waitFor(page, `document.title === ${JSON.stringify(title)}`);
    };
    await visit("view=train&photo=tulips&maxSize=30&iterations=100&channels=4", work, { in: other }).finally(() => other.close());
  });

  test("the judge colours the live sample while it is wanted, and a legend says how", () =>
    visit(LONG, async (page) => {
      /** How many pixels are grey: a judged border is. */
      const greys = async (): Promise<number> => {
        const { data } = await pixels(page, "preview");
        return Array.from({ length: data.length / 3 }, (_, i) => data.subarray(3 * i, 3 * i + 3)).filter(
          ([red, green, blue]) => red === green && green === blue,
        ).length;
      };
      expect(await isDisabled(page, "judge")).toBe(true);
      await start(page);
      await waitFor(page, isFilled("preview"));
      expect(await greys()).toBeLessThan(300);
      await page.click("#judge");
      expect(await isHidden(page, "judge-legend")).toBe(false);
      await expect.poll(greys, { timeout: LIMIT_MS }).toBeGreaterThan(25 * 25 - 15 * 15 - 1);
      const { data } = await pixels(page, "preview");
      expect(data.some((value, i) => i % 3 === 2 && value > data[i - 2]! + 20)).toBe(true); // blue
      expect(data.some((value, i) => i % 3 === 0 && value > data[i + 2]! + 20)).toBe(true); // orange
      await page.click("#judge");
      expect(await greys()).toBeLessThan(300);
      expect(await isHidden(page, "judge-legend")).toBe(true);
    }));

  test("Stop is far from Pause and can be undone: the bar offers to continue, at once and with what was learnt", () =>
    visit(SHORT, async (page) => {
      await start(page);
      await waitFor(page, has(1));
      const [pause, stop] = await page.$$eval("#pause, #stop", (both) =>
        both.map((one) => (({ left, right, top, bottom }) => ({ left, right, top, bottom }))(one.getBoundingClientRect())),
      );
      expect(Math.max(stop!.left - pause!.right, stop!.top - pause!.bottom)).toBeGreaterThan(44);
      await page.click("#stop");
      expect(await isHidden(page, "unfinished")).toBe(false);
      expect(await textOf(page, "#unfinished-text")).toMatch(
        /^Training of tulips stopped at \d+ %\. It is kept in this browser\.$/,
      );
      await waitFor(page, isState("idle"));
      const scales = await page.$$eval("#scales li", (all) => all.length);
      await waitFor(page, `!document.getElementById("continue").disabled`);
      await page.click("#continue");
      await waitFor(page, `${isState("training")} && ${has(scales)}`);
      await waitFor(page, isState("idle"));
      expect(await textOf(page, "#status")).toMatch(/^Done/);
      expect(await isHidden(page, "unfinished")).toBe(true);
    }));
});

describe("the cards", () => {
  const UNTIMED = "view=train&photo=tulips";

  test("tell size, memory and then time; too long a training is refused with the reason; other settings, other forecasts", () =>
    visit(UNTIMED, async (page) => {
      await waitFor(page, `/Timing this GPU.* [1-9]\\d* %/.test(${textNow("forecast-hint")})`);
      expect(await textOf(page, "#facts-balanced")).toMatch(/^160×\d+ px · [\d,]+ MB$/);
      await waitFor(page, `${textNow("forecast-hint")} === ""`);
      for (const preset of ["auto", "preview"])
        expect(await textOf(page, `#facts-${preset}`)).toMatch(/^48×\d+ px · about \d+ (min|h).* · [\d,]+ MB$/);
      expect(await textOf(page, "#facts-full")).toMatch(/^Too slow here: it would take about \d+ h.*\.$/);
      expect(await page.$eval("#cards [value=full]", (radio) => (radio as HTMLInputElement).disabled)).toBe(true);
      expect(await page.$eval("#cards [value=auto]", (radio) => (radio as HTMLInputElement).checked)).toBe(true);
      await page.$eval("#advanced", (details) => {
        (details as HTMLDetailsElement).open = true;
      });
      await page.type("#maxSize", "30");
      await page.type("#iterations", "5");
      await waitFor(page, `/^30×30 px · about/.test(${textNow("facts-auto")})`);
      const own = (): Promise<string[]> =>
        page.$$eval("#cards label", (all) =>
          all.filter((one) => one.querySelector("i")!.checkVisibility()).map((one) => one.querySelector("input")!.value),
        );
      expect(await own()).toEqual(["auto"]);
      expect(new URL(page.url()).hash).toBe("#view=train&maxSize=30&iterations=5");
      // They are the chosen card's, with which it may fit; the other cards stay what they are.
      await waitFor(page, `/^Too slow here/.test(${textNow("facts-full")})`);
      await page.click("#cards label:has([value=full])");
      expect(await own()).toEqual(["full"]);
      await waitFor(page, `/^30×30 px · about/.test(${textNow("facts-full")}) && /^48×/.test(${textNow("facts-auto")})`);
      expect(await isDisabled(page, "start")).toBe(false);
      const background = (value: string): Promise<string> =>
        page.$eval(`#cards label:has([value=${value}])`, (label) => getComputedStyle(label).backgroundColor);
      expect(await background("full")).not.toBe(await background("auto"));
    }));

  test("a preset of the address is chosen; where it is too slow here, Start is disabled until another one is", () =>
    visit("view=train&photo=clouds&preset=full", async (page) => {
      await waitFor(page, `/^Too slow here/.test(${textNow("facts-full")})`);
      expect(await page.$eval("#cards :checked", (radio) => (radio as HTMLInputElement).value)).toBe("full");
      expect(await isDisabled(page, "start")).toBe(true);
      await page.focus("#cards :checked");
      await page.click("#cards label:has([value=preview])");
      expect(await isDisabled(page, "start")).toBe(false);
      expect(new URL(page.url()).hash).toBe("#view=train&photo=clouds&preset=preview");
    }));

  test("a quick look begins at once while the GPU is timed; any other training waits, and stops at once", () =>
    visit(`${UNTIMED}&preset=preview&channels=4&iterations=500`, async (page) => {
      const timing = `/Timing this GPU/.test(${textNow("forecast-hint")})`;
      await waitFor(page, timing);
      await page.click("#start");
      const started = performance.now();
      await waitFor(page, isState("training"));
      expect(performance.now() - started).toBeLessThan(SOON_MS);
      expect(await textOf(page, "#forecast-hint")).toBe("");
      await page.click("#stop");
      await waitFor(page, isState("idle"));

      await page.click("#cards label:has([value=auto])");
      await page.$eval("#iterations", (field) => {
        (field as HTMLInputElement).value = "";
        field.dispatchEvent(new Event("input", { bubbles: true }));
      });
      await waitFor(page, timing);
      await page.click("#start");
      await waitFor(page, `${isState("preparing")} && /^Timing this GPU … [1-9]/.test(${textNow("status")})`);
      await page.click("#stop");
      const stopped = performance.now();
      await waitFor(page, isState("idle"));
      expect(performance.now() - stopped).toBeLessThan(SOON_MS);
      expect(await textOf(page, "#status")).toBe("Not started.");
    }));
});

test("no two fields are called Seed, no two pictures have one name, and every curve is explained", () =>
  visit("view=train&photo=tulips", async (page) => {
    const labels = await page.$$eval("label", (all) => all.map((label) => label.textContent?.trim()));
    expect(await page.$eval("label[for=seed]", (label) => label.textContent)).toBe("Training seed");
    expect(labels.filter((label) => /^seed$/i.test(label ?? ""))).toEqual([]);
    expect(await textOf(page, "#advanced")).toContain("not the number of a picture");
    const pictures = await page.$$eval("#train canvas", (all) => all.map((one) => one.ariaLabel));
    expect(pictures).toEqual([...new Set(pictures)]);
    const explained = await page.$$eval("#details dt", (all) => all.map((one) => one.textContent));
    expect(explained).toEqual(["Two networks", ...SERIES.map(({ label }) => label)]);
  }));

/** Whether the curves, their names and the plan are in sight. */
const losses = (page: Page): Promise<boolean[]> =>
  page.$$eval("#chart, #legend, #plan", (all) => all.map((one) => one.checkVisibility()));

test("changing the view keeps a finished training and its pictures; its details are in sight once there are any", () =>
  visit(SHORT, async (page) => {
    await page.click("#details summary");
    expect(await losses(page)).toEqual([false, false, false]);
    await start(page);
    await waitFor(page, `${isState("idle")} && ${has(3)}`);
    expect(await losses(page)).toEqual([true, true, true]);
    await page.click("#to-play");
    await page.click("#to-train");
    await waitFor(page, `document.body.dataset.view === "train"`);
    expect(await page.$$eval("#scales li", (all) => all.length)).toBe(3);
    expect(await textOf(page, "#status")).toMatch(/^Done/);
    await page.click("#gallery [value=clouds]");
    await waitFor(page, `${textNow("play-model")} === "Play with tulips"`);
    expect(await page.$$eval("#scales li", (all) => all.length)).toBe(0);
    await page.click("#play-model");
    await waitFor(page, `document.getElementById("document-name").textContent === "tulips"`);
  }));

test("after a second crash of the GPU process nothing can be started in vain: the model is kept, and so is the training", async () => {
  const other = await launchBrowser(); // with Chrome's own limit of crashes
  try {
    const session = await other.target().createCDPSession();
    const crash = (): void => void session.send("Browser.crashGpuProcess").catch(() => {});
    const work = async (page: Page): Promise<void> => {
      await start(page);
      await waitFor(page, has(1));
      crash();
      await waitFor(page, isState("recovering"));
      await waitFor(page, `${isState("training")} && document.getElementById("progress").value > 0.34`);
      crash();
      await waitFor(page, isState("blocked"));
      await waitFor(
        page,
        `/^The GPU was lost, .* The training is saved: reload the page, then choose Continue\\.$/.test(${textNow("problem")})`,
      );
      await waitFor(page, `!document.getElementById("unfinished").hidden`);
      for (const id of ["start", "continue", "discard", "stop", "pause"])
        expect([id, await isDisabled(page, id)]).toEqual([id, true]);
      expect(await textOf(page, "#unfinished-text")).toMatch(/^Training of tulips stopped at [3-9]\d %/);
      await page.click("#play-model");
      const model = readModel(await savedModel(page, "tulips"));
      expect(model.scales.length).toBeGreaterThanOrEqual(1);
    };
    await visit("view=train&photo=tulips&maxSize=30&iterations=300&channels=4", work, {
      in: other,
      expected: /WebGPU|adapter|lost/i,
    });
  } finally {
    await other.close();
  }
});
