// The page stays free while it trains, makes pictures and is drawn on, in headless Chrome: no task of the main thread takes over 50 ms of
// processor time, and nothing moves by itself.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PNG } from "pngjs";
import type { ElementHandle, Page } from "puppeteer";
import { expect, test } from "vitest";
import { folder, isDone, isShown, play, start, visit, waitFor } from "./demo-page.ts";

const LONGEST_TASK_MS = 50;
const MOST_SHIFT = 0.05;
/** Names the page's main thread in a trace. */
const MARK = "smooth.test";

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** µs. */
  readonly ts: number;
  readonly dur?: number;
  /** Processor time of the thread, µs. */
  readonly tdur?: number;
  readonly args: { readonly data?: { readonly message?: string } };
}

/** The main thread's tasks while `work` runs: processor times in ms, longest first, and what the longest one did. */
async function tasksDuring(
  page: Page,
  work: () => Promise<void>,
): Promise<{ readonly times: number[]; readonly longest: string }> {
  await page.tracing.start({ categories: ["disabled-by-default-devtools.timeline", "devtools.timeline"] });
  await page.evaluate((message) => console.timeStamp(message), MARK); // the browser has pages of its own, which are traced, too
  await work();
  const { traceEvents } = JSON.parse(new TextDecoder().decode(await page.tracing.stop())) as { traceEvents: TraceEvent[] };
  const mark = traceEvents.find(({ name, args }) => name === "TimeStamp" && args.data?.message === MARK)!;
  const isMain = ({ pid, tid }: TraceEvent): boolean => pid === mark.pid && tid === mark.tid;
  const tasks = traceEvents
    .filter((event) => event.name === "RunTask" && event.tdur !== undefined && isMain(event))
    .sort((a, b) => b.tdur! - a.tdur!);
  const { ts, dur } = tasks[0]!;
  const parts = traceEvents.filter((one) => isMain(one) && one.ts > ts && one.ts < ts + dur! && (one.tdur ?? 0) > 5000);
  const longest = parts.map(({ name, tdur }) => `${name} ${Math.round(tdur! / 1000)} ms`).join(", ");
  return { times: tasks.map(({ tdur }) => tdur! / 1000), longest };
}

test.each([
  ["a wide screen", { width: 1280, height: 800 }],
  ["a phone", { width: 390, height: 844 }],
])("a training to its end and eight samples, on %s", (_, viewport) =>
  visit("view=train&photo=tulips&maxSize=40&iterations=20&channels=4", async (page) => {
    await page.setViewport(viewport);
    await page.evaluate(`globalThis.shifts = 0; new PerformanceObserver((list) => {
      for (const one of list.getEntries()) if (!one.hadRecentInput) shifts += one.value;
    }).observe({ type: "layout-shift", buffered: true })`);
    await waitFor(page, `!document.getElementById("start").disabled`);
    const { times, longest } = await tasksDuring(page, async () => {
      await start(page);
      await waitFor(page, isDone);
      await play(page);
      await waitFor(page, `document.querySelectorAll("#strip button:enabled").length === 8`);
    });
    expect(times.length).toBeGreaterThan(100);
    expect(times[0], longest).toBeLessThan(LONGEST_TASK_MS);
    expect(await page.evaluate("shifts")).toBeLessThan(MOST_SHIFT);
  }),
);

const isComplete = `document.querySelectorAll("#strip button:disabled, #strip [aria-busy=true]").length === 0`;

const useTool = (page: Page, tool: string): Promise<void> =>
  page.$eval(`#tools [value=${tool}]`, (radio) => (radio as HTMLInputElement).click());

/** Presses the picture at the first point, in shares of its size, moves to the others, and releases. */
async function drag(page: Page, ...points: readonly (readonly [x: number, y: number])[]): Promise<void> {
  const { x, y, width, height } = (await (await page.$("#picture"))!.boundingBox())!;
  for (const [i, [across, down]] of points.entries()) {
    await page.mouse.move(x + across * width, y + down * height, { steps: i === 0 ? 1 : 40 });
    if (i === 0) await page.mouse.down();
  }
  await page.mouse.up();
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What a visitor does with a model, in this order. */
const DOINGS: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  async painting(page) {
    await useTool(page, "paint");
    await drag(page, [0.1, 0.3], [0.9, 0.4], [0.1, 0.8]);
    await drag(page, [0.5, 0.1], [0.4, 0.9]);
    await waitFor(page, isComplete);
  },
  async "moving a part"(page) {
    await useTool(page, "edit");
    await waitFor(page, isComplete);
    await drag(page, [0.2, 0.2], [0.6, 0.6]);
    await drag(page, [0.4, 0.4], [0.7, 0.5], [0.5, 0.7]);
    await waitFor(page, isComplete);
  },
  async "placing an object"(page) {
    await useTool(page, "harmonize");
    const path = join(folder, "object.png");
    const png = new PNG({ width: 200, height: 200 });
    for (let p = 0; p < 200 * 200; p++) png.data.set([230, 120 + (p % 60), 20, p % 200 < 150 ? 255 : 0], 4 * p);
    writeFileSync(path, PNG.sync.write(png));
    await ((await page.$("#object-file")) as ElementHandle<HTMLInputElement>).uploadFile(path);
    await waitFor(page, `!document.getElementById("object-place").disabled`);
    await waitFor(page, isComplete);
    await drag(page, [0.5, 0.5], [0.7, 0.4], [0.3, 0.6]);
    await waitFor(page, isComplete);
  },
  async "comparing before and after"(page) {
    await useTool(page, "enlarge");
    await waitFor(page, `!document.getElementById("split").disabled`);
    await drag(page, [0.5, 0.5], [0.9, 0.5], [0.1, 0.5]);
    await page.focus("#split");
    for (let i = 0; i < 20; i++) await page.keyboard.press("ArrowRight");
  },
  async "an animation that plays"(page) {
    await useTool(page, "animate");
    await waitFor(page, isComplete);
    await wait(2000);
  },
  async "the models and the views"(page) {
    await page.click("#document");
    await waitFor(page, `document.querySelectorAll("#shipped-models canvas, #shipped-models img").length > 0`);
    await page.keyboard.press("Escape");
    for (const view of ["train", "how", "play"]) {
      await page.click(`#to-${view}`);
      await wait(500);
    }
  },
};

test("drawing in the tools, and changing the view", () =>
  visit("", async (page) => {
    await page.setViewport({ width: 1280, height: 800 });
    await waitFor(page, `${isShown(0)} && document.querySelectorAll("#strip button:enabled").length === 8`);
    for (const [doing, work] of Object.entries(DOINGS)) {
      const { times, longest } = await tasksDuring(page, () => work(page));
      expect.soft(times[0], `${doing}: ${longest}`).toBeLessThan(LONGEST_TASK_MS);
    }
  }));
