// The page on narrow screens, with large text, under fingers, and in forced colours, in headless Chrome.

import type { CDPSession, Page } from "puppeteer";
import { describe, expect, test } from "vitest";
import { choose, click, isShown, isState, LONG, start, striped, visit, waitFor } from "./demo-page.ts";
import { file, model } from "./tiny-model.ts";

const PHONE = { width: 390, height: 844 };

/** Without a reload, which puppeteer's own emulation of touch needs. */
async function usePhone(page: Page): Promise<CDPSession> {
  await page.setViewport(PHONE);
  const session = await page.createCDPSession();
  await session.send("Emulation.setTouchEmulationEnabled", { enabled: true });
  return session;
}

/** Opens the tiny model in Play. */
async function openModel(page: Page): Promise<void> {
  await choose(page, "tiny.safetensors", file);
  // The page opens a model by itself, too, whose picture 0 is larger.
  const { width, height } = model.sizes.at(-1)!;
  const shown = `document.getElementById("results-hint").textContent === "Picture 0, ${width}×${height} px."`;
  await waitFor(page, `document.getElementById("document-name").textContent === "tiny" && ${shown}`);
}

/** Whether all of an element is on the screen, and nothing covers its middle. */
const isSeen = (page: Page, selector: string): Promise<boolean> =>
  page.$eval(selector, (element) => {
    const { left, right, top, bottom } = element.getBoundingClientRect();
    const at = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    return left >= 0 && right <= innerWidth && top >= 0 && bottom <= innerHeight && element.contains(at);
  });

const tools = (page: Page): Promise<string[]> =>
  page.$$eval("#tools input:enabled", (all) => all.map((one) => (one as HTMLInputElement).value));

/** Calls `check` in every view, in Play with every tool, and with the dialog of models. */
async function everywhere(page: Page, check: (where: string) => Promise<void>): Promise<void> {
  for (const tool of await tools(page)) {
    await page.$eval(`#tools [value=${tool}]`, (radio) => (radio as HTMLElement).click());
    await check(tool);
  }
  for (const view of ["how", "train", "benchmark"]) {
    await page.evaluate((name) => {
      location.hash = `view=${name}`;
      for (const details of document.querySelectorAll("details")) details.open = true;
    }, view);
    await waitFor(page, `document.body.dataset.view === "${view}"`);
    await check(view);
  }
  await page.$eval("#document", (button) => (button as HTMLElement).click());
  await check("models");
  await page.keyboard.press("Escape");
  await page.evaluate(`location.hash = "view=play"`);
  await waitFor(page, `document.body.dataset.view === "play"`);
}

/** What is wider than the screen, or runs out of its box over what is beside it; and tools that can't be pressed. */
const outside = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const found: string[] = [];
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth > clientWidth) found.push(`the page scrolls sideways: ${scrollWidth} > ${clientWidth}`);
    const name = (element: Element): string => `${element.tagName} #${element.id} “${element.textContent?.trim().slice(0, 20)}”`;
    for (const element of document.querySelectorAll<HTMLElement>("body *:not(canvas, input, svg, svg *)")) {
      const { overflowX, display } = getComputedStyle(element);
      const isBox = element.clientWidth > 0 && overflowX === "visible" && display !== "inline";
      if (isBox && element.scrollWidth > element.clientWidth + 1) found.push(`${name(element)} runs out of its box`);
    }
    for (const label of document.body.dataset["view"] === "play" ? document.querySelectorAll("#tools label") : []) {
      label.scrollIntoView({ block: "center" });
      const { left, right, top, bottom } = label.getBoundingClientRect();
      const isInside = left >= 0 && right <= innerWidth && top >= 0 && bottom <= innerHeight;
      const isFree =
        document.querySelector("dialog[open]") ||
        label.contains(document.elementFromPoint((left + right) / 2, (top + bottom) / 2));
      if (!isInside || !isFree) found.push(`${name(label)} can't be pressed`);
    }
    return found;
  });

/** Moves a finger straight up or down from a point. */
async function swipe(session: CDPSession, { x, y }: { readonly x: number; readonly y: number }, by: number): Promise<void> {
  const touch = (type: "touchStart" | "touchMove" | "touchEnd", touchPoints: { x: number; y: number }[]) =>
    session.send("Input.dispatchTouchEvent", { type, touchPoints });
  await touch("touchStart", [{ x, y }]);
  for (let step = 1; step <= 10; step++) await touch("touchMove", [{ x, y: y + (by * step) / 10 }]);
  await touch("touchEnd", []);
}

describe("a phone", () => {
  test("text of 200 % and half the width: nothing scrolls sideways or runs out of its box, and every tool can be pressed", () =>
    visit("view=play", async (page) => {
      await openModel(page);
      for (const [width, height, text] of [
        [320, 640, "200%"],
        [390, 844, "200%"],
        [195, 422, "100%"],
        [320, 640, "100%"],
        [390, 844, "100%"],
      ] as const) {
        await page.setViewport({ width, height });
        await page.evaluate((size) => {
          document.documentElement.style.fontSize = size;
        }, text);
        await everywhere(page, async (where) => {
          expect([width, text, where, await outside(page)]).toEqual([width, text, where, []]);
        });
      }
    }));

  test("stage, controls and tools are in sight together; the sheet of controls has two heights, and gets low for those who draw", () =>
    visit("view=play", async (page) => {
      await usePhone(page);
      await openModel(page);
      await page.click("#tools label:has([value=paint])");
      const seen = async () => [
        await isSeen(page, "#stage"),
        await isSeen(page, "#inks"),
        await isSeen(page, "#brush-size"),
        await isSeen(page, "#paint-blurred"),
      ];
      expect(await isSeen(page, "#tools label:last-child")).toBe(true);
      expect(await seen()).toEqual([true, true, true, false]);
      expect(await page.$eval("#paint-undo", (button) => button.getBoundingClientRect().bottom)).toBeLessThan(
        await page.$eval("#tools", (bar) => bar.getBoundingClientRect().top),
      );
      await page.click("#sheet-size");
      expect(await seen()).toEqual([true, true, true, true]);
      await page.click("#stage");
      expect(await seen()).toEqual([true, true, true, false]);
      for (const tool of await tools(page)) {
        await page.click(`#tools label:has([value=${tool}])`);
        const small = await page.$$eval("#play :is(button, select, input[type=number], #tools label):not(:disabled)", (all) =>
          all
            .filter((one) => one.checkVisibility() && Math.min(one.clientWidth, one.getBoundingClientRect().height) < 42)
            .map((one) => one.outerHTML),
        );
        expect([tool, small]).toEqual([tool, []]);
      }
    }));

  test("a photo of any shape, what is said of its pictures, and their buttons are in sight together; held sideways, the controls are, too", () =>
    visit("view=play", async (page) => {
      await usePhone(page);
      for (const [width, height] of [
        [200, 100],
        [100, 100],
        [100, 150],
        [50, 150],
      ] as const) {
        const name = `${width}x${height}`;
        await choose(page, `${name}.png`, striped(width, height));
        await waitFor(page, `document.getElementById("document-name").textContent === "${name}"`);
        await waitFor(page, isShown(0));
        for (const [screenWidth, screenHeight] of [
          [390, 844],
          [320, 568],
          [844, 390],
        ] as const) {
          await page.setViewport({ width: screenWidth, height: screenHeight });
          await page.evaluate("scrollTo(0, 0)");
          const shown = ["#picture", "#results-hint", "#save-sample", "#tools label:first-child", "#tools label:last-child"];
          if (screenWidth > screenHeight) shown.push("#variation", "#new-sample");
          for (const one of shown)
            expect([name, screenWidth, one, await isSeen(page, one)]).toEqual([name, screenWidth, one, true]);
        }
      }
      await page.click("#tools label:has([value=paint])");
      for (const one of ["#stage", "#inks", "#brush-size", "#paint-undo"])
        expect([one, await isSeen(page, one)]).toEqual([one, true]);
      expect(await page.$eval("footer", (footer) => footer.checkVisibility())).toBe(false); // the thumb looks for a tool there
      await page.click("#to-how");
      expect(await page.$eval("footer", (footer) => footer.checkVisibility())).toBe(true);
      expect(await page.$$eval("a[href]:not([href^='#']):not([target=_blank])", (links) => links.length)).toBe(0);
    }));

  test("a swipe up or down that begins on a slider scrolls, and leaves the slider's value", () =>
    visit("view=play", async (page) => {
      const session = await usePhone(page);
      await openModel(page);
      const checked: string[] = [];
      await everywhere(page, async () => {
        for (const slider of await page.$$("input[type=range]:enabled")) {
          const id = await slider.evaluate((input) => input.id);
          if (!(await slider.isVisible()) || checked.includes(id)) continue;
          checked.push(id);
          const state = () =>
            slider.evaluate((input) => ({
              value: (input as HTMLInputElement).value,
              scrolled: scrollY + document.getElementById("panel")!.scrollTop,
            }));
          await slider.evaluate((input) => input.scrollIntoView({ block: "center" }));
          const { left, top, width, height } = await slider.evaluate((input) => input.getBoundingClientRect().toJSON());
          const before = await state();
          const max = await slider.evaluate((input) => Number((input as HTMLInputElement).max));
          const from = { x: left + width * (Number(before.value) > max / 2 ? 0.2 : 0.8), y: top + height / 2 };
          await swipe(session, from, -100);
          await expect.poll(async () => (await state()).scrolled, { message: id }).not.toBe(before.scrolled);
          expect([id, (await state()).value]).toEqual([id, before.value]);
        }
      });
      expect(checked.length).toBeGreaterThan(5);
    }));

  test("Train: Start, and while it trains Pause and Stop are in sight; after Stop the offer to continue is", () =>
    visit(LONG, async (page) => {
      await usePhone(page);
      await waitFor(page, `!document.getElementById("start").disabled`);
      const bottom = (id: string): Promise<number> => page.$eval(`#${id}`, (one) => one.getBoundingClientRect().bottom);
      expect(await bottom("start")).toBeLessThan(844);
      await start(page);
      await waitFor(page, `document.getElementById("progress").value > 0`);
      const tops = await page.$$eval("#bar button", (all) => all.map((one) => one.getBoundingClientRect().top));
      expect(new Set(tops).size).toBe(1);
      expect(await bottom("stop")).toBeLessThan(844);
      expect(await isSeen(page, "#status")).toBe(true);
      await page.setViewport({ width: 320, height: 640 });
      const cut = (all: Element[]) => all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent);
      expect(await page.$$eval("#bar button", cut)).toEqual([]);
      await page.setViewport({ width: 844, height: 390 });
      expect(await isSeen(page, "#stop")).toBe(true);
      await page.setViewport(PHONE);
      await page.evaluate("scrollTo(0, 400)");
      await page.click("#stop");
      await waitFor(page, `${isState("idle")} && !document.getElementById("unfinished").hidden`);
      expect(await page.$eval("#continue", (button) => button.getBoundingClientRect().top)).toBeGreaterThan(0);
      expect(await bottom("continue")).toBeLessThan(844);
    }));
});

test("leaving the page, and opening another source, ask where something would be lost: a painting, an own photo, a pinned picture; else they don't", () =>
  visit(
    "view=play",
    async (page) => {
      /** Tries to leave. Each question is answered with no, so the page stays. */
      const asks = async (): Promise<boolean> => {
        const asked = new Promise<boolean>((resolve) => page.once("dialog", () => resolve(true)));
        const left = page.waitForNavigation().then(
          () => false,
          () => false,
        );
        await page.evaluate("void setTimeout(() => location.reload())");
        return Promise.race([asked, left]);
      };
      await openModel(page);
      await page.click("#tools label:has([value=paint])");
      expect(await asks()).toBe(false);
      await openModel(page);
      await click(page, "#pin");
      expect(await asks()).toBe(true);
      await click(page, "#pin");
      await page.click("#tools label:has([value=paint])");
      await page.waitForSelector("#paint-invitation");
      await page.click("#stage");
      expect(await asks()).toBe(true);
      await page.click("#tools label:has([value=sample])"); // the painting is still there
      expect(await asks()).toBe(true);
      const isOpen = (name: string): Promise<void> =>
        waitFor(page, `document.getElementById("document-name").textContent === "${name}"`);
      const question = new Promise<string>((resolve) => page.once("dialog", (dialog) => resolve(dialog.message())));
      await choose(page, "first.png", striped(80, 60));
      expect(await question).toBe("Open first? What you have made here and not downloaded is given up.");
      await isOpen("tiny");
      expect(await asks()).toBe(true);
      await choose(page, "own.png", striped(80, 60));
      await isOpen("own");
      expect(await asks()).toBe(true);
      await page.click("#document");
      await page.click("#photo-sources .source:has(img)");
      await isOpen("tulips");
      expect(await asks()).toBe(true); // the photo is nowhere else, and the list has it
      await page.click("#document");
      await page.click("#photo-sources .source");
      await isOpen("own");
      await page.click("#to-train");
      await choose(page, "own.png", striped(80, 60));
      await page.waitForSelector("#gallery [value=own]:checked");
      expect(await asks()).toBe(true);
    },
    { refused: /^$|^Open first/ },
  ));

test("in forced colours what is chosen differs by its border or outline, and swatches keep their colours", () =>
  visit("view=play", async (page) => {
    await openModel(page);
    const session = await page.createCDPSession();
    await session.send("Emulation.setEmulatedMedia", { features: [{ name: "forced-colors", value: "active" }] });
    const lines = (selector: string): Promise<string> =>
      page.$eval(selector, (element) => {
        const { borderTopWidth, borderBottomWidth, outlineStyle } = getComputedStyle(element);
        return `${borderTopWidth} ${borderBottomWidth} ${outlineStyle}`;
      });
    const differ = async (...pairs: (readonly [chosen: string, other: string])[]): Promise<void> => {
      for (const [chosen, other] of pairs) expect(await lines(chosen), chosen).not.toBe(await lines(other));
    };
    await page.$eval("#show-pixels", (button) => (button as HTMLElement).click());
    await page.click("#tools label:has([value=paint])");
    await differ(
      ["#tools label:has(:checked)", "#tools label:not(:has(:checked))"],
      ["#strip [aria-pressed=true]", "#strip [aria-pressed=false]"],
      ["#show-pixels", "#copy-link"],
      ["#inks label:has(:checked)", "#inks label:not(:has(:checked))"],
      ["nav [aria-current]", "nav a:not([aria-current])"],
      ["#gallery :checked + *", "#gallery :not(:checked) + *"],
      ["#cards label:has(:checked)", "#cards label:not(:has(:checked))"],
    );
    const swatches = await page.$$eval("#inks label", (all) => all.map((one) => getComputedStyle(one).backgroundColor));
    expect(new Set(swatches).size).toBeGreaterThan(5);
    await page.focus("#stage");
    await page.keyboard.press("Tab"); // focus by the keyboard
    expect(await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")).toBe("solid");
    await page.click("#document");
    await waitFor(page, `document.querySelector("#shipped-models .source")`);
    await page.click("#shipped-models .source");
    await waitFor(page, `document.getElementById("document-name").textContent === "clouds"`);
    await page.click("#document");
    await waitFor(page, `document.querySelector("#shipped-models [aria-current]")`);
    await differ(["#shipped-models [aria-current]", "#photo-sources .source"]);
  }));

test("a file that is opened is announced by its button; a picture of the page that is dragged becomes no object", () =>
  visit("view=play", async (page) => {
    await page.evaluate(`globalThis.said = []; new MutationObserver(() => said.push(document.getElementById("file-label").textContent))
      .observe(document.getElementById("file-label"), { childList: true })`);
    await openModel(page);
    expect(await page.evaluate("said")).toEqual(["Opening …", "Use my photo"]);
    await page.click("#tools label:has([value=harmonize])");
    await page.evaluate(async () => {
      const picture = document.querySelector("#welcome img")!;
      const bytes = await (await fetch("stored/photo.webp")).blob();
      const data = new DataTransfer();
      data.items.add(new File([bytes], "clouds.webp", { type: "image/webp" })); // as browsers do
      for (const [kind, target] of [
        ["dragstart", picture],
        ["drop", document.getElementById("stage")!],
        ["dragend", picture],
      ] as const)
        target.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: data }));
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await page.$eval("#object-cut", (button) => (button as HTMLButtonElement).disabled)).toBe(true);
    expect(await page.$eval("#object-file", (input) => getComputedStyle(input).opacity)).toBe("0"); // it never says “No file chosen”
  }));
