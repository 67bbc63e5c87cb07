// The page stays free while it trains and makes pictures, in headless Chrome: no task of the main thread takes over 50 ms of processor time, and
// nothing moves by itself.

import type { Page } from "puppeteer";
import { expect, test } from "vitest";
import { isDone, play, start, visit, waitFor } from "./demo-page.ts";

const LONGEST_TASK_MS = 50;
const MOST_SHIFT = 0.05;

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  /** Processor time of the thread, µs. */
  readonly tdur?: number;
  readonly args: { readonly name?: string };
}

/** Processor times of the main thread's tasks while `work` runs, in ms, longest first. */
async function tasksDuring(page: Page, work: () => Promise<void>): Promise<number[]> {
  await page.tracing.start({ categories: ["disabled-by-default-devtools.timeline", "devtools.timeline", "__metadata"] });
  await work();
  const { traceEvents } = JSON.parse(new TextDecoder().decode(await page.tracing.stop())) as { traceEvents: TraceEvent[] };
  const main = traceEvents.filter(({ ph, name, args }) => ph === "M" && name === "thread_name" && args.name === "CrRendererMain");
  const isMain = ({ pid, tid }: TraceEvent): boolean => main.some((one) => one.pid === pid && one.tid === tid);
  const tasks = traceEvents.filter((event) => event.name === "RunTask" && event.tdur !== undefined && isMain(event));
  return tasks.map(({ tdur }) => tdur! / 1000).sort((a, b) => b - a);
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
    const tasks = await tasksDuring(page, async () => {
      await start(page);
      await waitFor(page, isDone);
      await play(page);
      await waitFor(page, `document.querySelectorAll("#strip button:enabled").length === 8`);
    });
    expect(tasks.length).toBeGreaterThan(100);
    expect(tasks[0]).toBeLessThan(LONGEST_TASK_MS);
    expect(await page.evaluate("shifts")).toBeLessThan(MOST_SHIFT);
  }),
);
