// The main path through the page with the keyboard alone, in headless Chrome: a photo, instant pictures, a training with a pause, and a painting
// whose picture is saved. The focus is always on something that can be seen.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "puppeteer";
import { expect, test } from "vitest";
import { readPng } from "../../src/image/png.ts";
import { downloadedBy, folder, isDone, isShown, isState, pixels, striped, textOf, visit, waitFor } from "./demo-page.ts";

/** More than there are elements to come by on the way to another one. */
const MOST_TABS = 40;

/** What has the focus; throws where no outline shows it, or where it is out of sight or covered. */
const focusInSight = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const focused = document.activeElement as HTMLElement;
    const name = focused.id || (focused as HTMLInputElement).value || `${focused.tagName} ${focused.textContent?.trim()}`;
    if (focused === document.body) throw new Error("nothing has the focus");
    // Controls that are only seen by their labels: the label has the outline.
    const around = [focused, focused.nextElementSibling, focused.parentElement].filter((one) => one instanceof HTMLElement);
    const outlined = around.find((one) => {
      const { outlineStyle, outlineWidth } = getComputedStyle(one);
      return outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2;
    });
    if (!outlined) throw new Error(`no outline shows that ${name} has the focus`);
    const { left, right, top, bottom } = outlined.getBoundingClientRect();
    const [x, y] = [
      (Math.max(left, 0) + Math.min(right, innerWidth)) / 2,
      (Math.max(top, 0) + Math.min(bottom, innerHeight)) / 2,
    ];
    const seen = document.elementFromPoint(x, y);
    if (!seen || !(outlined.contains(seen) || seen.contains(outlined))) throw new Error(`${name} has the focus, but is covered`);
    return name;
  });

/** Goes on to the element by Tab, or back to it by Shift and Tab. */
async function tabTo(page: Page, selector: string, way: "on" | "back" = "on"): Promise<void> {
  const passed: string[] = [];
  while (passed.length < MOST_TABS) {
    if (way === "back") await page.keyboard.down("Shift");
    await page.keyboard.press("Tab");
    if (way === "back") await page.keyboard.up("Shift");
    passed.push(await focusInSight(page));
    if (await page.evaluate((wanted) => document.activeElement!.matches(wanted), selector)) return;
  }
  throw new Error(`${selector} was not reached: ${passed.join(", ")}`);
}

test("the main path by keyboard alone, with the focus always in sight", () =>
  visit("", async (page) => {
    await page.setViewport({ width: 1280, height: 800 });
    const path = join(folder, "stripes.png");
    writeFileSync(path, striped(36, 36));
    await tabTo(page, "#file");
    const choosing = page.waitForFileChooser();
    expect(await focusInSight(page)).toBe("file"); // by then the browser waits for the dialog, too
    await page.keyboard.press("Space");
    const chooser = await choosing;
    await chooser.accept([path]);
    await waitFor(page, `document.getElementById("document-name").textContent === "stripes" && ${isShown(0)}`);
    expect(await focusInSight(page)).toBe("file");

    await tabTo(page, "#to-train", "back");
    await page.keyboard.press("Enter");
    await waitFor(page, `document.body.dataset.view === "train"`);
    await tabTo(page, "#gallery :checked");
    expect(await page.evaluate("document.activeElement.value")).toBe("own");
    await tabTo(page, "#advanced > summary");
    await page.keyboard.press("Enter");
    for (const [field, value] of [["maxSize", "30"], ["iterations", "40"], ["channels", "4"]] as const) {
      await tabTo(page, `#${field}`);
      await page.keyboard.type(value);
    } // biome-ignore format: one line per field is longer
    await tabTo(page, "#start");
    await page.keyboard.press("Enter");
    await waitFor(page, `${isState("training")} && document.querySelectorAll("#scales li").length === 1`);
    expect(await focusInSight(page)).toBe("pause");
    await page.keyboard.press("Space");
    await waitFor(page, isState("paused"));
    expect(await textOf(page, "#pause")).toBe("Resume");
    expect(await focusInSight(page)).toBe("pause");
    await page.keyboard.press("Space");
    await waitFor(page, isState("training"));
    await waitFor(page, isDone);
    expect(await focusInSight(page)).toBe("play-model");
    await page.keyboard.press("Enter");
    await waitFor(page, `document.body.dataset.view === "play" && ${isShown(0)}`);

    expect(await focusInSight(page)).toBe("sample"); // the first tool
    await page.keyboard.press("ArrowDown");
    await waitFor(page, `document.getElementById("paint-invitation")?.checkVisibility()`);
    await tabTo(page, "#stage");
    const empty = await pixels(page, "picture");
    for (const key of ["4", "Space", "ArrowRight", "ArrowDown", "Space"] as const) await page.keyboard.press(key);
    const painted = await pixels(page, "picture");
    expect(painted).not.toEqual(empty);
    await waitFor(page, `document.querySelectorAll("#strip button:enabled:not([aria-busy=true])").length === 3`);
    await tabTo(page, "#strip li:nth-child(2) button");
    await page.keyboard.press("Enter");
    await waitFor(page, `document.getElementById("results-hint").textContent.startsWith("Scale 1 of 2")`);
    const result = await pixels(page, "beside-picture"); // at this width both are in sight
    expect(result).not.toEqual(painted);
    await tabTo(page, "#save-sample", "back");
    const png = await downloadedBy(page, () => page.keyboard.press("Enter"), "painting-scale1.png");
    expect(readPng(png)).toEqual(result);
    expect(await focusInSight(page)).toBe("save-sample");
  }));
