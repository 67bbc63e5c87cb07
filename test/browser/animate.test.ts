// The page's tools Animate and Enlarge, and the zip of the strip, in headless Chrome: files hold the library's pictures.

import { unzipSync } from "fflate";
import type { Page } from "puppeteer";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Gpu } from "../../src/gpu/device.ts";
import { fromRgba, type Rgb8, toRgb8 } from "../../src/image/planes.ts";
import { readPng } from "../../src/image/png.ts";
import { imresizeTo } from "../../src/image/resample.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { type AnimationOptions, animate } from "../../src/singan/generation/applications/animation.ts";
import { srPath } from "../../src/singan/generation/applications/super-resolution.ts";
import { SinganSampler } from "../../src/singan/generation/singan-sampler.ts";
import { readModel, writeModel } from "../../src/singan/recipes.ts";
import { tinySrModel } from "../applications.ts";
import { choose, downloaded, isDone, pixels, savedModel, start, textOf, visit, waitFor } from "./demo-page.ts";

let gpu: Gpu;
let sampler: SinganSampler;
let file: Uint8Array;
beforeAll(async () => {
  gpu = await openDevice(await openAdapter());
  const model = await tinySrModel(gpu);
  file = writeModel(model);
  sampler = await SinganSampler.load(gpu, model);
});
afterAll(async () => {
  await sampler?.dispose();
  gpu?.dispose();
});

async function framesOf(options: Partial<AnimationOptions>): Promise<Rgb8[]> {
  const frames: Rgb8[] = [];
  for await (const frame of animate(sampler, options)) frames.push(toRgb8(frame));
  return frames;
}

/** Opens the model in a window that is so wide that nothing lies under the bar of tools. */
async function openTool(page: Page, tool: string): Promise<void> {
  await page.setViewport({ width: 1280, height: 800 });
  await choose(page, "tiny.safetensors", file);
  await waitFor(page, `document.getElementById("stage").dataset.filled !== undefined`);
  await page.$eval(`#tools [value=${tool}]`, (radio) => (radio as HTMLInputElement).click());
}

async function set(page: Page, id: string, value: string): Promise<void> {
  await page.$eval(
    `#${id}`,
    (field, to) => {
      (field as HTMLInputElement).value = to;
      for (const name of ["input", "change"]) field.dispatchEvent(new Event(name, { bubbles: true }));
    },
    value,
  );
}

const areReady = (frames: number): string =>
  `document.querySelector("#animate-progress p").textContent.startsWith("${frames} frames of")`;
const detailsAre = (start: string): string => `document.getElementById("results-hint").textContent.startsWith("${start}")`;
const press = (page: Page, key: "ArrowLeft" | "ArrowRight" | "End" | " "): Promise<void> =>
  page.keyboard.press(key === " " ? "Space" : key);

test("an animation plays; its GIF, APNG and WebM are those of the library's frames", () =>
  visit("photo=clouds", async (page) => {
    await openTool(page, "animate");
    await set(page, "animate-frames", "5");
    await set(page, "animate-fps", "20");
    await set(page, "animate-seed", "2");
    await waitFor(page, areReady(5));
    const frames = await framesOf({ frames: 5, seed: 2, loop: true });
    const { width, height } = frames[0]!;

    // It plays: every frame is on the stage at some time, and again after the last one.
    for (const frame of [5, 1, 3]) await waitFor(page, detailsAre(`Frame ${frame} of 5, `));
    await page.click("#animate-play");
    expect(await textOf(page, "#animate-play")).toBe("Play");
    await page.focus("#stage");
    await press(page, "End");
    expect(await pixels(page, "picture")).toEqual(frames[4]);
    await press(page, "ArrowRight");
    expect(await pixels(page, "picture")).toEqual(frames[0]);
    await press(page, "ArrowLeft");
    expect(await textOf(page, "#results-hint")).toBe(`Frame 5 of 5, ${width}×${height} px.`);

    const apng = await downloaded(page, "#animate-files [value=apng]", "tiny-animation-seed-2.png");
    expect(apngFrames(apng)).toEqual({ count: 5, repeats: 0, delays: Array(5).fill("1/20") });
    expect(readPng(apng)).toEqual(frames[0]);
    const inBrowser = await decodedFrames(page, apng, "image/png");
    expect(inBrowser).toEqual(frames);

    await waitFor(page, `!document.querySelector("#animate-files [value=gif]").disabled`);
    const gif = await downloaded(page, "#animate-files [value=gif]", "tiny-animation-seed-2.gif");
    const { pages, pageHeight, delay, loop, width: gifWidth } = await sharp(gif, { animated: true }).metadata();
    expect({ pages, pageHeight, delay, loop, gifWidth }).toEqual({
      ...{ pages: 5, pageHeight: height, gifWidth: width },
      ...{ delay: Array(5).fill(50), loop: 0 },
    });
    // Colours are those of a palette, so they only come near.
    const { data } = await sharp(gif, { animated: true }).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const exact = frames.flatMap((frame) => [...frame.data]);
    const error = Math.sqrt(exact.reduce((sum, v, i) => sum + (v - data[i]!) ** 2, 0) / exact.length);
    expect(error).toBeLessThan(4);

    await waitFor(page, `!document.querySelector("#animate-files [value=webm]").disabled`);
    const webm = await downloaded(page, "#animate-files [value=webm]", "tiny-animation-seed-2.webm");
    expect([...webm.subarray(0, 4)]).toEqual([0x1a, 0x45, 0xdf, 0xa3]);
    expect(await videoSize(page, webm)).toEqual([width, height]);
  }));

/** Number of frames, repeats (0: for ever) and delays of an APNG. */
function apngFrames(file: Uint8Array): { count: number; repeats: number; delays: string[] } {
  const bytes = Buffer.from(file);
  const found = { count: 0, repeats: -1, delays: [] as string[] };
  for (let at = 8; at < bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    const type = bytes.toString("latin1", at + 4, at + 8);
    if (type === "acTL") Object.assign(found, { count: bytes.readUInt32BE(at + 8), repeats: bytes.readUInt32BE(at + 12) });
    if (type === "fcTL") found.delays.push(`${bytes.readUInt16BE(at + 28)}/${bytes.readUInt16BE(at + 30)}`);
  }
  return found;
}

/** All frames of an animation as the browser decodes them. */
async function decodedFrames(page: Page, file: Uint8Array, type: string): Promise<Rgb8[]> {
  const decoded = await page.evaluate(
    async (base64, type) => {
      const data = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
      const decoder = new ImageDecoder({ data, type });
      await decoder.tracks.ready;
      const count = decoder.tracks.selectedTrack!.frameCount;
      const frames = [];
      for (let frameIndex = 0; frameIndex < count; frameIndex++) {
        const { image } = await decoder.decode({ frameIndex });
        const canvas = new OffscreenCanvas(image.displayWidth, image.displayHeight);
        const context = canvas.getContext("2d", { willReadFrequently: true })!;
        context.drawImage(image, 0, 0);
        const { width, height } = canvas;
        frames.push({ width, height, rgba: [...context.getImageData(0, 0, width, height).data] });
      }
      return frames;
    },
    Buffer.from(file).toString("base64"),
    type,
  );
  return decoded.map(({ rgba, ...size }) => fromRgba(size, rgba));
}

/** The size of a video as another page of the browser, which has no policy, shows it. */
async function videoSize(page: Page, file: Uint8Array): Promise<[number, number]> {
  const other = await page.browser().newPage();
  try {
    return await other.evaluate(async (base64) => {
      const video = document.createElement("video");
      video.src = `data:video/webm;base64,${base64}`;
      await new Promise((resolve, reject) => {
        video.addEventListener("loadeddata", resolve);
        video.addEventListener("error", () => reject(new Error(video.error?.message)));
      });
      return [video.videoWidth, video.videoHeight] as [number, number];
    }, Buffer.from(file).toString("base64"));
  } finally {
    await other.close();
  }
}

test("with less motion wanted, an animation waits for Play; Stop keeps the frames that are made", () =>
  visit("photo=clouds", async (page) => {
    await page.emulateMediaFeatures([{ name: "prefers-reduced-motion", value: "reduce" }]);
    await openTool(page, "animate");
    await waitFor(page, detailsAre("Frame 1 of 40, "));
    expect(await textOf(page, "#animate-play")).toBe("Play");
    await waitFor(page, `parseInt(document.querySelector("#animate-progress p").textContent) > 3`);
    expect(await textOf(page, "#results-hint")).toMatch(/^Frame 1 of 40, /);
    await page.click("#animate-progress button");
    const text = await textOf(page, "#animate-progress p");
    expect(text).toMatch(/^\d+ of 40 frames are made\.$/);
    const made = Number.parseInt(text, 10);
    expect(made).toBeLessThan(40);
    await page.click("#animate-play");
    await waitFor(page, detailsAre(`Frame ${made} of 40, `));
    await waitFor(page, detailsAre("Frame 1 of 40, "));
    expect(await textOf(page, "#animate-progress p")).toBe(text);
    await page.click("#strip"); // anywhere, while it scrolls with the playing
    expect(await textOf(page, "#animate-play")).toBe("Play");
    await page.click("#strip li:nth-child(2) button");
    await waitFor(page, detailsAre("Frame 2 of 40, "));
    expect(await textOf(page, "#animate-play")).toBe("Play");
  }));

test("an enlargement is the library's, compared with a plain one; the zip holds both", () =>
  visit("photo=clouds", async (page) => {
    await openTool(page, "enlarge");
    await set(page, "enlarge-seed", "1");
    await waitFor(page, detailsAre("2 times larger, picture 1, "));
    const { photo } = sampler.model;
    const after = toRgb8(await sampler.render(srPath(sampler.model, 2), { seed: 1 }));
    const before = toRgb8(imresizeTo(photo, { width: 2 * photo.width, height: 2 * photo.height }));
    expect(await pixels(page, "picture")).toEqual(after);
    expect(await pixels(page, "before")).toEqual(before);
    expect(await textOf(page, "#enlarge-size")).toBe(
      `${photo.width}×${photo.height} px become ${after.width}×${after.height} px. Up to 8 times are possible here: ` +
        `${8 * photo.width}×${8 * photo.height} px.`,
    );

    // The line between them: by the slider, the keys of the stage and the pointer.
    const cut = (): Promise<string> => page.$eval("#before", (one) => getComputedStyle(one).clipPath);
    expect(await cut()).toMatch(/50%/);
    await set(page, "split", "20");
    expect(await cut()).toMatch(/80%/);
    await page.focus("#stage");
    await press(page, "ArrowRight");
    expect(await page.$eval("#split", (one) => (one as HTMLInputElement).value)).toBe("22");
    const box = (await (await page.$("#picture"))!.boundingBox())!;
    await page.mouse.move(box.x + 0.5 * box.width, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + 0.75 * box.width, box.y + box.height / 2, { steps: 4 });
    await page.mouse.up();
    expect(await page.$eval("#split", (one) => (one as HTMLInputElement).value)).toBe("75");

    const zip = unzipSync(await downloaded(page, "#save-all", "tiny-pictures.zip"));
    expect(Object.keys(zip)).toEqual(["tiny-x2-seed-1.png", "tiny-x2-bicubic.png"]);
    expect(Object.values(zip).map((png) => readPng(png))).toEqual([after, before]);

    // The picture before alone, without the line.
    await page.click("#strip li:nth-child(2) button");
    expect(await pixels(page, "picture")).toEqual(before);
    expect(await page.$eval("#before", (one) => (one as HTMLElement).hidden)).toBe(true);
    expect(await page.$eval("#split", (one) => (one as HTMLInputElement).disabled)).toBe(true);

    await page.click("#enlarge-noise");
    await waitFor(page, detailsAre("2 times larger, without random details, "));
    const plain = toRgb8(await sampler.render(srPath(sampler.model, 2), { seed: 1, noise: "none" }));
    expect(await pixels(page, "picture")).toEqual(plain);
  }));

test("Enlarge leads to a training for enlarging", () =>
  visit("photo=citrus", async (page) => {
    await openTool(page, "enlarge");
    await waitFor(page, `document.getElementById("enlarge-form")`);
    await page.click("#train-enlarging");
    await waitFor(page, `document.body.dataset.view === "train" && document.getElementById("purpose").value === "enlarging"`);
    for (const [field, value] of [["maxSize", "30"], ["iterations", "2"], ["channels", "4"]] as const) // biome-ignore format: one line
      await set(page, field, value);
    expect(await page.evaluate("location.hash")).toBe(
      "#view=train&photo=citrus&maxSize=30&iterations=2&channels=4&purpose=enlarging",
    );
    await start(page);
    await waitFor(page, isDone);
    await page.click("#play-model");
    await waitFor(page, detailsAre("Picture 0,"));
    const { options, sizes } = readModel(await savedModel(page, "citrus"));
    expect(options).toMatchObject({ recipe: "sr", alphaRec: 100, maxSize: 30 });
    // The short side of 20 px is less than a third of a doubling above the least one, 18 px, so there is one step.
    expect(sizes.length).toBe(2);
    await page.$eval("#tools [value=enlarge]", (radio) => (radio as HTMLInputElement).click());
    await waitFor(page, detailsAre("2 times larger, "));
  }));
