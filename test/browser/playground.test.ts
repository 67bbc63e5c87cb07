// The page as a place to play with a model, in headless Chrome: what changes, of what size, seamless or not; pictures are the library's.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "puppeteer";
import { expect, test } from "vitest";
import { decodeImage } from "../../src/image/decode.ts";
import { type Rgb8, toRgb8 } from "../../src/image/planes.ts";
import type { SampleOptions } from "../../src/singan/generation/sampling.ts";
import { buildCli, singanIn } from "../command-line.ts";
import {
  choose,
  downloaded,
  folder,
  isDone,
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
import { file, sampler } from "./tiny-model.ts";

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
    await expect.poll(() => pixels(page, "picture"), { timeout: 20_000 }).toEqual(tile);
    expect(await textOf(page, "#results-hint")).toBe(`Picture 1, 40×${wide.size.height} px.`);
    await downloaded(page, "#save-sample", `tiny-seed-1-40x${wide.size.height}-tile-x.png`);

    await set(page, "sample-width", "5", "change"); // refused by the field itself, which says why
    expect(await page.$eval("#sample-width", (field) => (field as HTMLInputElement).validity.rangeUnderflow)).toBe(true);
    expect(await pixels(page, "picture")).toEqual(tile);
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
  return decodeImage(readFileSync(join(out, readdirSync(out)[0]!)));
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
