// A training on the demo page that was stopped or interrupted: it is kept in the browser, continued, discarded or replaced.

import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "puppeteer";
import { describe, expect, test } from "vitest";
import { launchBrowser } from "../../harness/browser.ts";
import { serve } from "../../harness/serve.ts";
import type { Facts } from "../../src/demo/kept-training.ts";
import { RECIPES } from "../../src/singan/recipes.ts";
import { readCheckpointFile, writeCheckpointFile } from "../../src/singan/training/checkpoint.ts";
import {
  choose,
  folder,
  isDone,
  isState,
  pixels,
  play,
  server,
  start,
  striped,
  TINY,
  textOf,
  visit,
  waitFor,
} from "./demo-page.ts";

describe("a training that was stopped or interrupted", () => {
  const SHORT = "view=train&photo=tulips&maxSize=30&iterations=40&channels=4";
  const bar = (page: Page) => textOf(page, "#unfinished-text");
  const isOffered = `!document.getElementById("unfinished").hidden`;
  const stopAfterOneScale = async (page: Page): Promise<void> => {
    await start(page);
    await waitFor(page, `document.querySelectorAll("#scales li").length === 1`);
    await page.click("#stop");
    await waitFor(page, `${isState("idle")} && ${isOffered}`);
  };

  const storedFile = async (page: Page, name: string): Promise<Uint8Array> =>
    Uint8Array.from(
      await page.evaluate(async (name) => {
        const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("singan-webgpu training");
        return [...new Uint8Array(await (await (await folder.getFileHandle(name)).getFile()).arrayBuffer())];
      }, name),
    );
  const store = (page: Page, name: string, bytes: Uint8Array): Promise<void> =>
    page.evaluate(
      async (name, values) => {
        const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("singan-webgpu training");
        const stream = await (await folder.getFileHandle(name)).createWritable();
        await stream.write(new Uint8Array(values));
        await stream.close();
      },
      name,
      [...bytes],
    );

  const continued = async (page: Page): Promise<void> => {
    await waitFor(page, `!document.getElementById("continue").disabled`);
    await page.click("#continue");
    await waitFor(page, `document.querySelectorAll("#scales li").length >= 1`);
    expect(await page.$eval("#unfinished", (e) => (e as HTMLElement).hidden)).toBe(true);
  };

  test("after a reload, and after a crash of its tab, it shows its photo and scales again, and ends with the bits of one that nothing disturbed", async () => {
    const other = await launchBrowser();
    const name = "<b>mine & 🌷";
    const photo = striped(41, 37);
    const fingerprint = async (page: Page) => {
      await waitFor(page, isDone);
      expect(await textOf(page, "#status")).toMatch(/^Done/);
      const scales = await page.$$eval("#scales canvas", (all) => all.map((one) => one.toDataURL()));
      return { scales, plan: await textOf(page, "#plan"), sample: await play(page) };
    };
    const hash = "view=train&maxSize=30&iterations=40&channels=4&seed=3";
    try {
      let wanted: unknown;
      await visit(hash, async (page) => {
        await choose(page, `${name}.png`, photo);
        await waitFor(page, `document.querySelector("#gallery :checked").value === "own"`);
        await start(page);
        wanted = await fingerprint(page);
        expect(await page.$eval("#unfinished", (e) => (e as HTMLElement).hidden)).toBe(true);
      }, { in: other }); // biome-ignore format: one call
      await visit(hash, async (page) => {
        await choose(page, `${name}.png`, photo);
        await waitFor(page, `document.querySelector("#gallery :checked").value === "own"`);
        await stopAfterOneScale(page);
        expect(await bar(page)).toMatch(/^Training of <b>mine & 🌷 stopped at \d+ %\. It is kept in this browser\.$/);
      }, { in: other }); // biome-ignore format: one call
      await visit("view=train&photo=clouds", async (page) => {
        await waitFor(page, isOffered);
        expect(await bar(page)).toMatch(/^Training of <b>mine & 🌷 stopped at \d+ %/);
        expect(await page.$$eval("#unfinished b", (all) => all.length)).toBe(0);
        await continued(page);
        expect(await pixels(page, "real")).toMatchObject({ height: 25 }); // the first scale's picture, as before
        const crashed = new Promise((resolve) => page.once("error", resolve));
        void (await page.createCDPSession()).send("Page.crash").catch(() => {});
        await crashed;
      }, { in: other }); // biome-ignore format: one call
      await visit("view=train", async (page) => {
        await waitFor(page, isOffered);
        await continued(page);
        expect(await fingerprint(page)).toEqual(wanted);
        expect(await page.$eval("#unfinished", (e) => (e as HTMLElement).hidden)).toBe(true);
      }, { in: other }); // biome-ignore format: one call
    } finally {
      await other.close();
    }
  });

  test("it is discarded, or replaced by another one, only where the visitor agrees", async () => {
    const other = await launchBrowser();
    const page = await other.newPage();
    const asked: string[] = [];
    let isAgreed = false;
    page.on("dialog", (dialog) => {
      asked.push(dialog.message());
      void (isAgreed ? dialog.accept() : dialog.dismiss());
    });
    try {
      await page.goto(`${server.url}#${SHORT}`);
      await stopAfterOneScale(page);
      const text = await bar(page);
      await page.click("#start");
      await page.click("#discard");
      const question = expect.stringMatching(/^Give up the unfinished training of tulips, \d+ % done\?$/);
      expect(asked).toEqual([question, question]);
      expect(await bar(page)).toBe(text);
      // A refused successor takes nothing away.
      isAgreed = true;
      await page.click("#gallery [value=clouds]");
      await waitFor(page, `document.getElementById("real").height === 124`);
      await page.click("#start");
      await waitFor(page, `document.getElementById("problem").textContent.startsWith("A max size of 30 reduces")`);
      await waitFor(page, isState("idle"));
      expect(await bar(page)).toBe(text);
      await page.click("#discard");
      await waitFor(page, `document.getElementById("unfinished").hidden`);
      await page.reload();
      await waitFor(page, `!document.getElementById("start").disabled`);
      expect(await page.$eval("#unfinished", (e) => (e as HTMLElement).hidden)).toBe(true);
    } finally {
      await other.close();
    }
  });

  test("a damaged checkpoint: the one before it is used; two damaged ones are named, and nothing breaks", async () => {
    const other = await launchBrowser();
    const page = await other.newPage();
    page.on("dialog", (dialog) => void dialog.accept());
    /** Changes a byte of a stored file. */
    const damage = async (slot: number): Promise<void> => {
      const bytes = await storedFile(page, `checkpoint-${slot}.safetensors`);
      bytes[bytes.length - 100]! ^= 1;
      await store(page, `checkpoint-${slot}.safetensors`, bytes);
    };
    try {
      await page.goto(`${server.url}#${SHORT}`);
      await stopAfterOneScale(page);
      await damage(0);
      await page.reload();
      await waitFor(page, isOffered);
      const one = await textOf(page, "#warning");
      await damage(1);
      await page.reload();
      await waitFor(page, `!document.getElementById("warning").hidden && !document.getElementById("start").disabled`);
      expect(one).toMatch(/^A checkpoint can't be used \(damaged: .*\)\. The other one is used\.$/);
      expect(await textOf(page, "#warning")).toMatch(/^An unfinished training was found, but it can't be continued \(damaged: /);
      expect(await page.$eval("#unfinished", (e) => (e as HTMLElement).hidden)).toBe(true);
      await stopAfterOneScale(page); // a new one is kept as ever
    } finally {
      await other.close();
    }
  });

  test("on another adapter, or with other kernels, it goes on and says that the bits differ", async () => {
    const other = await launchBrowser();
    const page = await other.newPage();
    try {
      await page.goto(`${server.url}#${SHORT}`);
      await stopAfterOneScale(page);
      for (const name of ["checkpoint-0.safetensors", "checkpoint-1.safetensors"]) {
        const { sequence, ...checkpoint } = await readCheckpointFile(await storedFile(page, name), RECIPES);
        const { kernels, ...facts } = checkpoint.facts as Facts;
        const changed = { ...facts, kernels: { ...kernels, name: "another GPU, kernels 00000000" } };
        await store(page, name, await writeCheckpointFile({ ...checkpoint, facts: changed }, sequence, RECIPES));
      }
      await page.reload();
      await waitFor(page, `${isOffered} && !document.getElementById("continue").disabled`);
      await page.click("#continue");
      await waitFor(page, isDone);
      expect(await textOf(page, "#status")).toMatch(/^Done/);
      expect(await textOf(page, "#warning")).toMatch(
        /^Another GPU, or another version of this page, goes on with this training, /,
      );
    } finally {
      await other.close();
    }
  });

  test("where the browser forbids storage, training goes on with one warning", async () => {
    const forbidding = join(folder, "forbidding");
    cpSync("dist/demo", forbidding, { recursive: true });
    const forbid = `navigator.storage.getDirectory = () => Promise.reject(new DOMException("Not here.", "SecurityError"));\n`;
    writeFileSync(join(forbidding, "worker.js"), forbid + readFileSync(join(forbidding, "worker.js"), "utf8"));
    const there = await serve(forbidding);
    try {
      const work = async (page: Page): Promise<void> => {
        await start(page);
        await waitFor(page, isDone);
        expect(await textOf(page, "#status")).toMatch(/^Done/);
        expect(await textOf(page, "#warning")).toBe(
          "This browser can't keep the training (Not here). It goes on, but closing the tab loses it. Download the model at the end.",
        );
      };
      await visit(TINY, work, { at: there.url });
    } finally {
      await there.close();
    }
  });
});
