// The tool Paint and the stage, in headless Chrome: strokes by mouse and by keyboard become the library's pictures; undo, zoom, pixels.

import { join } from "node:path";
import type { ElementHandle, Page } from "puppeteer";
import { expect, test } from "vitest";
import { brush } from "../../src/demo/features/paint/brush.ts";
import { swatchesOf } from "../../src/demo/features/paint/swatches.ts";
import { underpaintingOf } from "../../src/demo/features/paint/underpainting.ts";
import { type Rgb8, toPlanes, toRgb8 } from "../../src/image/planes.ts";
import { readPng } from "../../src/image/png.ts";
import { firstInstant } from "../../src/instant/first.ts";
import { instantPicture } from "../../src/instant/instant.ts";
import { instantOptions } from "../../src/instant/options.ts";
import { ProcessorDenoiser } from "../../src/instant/processor-denoiser.ts";
import { LocalShares } from "../../src/instant/shares.ts";
import { paint } from "../../src/singan/generation/applications/inject.ts";
import { choose, downloaded, folder, pixels, striped, textOf, visit, waitFor } from "./demo-page.ts";
import { file, model, sampler } from "./tiny-model.ts";

const library = async (painting: Rgb8, seed = 0): Promise<Rgb8> => toRgb8(await paint(sampler, toPlanes(painting), 1, { seed }));

const openPaint = async (page: Page): Promise<void> => {
  await waitFor(page, `document.querySelector("#tools [value=paint]:enabled") && document.body.dataset.source`);
  await page.$eval("#tools [value=paint]", (radio) => (radio as HTMLInputElement).click());
  await waitFor(page, `document.getElementById("paint-form") && document.getElementById("paint-undo").disabled`);
};

const openTiny = async (page: Page): Promise<void> => {
  await choose(page, "tiny.safetensors", file);
  await waitFor(page, `document.getElementById("document").textContent.includes("tiny")`);
  await openPaint(page);
};

/** The picture of a tile of the strip; 0 is the painting. */
async function tile(page: Page, index: number): Promise<Rgb8> {
  const url = await page.$eval(`#strip li:nth-child(${index + 1}) canvas`, (canvas) => (canvas as HTMLCanvasElement).toDataURL());
  return readPng(Buffer.from(url.slice(url.indexOf(",") + 1), "base64"));
}

const isComplete = `document.querySelectorAll("#strip button:disabled, #strip [aria-busy=true]").length === 0`;

/** Where a share of the picture is on the screen. */
async function at(page: Page, x: number, y: number): Promise<readonly [number, number]> {
  const box = (await (await page.$("#picture"))!.boundingBox())!;
  return [box.x + x * box.width, box.y + y * box.height];
}

async function strokeByMouse(page: Page, from: readonly [number, number], to: readonly [number, number]): Promise<void> {
  await page.mouse.move(...(await at(page, ...from)));
  await page.mouse.down();
  await page.mouse.move(...(await at(page, ...to)));
  await page.mouse.up();
}

test("a stroke by mouse becomes the library's picture of the painting; it can be undone and redone, and files say what they are", () =>
  visit("", async (page) => {
    await openTiny(page);
    const start = await pixels(page, "picture");
    expect(start).toEqual(underpaintingOf(toRgb8(model.photo)));

    await strokeByMouse(page, [0.1, 0.5], [0.9, 0.5]);
    await waitFor(page, isComplete);
    const painting = await pixels(page, "picture");
    const { width, height } = painting;
    const changed = [...Array(width * height).keys()].filter((p) => painting.data[3 * p] !== start.data[3 * p]);
    expect(changed.length).toBeGreaterThanOrEqual(Math.floor(0.8 * width));
    expect(new Set(changed.map((p) => painting.data.subarray(3 * p, 3 * p + 3).join())).size).toBe(1);
    expect(await tile(page, 0)).toEqual(painting);
    const painted = await library(painting);
    expect(await tile(page, 1)).toEqual(painted);

    await page.click("#strip li:nth-child(2) button");
    expect(await pixels(page, "picture")).toEqual(painted);
    expect(await textOf(page, "#results-hint")).toMatch(/^Scale 1 of 1, \d+×\d+ px\. Drawing goes on with your painting/);
    await downloaded(page, "#save-sample", "painting-scale1.png");

    // Drawing on a result goes on with the painting.
    await strokeByMouse(page, [0.5, 0.1], [0.5, 0.9]);
    const crossed = await pixels(page, "picture");
    expect(changed.every((p) => crossed.data[3 * p] === painting.data[3 * p])).toBe(true);
    expect(crossed).not.toEqual(painting);

    await page.keyboard.down("Control");
    await page.keyboard.press("KeyZ");
    await page.keyboard.up("Control");
    expect(await pixels(page, "picture")).toEqual(painting);
    await waitFor(page, isComplete);
    expect(await tile(page, 1)).toEqual(painted);
    await page.click("#paint-redo");
    expect(await pixels(page, "picture")).toEqual(crossed);
    await waitFor(page, isComplete);
    expect(await tile(page, 1)).toEqual(await library(crossed));

    await page.click("#paint-again");
    await waitFor(page, isComplete);
    expect(await tile(page, 1)).toEqual(await library(crossed, 1));

    // Another tool in between takes nothing away.
    await page.$eval("#own-colour", (field) => {
      (field as HTMLInputElement).value = "#123456";
      field.dispatchEvent(new Event("input"));
      const brush = document.getElementById("brush-size") as HTMLInputElement;
      brush.value = "5";
    });
    await page.$eval("#tools [value=sample]", (radio) => (radio as HTMLInputElement).click());
    await waitFor(page, `document.getElementById("sample-form") !== null`);
    await page.$eval("#tools [value=paint]", (radio) => (radio as HTMLInputElement).click());
    await waitFor(page, `document.getElementById("paint-form") !== null`);
    expect(await pixels(page, "picture")).toEqual(crossed);
    await waitFor(page, isComplete);
    expect(await tile(page, 1)).toEqual(await library(crossed, 1));
    const fields = ["own-colour", "brush-size"].map((id) => page.$eval(`#${id}`, (field) => (field as HTMLInputElement).value));
    expect(await Promise.all([...fields, textOf(page, "#brush-px")])).toEqual(["#123456", "5", "5 px"]);
    expect(await page.$eval("#inks :checked", (radio) => (radio as HTMLInputElement).value)).toBe("own");
    await page.click("#paint-clear");
    expect(await pixels(page, "picture")).toEqual(start);
  }));

test("by keyboard alone: the tool, a colour, the size, a stroke, the eraser, undo", () =>
  visit("", async (page) => {
    await openTiny(page);
    const expected = underpaintingOf(toRgb8(model.photo));
    const swatches = swatchesOf(toRgb8(model.photo));
    const [x, y] = [Math.floor(expected.width / 2) + 0.5, Math.floor(expected.height / 2) + 0.5];
    await page.focus("#tools [value=paint]");
    for (let i = 0; i < 30 && (await page.evaluate("document.activeElement.id")) !== "stage"; i++)
      await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.id")).toBe("stage");
    for (const key of ["4", "[", "[", "["] as const) await page.keyboard.press(key);
    const size = Number(await page.$eval("#brush-size", (field) => (field as HTMLInputElement).value));
    expect(size).toBe(1);
    await page.keyboard.press("]");

    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Space");
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.down("Shift");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.up("Shift");
    await page.keyboard.press("Space");
    await page.keyboard.press("ArrowDown"); // the brush is up
    brush(expected, { x, y: y - 1 }, { x: x - 1, y: y - 1 }, 2, swatches[3]!);
    brush(expected, { x: x - 1, y: y - 1 }, { x: x + 9, y: y - 1 }, 2, swatches[3]!);
    expect(await pixels(page, "picture")).toEqual(expected);
    await waitFor(page, isComplete);
    expect(await tile(page, 1)).toEqual(await library(expected));

    for (const key of ["e", "ArrowUp", "Space", "ArrowLeft", "Space"] as const) await page.keyboard.press(key);
    const erased = { ...expected, data: expected.data.slice() };
    brush(erased, { x: x + 9, y: y - 1 }, { x: x + 8, y: y - 1 }, 2, underpaintingOf(toRgb8(model.photo)));
    expect(erased).not.toEqual(expected);
    expect(await pixels(page, "picture")).toEqual(erased);
    await page.keyboard.down("Control");
    await page.keyboard.press("KeyZ");
    await page.keyboard.up("Control");
    expect(await pixels(page, "picture")).toEqual(expected);
  }));

test("the stage zooms by wheel and keys, pans, and shows pixels where they are wanted", () =>
  visit("", async (page) => {
    await page.setViewport({ width: 1280, height: 800 });
    await openTiny(page);
    const width = async (): Promise<number> => (await (await page.$("#picture"))!.boundingBox())!.width;
    const left = async (): Promise<number> => (await (await page.$("#picture"))!.boundingBox())!.x;
    const whole = await width();
    const [x, y] = await at(page, 0.25, 0.5);
    await page.mouse.move(x, y);
    await page.keyboard.down("Control");
    await page.mouse.wheel({ deltaY: -200 });
    await page.keyboard.up("Control");
    await expect.poll(width).toBeGreaterThan(1.5 * whole);
    expect(Math.abs((await at(page, 0.25, 0.5))[0] - x)).toBeLessThan(2);

    // The point under the mouse is the same in the painting.
    await page.mouse.down();
    await page.mouse.up();
    const painted = await pixels(page, "picture");
    const { data } = underpaintingOf(toRgb8(model.photo));
    const p = 3 * (Math.floor(0.5 * painted.height) * painted.width + Math.floor(0.25 * painted.width));
    expect(painted.data.subarray(p, p + 3)).not.toEqual(data.subarray(p, p + 3));

    const before = await left();
    await page.mouse.down({ button: "middle" });
    await page.mouse.move(x - 40, y);
    await page.mouse.up({ button: "middle" });
    expect((await left()) - before).toBeCloseTo(-40, 0);
    expect(await pixels(page, "picture")).toEqual(painted);

    await page.focus("#stage");
    await page.keyboard.press("0");
    expect(await width()).toBeCloseTo(whole, 1);
    await page.keyboard.press("+");
    expect(await width()).toBeCloseTo(1.5 * whole, 0);

    const rendering = (): Promise<string> => page.$eval("#picture", (canvas) => getComputedStyle(canvas).imageRendering);
    expect(await rendering()).toBe("auto");
    await page.click("#show-pixels");
    expect(await rendering()).toBe("pixelated");
    expect(await page.$eval("#show-pixels", (button) => button.ariaPressed)).toBe("true");
  }));

test("two fingers zoom, and what the first one has drawn until then is taken back", () =>
  visit("", async (page) => {
    await openTiny(page);
    const start = await pixels(page, "picture");
    const [[ax, ay], [bx, by]] = [await at(page, 0.4, 0.5), await at(page, 0.6, 0.5)];
    const whole = (await (await page.$("#picture"))!.boundingBox())!.width;
    const first = await page.touchscreen.touchStart(ax, ay);
    await first.move(ax - 5, ay);
    const second = await page.touchscreen.touchStart(bx, by);
    await second.move(bx + (bx - ax), by);
    await expect.poll(async () => (await (await page.$("#picture"))!.boundingBox())!.width).toBeGreaterThan(1.5 * whole);
    await first.end();
    await second.end();
    expect(await pixels(page, "picture")).toEqual(start);
    expect(await page.$eval("#paint-undo", (button) => (button as HTMLButtonElement).disabled)).toBe(true);
  }));

test("without a model the painting is put together from pieces of the photo, and a picture file can be painted on", () =>
  visit("", async (page) => {
    const photo = readPng(Buffer.from(striped(32, 26)));
    await choose(page, "stripes.png", striped(32, 26));
    await waitFor(page, `document.getElementById("document").textContent.includes("stripes")`);
    await openPaint(page);
    const input = (await page.$("#paint-file")) as ElementHandle<HTMLInputElement>;
    await input.uploadFile(join(folder, "stripes.png"));
    await waitFor(page, `${isComplete} && !document.getElementById("paint-undo").disabled`);
    const painting = await pixels(page, "picture");
    expect(painting).toEqual(photo);
    const { photo: known } = firstInstant(toPlanes(photo), 96);
    const shares = new LocalShares();
    const start = { kind: "picture", picture: toPlanes(painting), freedom: 0.9 } as const;
    const request = { ...instantOptions(known), size: { width: 32, height: 26 }, seed: 0, start };
    const want = await instantPicture([known], request, (source) => ProcessorDenoiser.open(source, [shares]));
    expect(await tile(page, 1)).toEqual(toRgb8(want));
  }));

const isHidden = (page: Page, id: string): Promise<boolean> =>
  page.$eval(`#${id}`, (element) => !(element as HTMLElement).checkVisibility());

test("the photo's colours and an invitation are there at first; on wide screens the result stands large beside the painting, which stays", () =>
  visit("", async (page) => {
    await page.setViewport({ width: 1280, height: 800 });
    await openTiny(page);
    const start = underpaintingOf(toRgb8(model.photo));
    expect(await isHidden(page, "paint-invitation")).toBe(false);
    await waitFor(page, `document.querySelector("#beside-picture[data-filled]")`);
    await expect.poll(() => pixels(page, "beside-picture")).toEqual(await library(start));
    expect(await pixels(page, "picture")).toEqual(start);

    await strokeByMouse(page, [0.1, 0.5], [0.9, 0.5]);
    expect(await isHidden(page, "paint-invitation")).toBe(true);
    const painting = await pixels(page, "picture");
    expect(painting).not.toEqual(start);
    const painted = await library(painting);
    await expect.poll(() => pixels(page, "beside-picture")).toEqual(painted);
    await page.click("#strip li:nth-child(2) button");
    expect(await pixels(page, "picture")).toEqual(painting);
    const [left, right] = await page.$$eval("#picture, #beside-picture", (both) =>
      both.map((one) => one.getBoundingClientRect().width),
    );
    expect(right).toBeGreaterThan(300);
    expect(right).toBeCloseTo(left!, 0);
    expect(readPng(await downloaded(page, "#save-sample", "painting-scale1.png"))).toEqual(painted);

    // A narrow window shows what is chosen on the stage; a wide one both again.
    await page.setViewport({ width: 800, height: 800 });
    expect(await isHidden(page, "beside")).toBe(true);
    await expect.poll(() => pixels(page, "picture")).toEqual(painted);
    await page.setViewport({ width: 1280, height: 800 });
    await expect.poll(() => pixels(page, "picture")).toEqual(painting);
    await page.$eval("#tools [value=sample]", (radio) => (radio as HTMLInputElement).click());
    expect(await isHidden(page, "beside")).toBe(true);
  }));

test("pictures are made while the brush is down where the last ones took little time, and else when it is lifted", () =>
  visit("", async (page) => {
    await openTiny(page);
    await waitFor(page, isComplete);
    /** Draws with a clock that goes on by `step` ms whenever it is asked, and returns whether pictures came before the brush was lifted. */
    const strokes = async (step: number, y: number): Promise<boolean> => {
      await page.evaluate((by) => {
        let now = 0;
        performance.now = () => {
          now += by;
          return now;
        };
      }, step);
      await strokeByMouse(page, [0.1, y], [0.2, y]); // the pictures of this one take as long as the clock says
      await waitFor(page, isComplete);
      const before = await tile(page, 1);
      await page.mouse.move(...(await at(page, 0.2, y)));
      await page.mouse.down();
      await page.mouse.move(...(await at(page, 0.9, y)), { steps: 5 });
      await new Promise((resolve) => setTimeout(resolve, 500));
      await waitFor(page, isComplete);
      const unfinished = await pixels(page, "picture");
      const meanwhile = await tile(page, 1);
      await page.mouse.up();
      await waitFor(page, isComplete);
      const isLive = meanwhile.data.some((value, i) => value !== before.data[i]);
      if (isLive) expect(meanwhile).toEqual(await library(unfinished));
      expect(await tile(page, 1)).toEqual(await library(await pixels(page, "picture")));
      return isLive;
    };
    expect(await strokes(1000, 0.3)).toBe(false);
    expect(await strokes(0, 0.7)).toBe(true);
  }));
