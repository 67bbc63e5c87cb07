// The page as a place to play with a model, in headless Chrome: what changes, of what size, seamless or not; pictures are the library's.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "puppeteer";
import { expect, test } from "vitest";
import { repeated } from "../../src/demo/features/sample/repeated.ts";
import { type Rgb8, toRgb8 } from "../../src/image/planes.ts";
import { readPng } from "../../src/image/png.ts";
import type { SampleOptions } from "../../src/singan/generation/sampling.ts";
import { writeModel } from "../../src/singan/recipes.ts";
import { buildCli, singanIn } from "../command-line.ts";
import { TINY as SMALL, tinyPhoto, trainAny } from "../tiny-training.ts";
import {
  choose,
  downloaded,
  folder,
  isDone,
  isFilled,
  isShown,
  newSample,
  pixels,
  play,
  savedModel,
  start,
  striped,
  TINY,
  textOf,
  visit,
  waitFor,
} from "./demo-page.ts";
import { file, gpu, sampler } from "./tiny-model.ts";

const library = async (options: SampleOptions): Promise<Rgb8> => toRgb8(await sampler.sample(options));

async function set(page: Page, id: string, value: string, event: "input" | "change"): Promise<void> {
  await page.$eval(
    `#${id}`,
    (field, to, name) => {
      (field as HTMLInputElement).value = to;
      field.dispatchEvent(new Event(name, { bubbles: true }));
    },
    value,
    event,
  );
}

test("a model of the library: start scales, sizes and tiles are the library's pictures, and files say which", () =>
  visit("view=play", async (page) => {
    await choose(page, "tiny.safetensors", file);
    await waitFor(page, isShown(0));
    expect(await pixels(page, "picture")).toEqual(await library({ seed: 0 }));
    expect((await newSample(page, "#new-sample", 1)).data).toEqual((await library({ seed: 1 })).data);

    expect(await textOf(page, "#change-hint")).toBe("Everything is made anew.");
    await set(page, "change", "0", "input");
    const details = await library({ seed: 1, startScale: 1 });
    await expect.poll(() => pixels(page, "picture"), { timeout: 20_000 }).toEqual(details);
    expect(await textOf(page, "#change-hint")).toMatch(/^What can be seen at \d+×\d+ px stays; finer things are made anew\.$/);
    await set(page, "change", "1", "input");

    await set(page, "sample-width", "40", "input");
    await set(page, "seamless", "x", "input");
    const wide = { seed: 1, size: { width: 40, height: sampler.model.sizes.at(-1)!.height }, wraps: { x: true, y: false } };
    const tile = await library(wide);
    await expect.poll(() => pixels(page, "picture"), { timeout: 20_000 }).toEqual(repeated(tile, wide.wraps));
    expect(await textOf(page, "#results-hint")).toBe(`Picture 1, 40×${wide.size.height} px.`);
    await page.click("#repeat");
    expect(await pixels(page, "picture")).toEqual(tile);
    await downloaded(page, "#save-sample", `tiny-seed-1-40x${wide.size.height}-tile-x.png`);
    // All of this stays while another tool is used.
    await set(page, "change", "0", "input");
    const kept = await library({ ...wide, startScale: 1 });
    await expect.poll(() => pixels(page, "picture"), { timeout: 20_000 }).toEqual(kept);
    await useTool(page, "paint");
    await useTool(page, "sample");
    await expect.poll(() => pixels(page, "picture"), { timeout: 20_000 }).toEqual(kept);
    expect(await page.$eval("#sample-seed", (field) => (field as HTMLInputElement).value)).toBe("1");
    await page.click("#repeat");
    expect(await pixels(page, "picture")).toEqual(repeated(kept, wide.wraps));
    expect(
      readPng(Buffer.from(await downloaded(page, "#save-sample", `tiny-seed-1-40x${wide.size.height}-from-scale-1-tile-x.png`))),
    ).toEqual(kept);
    await set(page, "change", "1", "input");
    await expect.poll(() => pixels(page, "picture"), { timeout: 20_000 }).toEqual(repeated(tile, wide.wraps));

    await set(page, "sample-width", "5", "change"); // refused by the field itself, which says why
    expect(await page.$eval("#sample-width", (field) => (field as HTMLInputElement).validity.rangeUnderflow)).toBe(true);
    expect(await pixels(page, "picture")).toEqual(repeated(tile, wide.wraps));
  }));

const useTool = (page: Page, tool: string): Promise<void> =>
  page.$eval(`#tools [value=${tool}]`, (radio) => (radio as HTMLInputElement).click());
const labels = (page: Page): Promise<(string | null)[]> => page.$$eval("#strip li", (all) => all.map((one) => one.textContent));
const isHidden = (page: Page, id: string): Promise<boolean> =>
  page.$eval(`#${id}`, (element) => !(element as HTMLElement).checkVisibility());

test("a deleted picture can be brought back to its place, until others are made", () =>
  visit("view=play", async (page) => {
    await choose(page, "tiny.safetensors", file);
    await waitFor(page, `document.querySelectorAll("#strip button:enabled").length === 8`);
    const before = await labels(page);
    await page.click("#strip li:nth-child(3) button");
    const third = await pixels(page, "picture");
    expect(await isHidden(page, "undo-delete")).toBe(true);
    await page.click("#delete");
    expect(await labels(page)).toEqual(before.filter((_, i) => i !== 2));
    expect(await textOf(page, "#results-hint")).toMatch(/^Picture 3,/);
    await page.click("#undo-delete");
    expect(await labels(page)).toEqual(before);
    expect(await pixels(page, "picture")).toEqual(third);
    expect(await isHidden(page, "undo-delete")).toBe(true);
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Picture 2");

    // The last one of a strip that is deleted as a whole comes back, too.
    for (let i = 0; i < 8; i++) await page.click("#delete");
    expect([await labels(page), await textOf(page, "#results-hint")]).toEqual([[], "All pictures are deleted."]);
    await page.click("#undo-delete");
    expect((await labels(page)).length).toBe(1);
    await page.click("#delete");
    await set(page, "change", "0", "input");
    await waitFor(page, `document.querySelectorAll("#strip button:enabled").length === 8`);
    expect(await isHidden(page, "undo-delete")).toBe(true);
  }));

test("where all that are made are deleted, the next one that is made is shown", () =>
  visit("view=play", async (page) => {
    // As soon as the first one is made, before there is time for the others.
    const shown = await page.evaluate(`new Promise((resolve) => {
      const button = document.getElementById("delete");
      new MutationObserver((_, observer) => {
        if (button.disabled) return;
        observer.disconnect();
        while (!button.disabled) button.click();
        resolve([document.querySelectorAll("#strip li").length > 0, document.getElementById("results-hint").textContent]);
      }).observe(button, { attributes: true });
    })`);
    expect(shown).toEqual([true, "More pictures are being made …"]);
    await waitFor(page, `document.getElementById("results-hint").textContent.startsWith("Picture")`);
  }));

test("a picture that is pinned while others are still being made comes first, and none is there twice", () =>
  visit("view=play", async (page) => {
    await waitFor(
      page,
      `document.querySelectorAll("#strip button:enabled").length >= 2 && !document.getElementById("pin").disabled`,
    );
    const [made] = await Promise.all([
      page.$$eval("#strip button:enabled", (all) => all.length),
      page.$eval("#pin", (button) => (button as HTMLElement).click()),
    ]);
    expect(made).toBeLessThan(8);
    await waitFor(page, `document.querySelectorAll("#strip button:enabled").length === 8`);
    expect(await labels(page)).toEqual(Array.from({ length: 8 }, (_, i) => `Picture ${i}`));
  }));

test("what has no meaning with the other settings is not there", () =>
  visit("view=play", async (page) => {
    await waitFor(page, isShown(0));
    const isSeen = (): Promise<boolean> => page.$eval("#repeat-line", (line) => (line as HTMLElement).checkVisibility());
    expect(await isSeen()).toBe(false);
    await page.select("#seamless", "both");
    expect(await isSeen()).toBe(true);
  }));

test("a message can be closed, and goes away when the next action succeeds", () =>
  visit("view=play", async (page) => {
    const fail = async (): Promise<void> => {
      await choose(page, "notes.png", new TextEncoder().encode("no picture"));
      await waitFor(page, `!document.getElementById("problem").hidden`);
    };
    await fail();
    await page.click("#close-problem");
    expect(await isHidden(page, "trouble")).toBe(true);
    expect(await page.evaluate("document.activeElement.id")).toBe("to-play");
    await fail();
    await choose(page, "tiny.safetensors", file);
    await waitFor(page, isShown(0));
    expect(await isHidden(page, "trouble")).toBe(true);
    await fail();
    await downloaded(page, "#save-all", "tiny-pictures.zip");
    await waitFor(page, `document.getElementById("problem").hidden`);
  }));

test("what needs a model says so in place of its controls, and leads to a training on the photo that is open, as large as it was", () =>
  visit("view=play", async (page) => {
    await choose(page, "large.png", striped(120, 90));
    await waitFor(page, `document.body.dataset.source === "photo" && ${isShown(0)}`);
    for (const [tool, why] of [
      ["enlarge", /^Enlarge needs a trained model: .*\.Train on this photo$/],
      ["animate", /^Animate needs a trained model: .*\.Train on this photo$/],
    ] as const) {
      await useTool(page, tool);
      expect(await textOf(page, "#panel")).toMatch(why);
      expect(await page.$$("#strip li")).toEqual([]);
    }
    // These work at once.
    for (const tool of ["paint", "edit", "harmonize"]) {
      await useTool(page, tool);
      expect(await page.$(`#${tool}-form`)).not.toBeNull();
    }
    await useTool(page, "animate");
    await page.click("#panel button");
    await waitFor(page, `document.body.dataset.view === "train" && document.querySelector("#gallery :checked").value === "own"`);
    expect(await pixels(page, "real")).toMatchObject({ width: 120, height: 90 });

    // What is chosen in Train stays, until another photo is opened in Play.
    const chosen = (): Promise<string> => page.$eval("#gallery :checked", (radio) => (radio as HTMLInputElement).value);
    await page.click("#gallery [value=citrus]");
    await page.click("#to-play");
    await page.click("#to-train");
    expect(await chosen()).toBe("citrus");
    await page.click("#to-play");
    await page.click("#document");
    await page.evaluate(() => {
      const all = [...document.querySelectorAll<HTMLElement>("#photo-sources .source")];
      all.find((one) => one.textContent?.startsWith("blossom"))?.click();
    });
    await waitFor(page, `document.getElementById("document-name").textContent === "blossom"`);
    await page.click("#to-train");
    await waitFor(page, `document.querySelector("#gallery :checked").value === "blossom"`);
    await waitFor(page, `location.hash.includes("photo=blossom")`);
  }));

test("a ConSinGAN model makes pictures; its other tools say in one sentence why they can't work", () =>
  visit("view=play", async (page) => {
    const { maxSize, minSize, seed } = SMALL as Required<typeof SMALL>;
    const options = { recipe: "consingan", stages: 2, channels: 4, maxSize, minSize, iterations: 2, seed } as const;
    await choose(page, "con.safetensors", writeModel(await trainAny(gpu, tinyPhoto(), options)));
    await waitFor(page, `${isFilled("stage")} && ${isShown(0)}`);
    expect(await isHidden(page, "keep-part")).toBe(true);
    for (const tool of ["paint", "edit", "harmonize", "enlarge", "animate"]) {
      await useTool(page, tool);
      expect(await textOf(page, "#panel")).toMatch(/^This model only makes new pictures: [^.]*\.$/);
      expect(await isHidden(page, "trouble")).toBe(true);
    }
    await useTool(page, "sample");
    await waitFor(page, isShown(0));
  }));

/** Runs a command in the folder of this file's downloads. */
function singan(...words: readonly string[]): void {
  const { status, err } = singanIn(folder, ...words);
  if (status !== 0) throw new Error(err);
}

/** The picture that the command line makes of a model with this seed. */
function sampledByCli(model: string, seed: number): Rgb8 {
  const out = join(folder, `${model}-${seed}`);
  singan("sample", model, "--seed", String(seed), "--count", "1", "--out", out);
  return readPng(readFileSync(join(out, readdirSync(out)[0]!)));
}

test("the command line and the page open each other's models, and make the same pictures of them", async () => {
  buildCli();
  writeFileSync(join(folder, "stripes.png"), striped(40, 34));
  const options = ["--max-size", "30", "--iterations", "3", "--channels", "4", "--samples", "1"];
  singan("train", "stripes.png", "--out", "by-cli", ...options);
  await visit(TINY, async (page) => {
    await start(page);
    await waitFor(page, isDone);
    const first = await play(page);
    await savedModel(page, "tulips");
    expect(first).toEqual(sampledByCli("tulips.safetensors", 0));

    await choose(page, "by-cli.safetensors", readFileSync(join(folder, "by-cli/model.safetensors")));
    await waitFor(page, `document.getElementById("document-name").textContent === "by-cli" && ${isShown(0)}`);
    expect(await newSample(page, "#new-sample", 1)).toEqual(sampledByCli("by-cli", 1));
  });
});
