// The tools Edit and Harmonise, and kept parts of samples, in headless Chrome: what the page makes are the library's pictures.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PNG } from "pngjs";
import type { ElementHandle, Page } from "puppeteer";
import { beforeAll, expect, test } from "vitest";
import type { Mask } from "../../src/image/mask.ts";
import { type Cutout, over, placed } from "../../src/image/placement.ts";
import { type Rgb8, toPlanes, toRgb8 } from "../../src/image/planes.ts";
import { maskOfOutline, outlineOf, Part, type Rect } from "../../src/image/region.ts";
import { blendInto, composite, photoOf, softMask } from "../../src/singan/generation/applications/inject.ts";
import { choose, downloaded, folder, LIMIT_MS, pixels, striped, textOf, visit, waitFor } from "./demo-page.ts";
import { file, model, sampler } from "./tiny-model.ts";

let photo: Rgb8;
beforeAll(() => {
  photo = toRgb8(photoOf(model));
});

const isPressed = (label: string): string =>
  `[...document.querySelectorAll("#strip [aria-pressed=true]")].some((one) => one.textContent === "${label}" && !one.disabled)`;

/** Whether a tool has drawn anything over the picture. */
const IS_DRAWN = `(() => {
  const layer = document.getElementById("stage-layer");
  const copy = new OffscreenCanvas(layer.width, layer.height).getContext("2d");
  copy.drawImage(layer, 0, 0);
  return copy.getImageData(0, 0, layer.width, layer.height).data.some((value) => value > 0);
})()`;

const useTool = (page: Page, tool: string): Promise<void> =>
  page.$eval(`#tools [value=${tool}]`, (radio) => (radio as HTMLInputElement).click());

async function openTool(page: Page, tool: string): Promise<void> {
  await waitFor(page, `document.getElementById("stage").dataset.filled !== undefined`);
  await useTool(page, tool);
  await waitFor(page, isPressed("Photo"));
}

const openModel = async (page: Page): Promise<void> => {
  await choose(page, "tiny.safetensors", file);
  await waitFor(page, `document.getElementById("document-name").textContent === "tiny"`);
};

async function set(page: Page, id: string, value: number): Promise<void> {
  await page.$eval(
    `#${id}`,
    (field, to) => {
      (field as HTMLInputElement).value = String(to);
      field.dispatchEvent(new Event("change", { bubbles: true }));
    },
    value,
  );
}

/** Presses the stage at the first point, in pixels of the photo, moves to the others, and releases. */
async function drag(page: Page, ...points: readonly (readonly [x: number, y: number])[]): Promise<void> {
  const { left, top, width, height } = await page.$eval("#picture", (canvas) => {
    canvas.scrollIntoView({ block: "center" });
    const box = canvas.getBoundingClientRect();
    return { left: box.left, top: box.top, width: box.width, height: box.height };
  });
  const { width: across, height: down } = await pixels(page, "picture");
  for (const [i, [x, y]] of points.entries()) {
    await page.mouse.move(left + (x / across) * width, top + (y / down) * height);
    if (i === 0) await page.mouse.down();
  }
  await page.mouse.up();
}

/** The picture on the stage when the strip's tile of this label is chosen and made. */
async function shown(page: Page, label: string): Promise<Rgb8> {
  await waitFor(page, `[...document.querySelectorAll("#strip button:enabled")].some((one) => one.textContent === "${label}")`);
  await page.$$eval("#strip button", (all, text) => all.find((one) => one.textContent === text)!.click(), label);
  return pixels(page, "picture");
}

/** What the library makes of an edit at the model's only start scale. */
async function blended(picture: Rgb8, mask: Mask, seed = 0): Promise<Rgb8> {
  const soft = softMask(sampler.model, mask, "edit");
  return toRgb8((await blendInto(sampler, toPlanes(picture), soft, 1, { seed })).blended);
}

const part = (rect: Rect, from = photo): Part => Part.of(from, maskOfOutline(from, outlineOf(rect)))!;
const FROM: Rect = { x: 3, y: 4, width: 5, height: 4 };

test("a part that the mouse moves: the collage, and the library's picture of it; undo, redo, and the same by number fields", () =>
  visit("photo=clouds", async (page) => {
    await openModel(page);
    await openTool(page, "edit");
    expect(await pixels(page, "picture")).toEqual(photo);
    await drag(page, [3, 4], [5, 5], [8, 8]);
    expect(await page.$$eval("[id^=edit-part-]", (all) => all.map((one) => Number((one as HTMLInputElement).value)))).toEqual([
      3, 4, 5, 4,
    ]);
    await drag(page, [5.5, 6], [10, 9], [15.5, 12]);
    const to = { ...FROM, x: 13, y: 10 };
    const moved = part(FROM).put(to, false);
    const result = await blended(moved.picture, moved.mask);
    await waitFor(page, isPressed("Scale 1")); // it goes on the stage by itself
    expect(await pixels(page, "picture")).toEqual(result);
    await downloaded(page, "#save-sample", "tiny-edit-scale1.png");
    expect(await textOf(page, "#results-hint")).toMatch(/is made anew\. Press the picture, or choose Your edit, to go on\.$/);
    // A press on the result brings the part back, and does not let go of it.
    await drag(page, [1, 1], [2, 2]);
    expect(await pixels(page, "picture")).toEqual(moved.picture);
    expect(await page.$eval("#edit-to-x", (field) => (field as HTMLInputElement).value)).toBe("13");
    expect(await shown(page, "Scale 1")).toEqual(result);
    expect(await shown(page, "Your edit")).toEqual(moved.picture);

    await page.click("#edit-undo");
    expect(await pixels(page, "picture")).toEqual(photo);
    expect(await page.$$eval("#strip li", (all) => all.length)).toBe(1);
    await page.click("#edit-redo");
    expect(await shown(page, "Scale 1")).toEqual(result);

    await page.click("#edit-reset");
    await page.click("#edit-leave");
    for (const [name, value] of Object.entries(FROM)) await set(page, `edit-part-${name}`, value);
    for (const [name, value] of Object.entries({ x: 12, y: 2, width: 7, height: 6 })) await set(page, `edit-to-${name}`, value);
    const copied = part(FROM).put({ x: 12, y: 2, width: 7, height: 6 }, true);
    expect(await shown(page, "Your edit")).toEqual(copied.picture);
    expect(await shown(page, "Scale 1")).toEqual(await blended(copied.picture, copied.mask));

    await page.click("#edit-more");
    const other = await blended(copied.picture, copied.mask, 1);
    expect(other).not.toEqual(await blended(copied.picture, copied.mask));
    await expect.poll(() => shown(page, "Scale 1"), { timeout: LIMIT_MS }).toEqual(other);
    await downloaded(page, "#save-sample", "tiny-edit-scale1-seed-1.png");

    // Another tool in between takes nothing away.
    await useTool(page, "sample");
    await useTool(page, "edit");
    expect(await page.$eval("#edit-leave", (field) => (field as HTMLInputElement).checked)).toBe(true);
    expect(await shown(page, "Your edit")).toEqual(copied.picture);
    await expect.poll(() => shown(page, "Scale 1"), { timeout: LIMIT_MS }).toEqual(other);
    expect(await page.$eval("#edit-undo", (button) => (button as HTMLButtonElement).disabled)).toBe(false);

    // On wide screens the edit stays on the stage, and the result is beside it.
    await page.setViewport({ width: 1280, height: 800 });
    await expect.poll(() => pixels(page, "beside-picture")).toEqual(other);
    expect(await pixels(page, "picture")).toEqual(copied.picture);
    await drag(page, [15, 5], [14, 7], [13, 10]);
    const again = part(FROM).put({ x: 10, y: 7, width: 7, height: 6 }, true);
    expect(await pixels(page, "picture")).toEqual(again.picture);
    await expect.poll(() => pixels(page, "beside-picture")).toEqual(await blended(again.picture, again.mask, 1));
    expect(await pixels(page, "picture")).toEqual(again.picture);
    await page.click("#edit-reset");
    expect(await pixels(page, "picture")).toEqual(photo);
    expect(await textOf(page, "#beside-label")).toBe("The result appears here.");
    expect(await page.$("#beside-picture[data-filled]")).toBeNull();
  }));

test("a lasso takes what it goes round, and a corner scales it", () =>
  visit("photo=clouds", async (page) => {
    await openModel(page);
    await openTool(page, "edit");
    await page.click("#edit-lasso");
    await drag(page, [4, 4], [12, 4], [4, 12], [4, 4]);
    const triangle = maskOfOutline(photo, [
      { x: 4, y: 4 },
      { x: 12, y: 4 },
      { x: 4, y: 12 },
    ]);
    const taken = Part.of(photo, triangle)!;
    const { bounds } = taken;
    await drag(page, [bounds.x + bounds.width, bounds.y + bounds.height], [16, 16], [18, 18]);
    const to = await page.$$eval("[id^=edit-to-]", (all) => all.map((one) => Number((one as HTMLInputElement).value)));
    expect(to).toEqual([4, 4, 14, 14]);
    const scaled = taken.put({ x: 4, y: 4, width: 14, height: 14 }, false);
    expect(await shown(page, "Your edit")).toEqual(scaled.picture);
    expect(await shown(page, "Scale 1")).toEqual(await blended(scaled.picture, scaled.mask));
  }));

/** An orange disk on a transparent background. */
function disk(side: number): { readonly png: Uint8Array; readonly cutout: Cutout } {
  const inside = (p: number) => Math.hypot((p % side) + 0.5 - side / 2, Math.floor(p / side) + 0.5 - side / 2) <= side / 2;
  const data = Uint8Array.from({ length: 3 * side * side }, (_, i) => [230, 120 + (Math.floor(i / 3) % 60), 20][i % 3]!);
  const alpha = Float32Array.from({ length: side * side }, (_, p) => Number(inside(p)));
  const size = { width: side, height: side };
  const png = new PNG(size);
  for (let p = 0; p < side * side; p++) png.data.set([...data.slice(3 * p, 3 * p + 3), 255 * alpha[p]!], 4 * p);
  return { png: PNG.sync.write(png), cutout: { picture: { ...size, data }, alpha: { ...size, data: alpha } } };
}

test("an object that number fields place: the collage, and the library's picture of it; it is taken away again", () =>
  visit("photo=clouds", async (page) => {
    await openModel(page);
    await openTool(page, "harmonize");
    const { png, cutout } = disk(12);
    const path = join(folder, "disk.png");
    writeFileSync(path, png);
    await ((await page.$("#object-file")) as ElementHandle<HTMLInputElement>).uploadFile(path);
    await waitFor(page, `!document.getElementById("object-place").disabled`);
    for (const [name, value] of Object.entries({ x: 9, y: 11, size: 8, angle: 30 })) await set(page, `object-${name}`, value);
    const object = placed(cutout, { x: 9, y: 11, width: 8, height: 8, angle: 30 }, photo);
    expect(await shown(page, "With the object")).toEqual(over(photo, object));
    const { model } = sampler;
    const mask = { ...object.alpha, data: object.alpha.data.map((a) => Number(a >= 0.5)) };
    const composed = composite(model, toPlanes(object.picture), object.alpha);
    const { blended: expected } = await blendInto(sampler, composed, softMask(model, mask, "harmonize"), 1, { seed: 0 });
    expect(await shown(page, "Scale 1")).toEqual(toRgb8(expected));
    await downloaded(page, "#save-sample", "tiny-harmonize-scale1.png");

    await drag(page, [9, 11], [10, 12], [12, 13]);
    expect(await page.$$eval("#object-place input", (all) => all.map((one) => Number((one as HTMLInputElement).value)))).toEqual([
      12, 13, 8, 30,
    ]);
    await page.click("#object-remove");
    expect(await pixels(page, "picture")).toEqual(photo);
    expect(await textOf(page, "#object-hint")).toMatch(/^Choose, drop or paste a picture/);
  }));

test("a picture without transparency is cut out by a lasso; one that is pasted becomes an object, not the photo", () =>
  visit("photo=clouds", async (page) => {
    await openModel(page);
    await openTool(page, "harmonize");
    const whole = striped(30, 30);
    await page.evaluate(
      (bytes) => {
        const data = new DataTransfer();
        data.items.add(new File([Uint8Array.from(bytes)], "object.png", { type: "image/png" }));
        document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
      },
      [...whole],
    );
    await waitFor(page, `document.getElementById("object-hint").textContent.startsWith("Draw round the object")`);
    await drag(page, [5, 5], [25, 5]);
    expect(await textOf(page, "#problem")).toBe("That encloses nothing. Draw once round the whole object.");
    await drag(page, [5, 5], [25, 5], [25, 15], [5, 15]);
    await waitFor(page, `!document.getElementById("object-place").disabled`);
    expect(await page.$eval("#problem", (problem) => (problem as HTMLElement).hidden)).toBe(true);
    await set(page, "object-size", 10);
    const own = await shown(page, "With the object");
    const changed = maskOfOutline(photo, outlineOf({ x: 0, y: 0, ...photo })).data.filter((_, p) =>
      [0, 1, 2].some((c) => own.data[3 * p + c] !== photo.data[3 * p + c]),
    ).length;
    expect(changed).toBeGreaterThan(30); // 10x5 px
    expect(changed).toBeLessThan(90);
    expect(await textOf(page, "#document-name")).toBe("tiny");
  }));

test("samples keep a rectangle of the photo to the last bit, and are the library's; only at the trained size", () =>
  visit("photo=clouds", async (page) => {
    await openModel(page);
    await waitFor(page, isPressed("Picture 0"));
    await page.click("#keep");
    expect(await page.$eval("#sample-width", (field) => (field as HTMLInputElement).disabled)).toBe(true);
    await drag(page, [4, 5], [10, 10], [16, 14]);
    expect(await page.$$eval("#keep-fields input", (all) => all.map((one) => Number((one as HTMLInputElement).value)))).toEqual([
      4, 5, 12, 9,
    ]);
    await set(page, "keep-width", 10);
    const keep = maskOfOutline(photo, outlineOf({ x: 4, y: 5, width: 10, height: 9 }));
    const expected = toRgb8(await sampler.sample({ seed: 0, keep }));
    await waitFor(page, isPressed("Picture 0"));
    const sample = await pixels(page, "picture");
    expect(sample).toEqual(expected);
    const kept = (picture: Rgb8) => [...picture.data].filter((_, i) => keep.data[Math.floor(i / 3)] === 1);
    expect(kept(sample)).toEqual(kept(photo));
    expect(sample).not.toEqual(toRgb8(await sampler.sample({ seed: 0 })));
    await downloaded(page, "#save-sample", "tiny-seed-0-kept-part.png");

    // The rectangle is drawn while the visitor sets it, not over a picture.
    await page.focus("#new-sample");
    await page.mouse.move(1, 1);
    await waitFor(page, `!(${IS_DRAWN})`);
    await page.focus("#keep-x");
    await waitFor(page, IS_DRAWN);
    await page.focus("#new-sample");
    await waitFor(page, `!(${IS_DRAWN})`);
    await page.hover("#stage");
    await waitFor(page, IS_DRAWN);

    // It stays while another tool is used.
    await useTool(page, "edit");
    await useTool(page, "sample");
    await waitFor(page, isPressed("Picture 0"));
    await expect.poll(() => pixels(page, "picture")).toEqual(expected);
    expect(await page.$$eval("#keep-fields input", (all) => all.map((one) => Number((one as HTMLInputElement).value)))).toEqual([
      4, 5, 10, 9,
    ]);
  }));

test("a photo without a model: outside the soft mask an edit stays as in the photo, inside it changes", () =>
  visit("photo=clouds", async (page) => {
    await waitFor(page, `!document.getElementById("start").disabled`);
    await choose(page, "stripes.png", striped(48, 40));
    await waitFor(page, `document.getElementById("document-name").textContent === "stripes"`);
    await openTool(page, "edit");
    const own = await pixels(page, "picture");
    for (const [name, value] of Object.entries({ x: 4, y: 4, width: 6, height: 6 })) await set(page, `edit-part-${name}`, value);
    await set(page, "edit-to-x", 14);
    const result = await shown(page, "Change 30 %");
    const differs = (x: number, y: number) =>
      [0, 1, 2].some((c) => result.data[3 * (48 * y + x) + c] !== own.data[3 * (48 * y + x) + c]);
    let changed = 0;
    for (let y = 0; y < 40; y++) for (let x = 0; x < 48; x++) changed += Number(differs(x, y));
    expect(changed).toBeGreaterThan(36);
    for (let y = 28; y < 40; y++) for (let x = 36; x < 48; x++) expect(differs(x, y)).toBe(false);
    await downloaded(page, "#save-sample", "stripes-instant-edit-freedom-0.3.png");
  }));
