// The page stays free while it trains and makes pictures, in headless Chrome: no task of the main thread takes over 50 ms of processor time, and
// nothing moves by itself.

import type { Page } from "puppeteer";
import { expect, test } from "vitest";
import { isDone, play, start, visit, waitFor } from "./demo-page.ts";

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
