// Faults that users found in the page, in headless Chrome: each stays mended.

import type { ElementHandle, Page } from "puppeteer";
import { describe, expect, test } from "vitest";
import { launchBrowser } from "../../harness/browser.ts";
import { readPng } from "../../src/image/png.ts";
import {
  choose,
  downloaded,
  isDone,
  isFilled,
  isShown,
  isState,
  newSample,
  pixels,
  play,
  savedModel,
  server,
  start,
  striped,
  TINY,
  textOf,
  visit,
  waitFor,
} from "./demo-page.ts";

/** Within it, the shaders of one size are compiled, which nothing interrupts. */
const STOP_MS = 4000;

const focused = (page: Page): Promise<string> => page.evaluate("document.activeElement.id") as Promise<string>;
const dialogs = (page: Page): string[] => {
  const shown: string[] = [];
  page.on("dialog", (dialog) => shown.push(dialog.message())); // visit() accepts them
  return shown;
};

test("pictures outlive a crash of the GPU process, and are saved from what was made, not from what is on screen", async () => {
  const other = await launchBrowser({ flags: ["--disable-gpu-process-crash-limit", "--disable-domain-blocking-for-3d-apis"] });
  try {
    const session = await other.target().createCDPSession();
    const work = async (page: Page): Promise<void> => {
      await start(page);
      await waitFor(page, isDone);
      await play(page);
      await page.evaluate(`document.addEventListener("contextrestored", () => (globalThis.isRestored = true), true)`);
      void session.send("Browser.crashGpuProcess").catch(() => {});
      await waitFor(page, "globalThis.isRestored");
      const sample = readPng(await downloaded(page, "#save-sample", "tulips-seed-0.png"));
      expect(new Set(sample.data).size).toBeGreaterThan(20);
      await expect.poll(() => pixels(page, "picture")).toEqual(sample);
      await page.$eval("#picture", (canvas) => (canvas as HTMLCanvasElement).getContext("2d")!.clearRect(0, 0, 99, 99));
      await newSample(page, "#new-sample", 1);
      await page.$eval("#picture", (canvas) => (canvas as HTMLCanvasElement).getContext("2d")!.clearRect(0, 0, 99, 99));
      expect(new Set(readPng(await downloaded(page, "#save-sample", "tulips-seed-1.png")).data).size).toBeGreaterThan(20);
      await page.click("#to-train");
      await page.click("#details > summary");
      for (const id of ["real", "reconstruction", "preview", "chart"])
        await expect.poll(async () => new Set((await pixels(page, id)).data).size, { message: id }).toBeGreaterThan(20);
    };
    await visit(TINY, work, { in: other });
  } finally {
    await other.close();
  }
});

test("a finished model: the focus goes to new pictures, its end is announced, and another training does not give it up", () =>
  visit(TINY, async (page) => {
    const asked = dialogs(page);
    const said = page.evaluate(`new Promise((resolve) => new MutationObserver((_, observer) => {
      if (!announcer.textContent.startsWith("Done")) return;
      observer.disconnect();
      resolve(announcer.textContent);
    }).observe(announcer, { childList: true }))`);
    await waitFor(page, `!document.getElementById("start").disabled`);
    await page.focus("#start");
    await page.keyboard.press("Enter");
    await waitFor(page, isDone);
    expect(await focused(page)).toBe("play-model");
    expect(await said).toBe("Done. Make as many new pictures as you like.");

    const first = await play(page);
    await page.click("#to-train");
    await start(page); // another training gives up nothing
    await page.click("#to-play");
    await newSample(page, "#new-sample", 1);
    await page.click("#to-train");
    await waitFor(page, isDone);
    await page.click("#to-play");
    await page.click("#strip li:first-child button");
    await waitFor(page, isShown(0));
    expect(await pixels(page, "picture")).toEqual(first);
    expect(asked).toEqual([]);
  }));

test("a training of days begins only where the visitor agrees; until then nothing is given up, and timing the GPU shows progress and can be stopped", () =>
  visit(
    "view=train&photo=tulips&maxSize=40&iterations=100000&channels=16",
    async (page) => {
      const asked = dialogs(page);
      await page.evaluate(`globalThis.said = []; new MutationObserver(() => said.push(document.getElementById("status").textContent))
        .observe(document.getElementById("status"), { childList: true })`);
      await start(page);
      await waitFor(page, `said.some((line) => /^Timing this GPU … [1-9]/.test(line))`);
      await page.click("#stop");
      const stopped = performance.now();
      await waitFor(page, isState("idle"));
      expect(performance.now() - stopped).toBeLessThan(STOP_MS);
      expect([asked, await textOf(page, "#status")]).toEqual([[], "Not started."]);

      await start(page);
      await expect.poll(() => asked.length, { timeout: 60_000 }).toBe(1);
      await waitFor(page, isState("idle"));
      expect(asked[0]).toMatch(/^This training takes about \d+ h.* on this GPU\. Begin\?$/);
      expect(await textOf(page, "#status")).toBe("Not started.");
      expect(await page.$eval("#unfinished", (bar) => (bar as HTMLElement).hidden)).toBe(true);
    },
    { refused: /^This training takes/ },
  ));

test("an invalid value in the closed part of the settings opens it", () =>
  visit(TINY, async (page) => {
    await waitFor(page, `!document.getElementById("start").disabled`);
    await page.$eval("#channels", (field) => {
      (field as HTMLInputElement).value = "1000";
    });
    await page.$eval("#advanced", (details) => {
      (details as HTMLDetailsElement).open = false;
    });
    await page.click("#start");
    expect(await page.$eval("#advanced", (details) => (details as HTMLDetailsElement).open)).toBe(true);
    expect(await focused(page)).toBe("channels");
    expect(await page.evaluate("document.body.dataset.state")).toBe("idle");
  }));

test("another photo after a training: nothing of the old one stands beside it, and the model keeps its photo's name", () =>
  visit(TINY, async (page) => {
    await start(page);
    await waitFor(page, isDone);
    await play(page);
    await page.click("#to-train");
    await page.click("#gallery [value=clouds]");
    await waitFor(page, `document.getElementById("plan").textContent === ""`);
    expect(await textOf(page, "#status")).toBe("Not started.");
    expect(await page.evaluate(isFilled("preview"))).toBe(false);
    await page.click("#to-play");
    await newSample(page, "#new-sample", 1);
    expect(await textOf(page, "#document-name")).toBe("tulips");
  }));

describe("files", () => {
  test("a fresh browser opens the model that the page saves, and makes the same pictures; damaged and strange ones are refused in one line", () =>
    visit(TINY, async (page) => {
      await start(page);
      await waitFor(page, isDone);
      const sample = await play(page);
      const bytes = await savedModel(page, "tulips");
      const fresh = await launchBrowser();
      const reopen = async (other: Page): Promise<void> => {
        await waitFor(other, `!document.getElementById("start").disabled`);
        await choose(other, "my-model.safetensors", bytes);
        await waitFor(other, isShown(0));
        expect(await textOf(other, "#document-name")).toBe("my-model");
        expect(await textOf(other, "#results-hint")).toBe("Picture 0, 30×30 px.");
        expect(await pixels(other, "picture")).toEqual(sample);
        expect((await newSample(other, "#new-sample", 1)).data).not.toEqual(sample.data);
        const broken = bytes.slice();
        broken[broken.length - 9]! ^= 1;
        for (const [name, content, message] of [
          [
            "broken.safetensors",
            broken,
            "“broken.safetensors”: the model file is damaged: its checksum does not fit its contents.",
          ],
          ["text.safetensors", new TextEncoder().encode("no model"), "“text.safetensors”: not a safetensors file"],
        ] as const) {
          await choose(other, name, content);
          await waitFor(other, `document.getElementById("problem").textContent.startsWith(${JSON.stringify(message)})`);
        }
        expect((await newSample(other, "#new-sample", 2)).width).toBe(30); // the open model is still there
      };
      await visit("view=train&photo=clouds", reopen, { in: fresh }).finally(() => fresh.close());
    }));

  test("a size is told as the file has it; of several files the first is used, and the page says so; a reload says that it has forgotten the photo", () =>
    visit("view=train&photo=clouds", async (page) => {
      await choose(page, "long.png", striped(3000, 20));
      await waitFor(page, `document.getElementById("problem").textContent.startsWith("“long” has 3000×20 pixels")`);
      await choose(page, "thin.png", striped(3000, 30));
      const thin = "“thin” has 3000×30 pixels; its short side needs at least 37.";
      await waitFor(page, `document.getElementById("problem").textContent === ${JSON.stringify(thin)}`);
      const input = (await page.$("#file")) as ElementHandle<HTMLInputElement>;
      expect(await input.evaluate((field) => field.multiple)).toBe(false);
      await page.evaluate(
        (first, second) => {
          const data = new DataTransfer();
          for (const [i, bytes] of [first, second].entries())
            data.items.add(new File([new Uint8Array(bytes)], `${i}.png`, { type: "image/png" }));
          document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: data }));
        },
        [...striped(31, 30)],
        [...striped(40, 30)],
      );
      await waitFor(page, `document.querySelector("#gallery :checked").value === "own"`);
      expect(await pixels(page, "real")).toMatchObject({ width: 31 });
      expect(await textOf(page, "#problem")).toBe("Two files were dropped. The first one, “0.png”, is used.");
      expect(await page.evaluate("location.hash")).toContain("photo=own");
      await page.reload();
      await waitFor(
        page,
        `/^This is an example in place of your own photo/.test(document.getElementById("problem").textContent)`,
      );
      await waitFor(page, isFilled("real"));
      expect(await textOf(page, "#problem")).toMatch(/^This is an example/); // also once the example is there
      await page.click("#gallery [value=blossom]");
      await waitFor(page, `document.getElementById("problem").hidden`);
    }));

  test("a picture of the page itself that is dragged is not taken for a file", () =>
    visit("view=train&photo=clouds", async (page) => {
      await waitFor(page, isFilled("real"));
      const isLeftToBrowser = await page.evaluate(() => {
        const picture = document.querySelector("#gallery img")!;
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(3)], "tulips.png", { type: "image/png" })); // as browsers do
        return ["dragstart", "dragover", "drop", "dragend"].map((kind) =>
          picture.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: data })),
        );
      });
      expect(isLeftToBrowser).toEqual([true, true, true, true]);
    }));

  test("each bundled photo is sent once, and all that are sent can be chosen", async () => {
    const page = await (await launchBrowser()).newPage();
    const sent: string[] = [];
    page.on("request", (request) => request.url().includes("/photos/") && sent.push(new URL(request.url()).pathname));
    await page.goto(`${server.url}#view=train`);
    await waitFor(page, isFilled("real"));
    await page.click("#gallery [value=citrus]");
    await waitFor(page, `document.getElementById("real").height === 169`);
    expect(sent.sort()).toEqual([...new Set(sent)]);
    await page.browser().close();
  });
});
