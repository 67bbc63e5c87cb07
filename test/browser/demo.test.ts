// The demo page as built for `npm start`, in headless Chrome: it trains, pauses, makes pictures, saves them, and shows errors.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Page } from "puppeteer";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { launchBrowser } from "../../harness/browser.ts";
import { about } from "../../src/demo/dom.ts";
import { explain, RECOVERING } from "../../src/demo/problems.ts";
import { decodeLayer } from "../../src/image/decode.ts";
import { flattened, type Rgb8, toPlanes, toRgb8 } from "../../src/image/planes.ts";
import { readPng } from "../../src/image/png.ts";
import { firstInstant } from "../../src/instant/first.ts";
import { instantPicture } from "../../src/instant/instant.ts";
import { ProcessorDenoiser } from "../../src/instant/processor-denoiser.ts";
import { LocalShares } from "../../src/instant/shares.ts";
import { readModel } from "../../src/singan/recipes.ts";
import { pictureCases } from "../picture-cases.ts";
import {
  browser,
  choose,
  click,
  downloaded,
  folder,
  isDone,
  isFilled,
  isShown,
  isState,
  LIMIT_MS,
  LONG,
  newSample,
  pixels,
  play,
  progress,
  savedModel,
  server,
  start,
  striped,
  TINY,
  textOf,
  visit,
  waitFor,
} from "./demo-page.ts";

/** Drops a file on the page, at once: the page lays something over itself as soon as the file is above it. */
async function drop(page: Page, name: string, bytes: Uint8Array): Promise<void> {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  const session = await page.createCDPSession();
  const data = { items: [], files: [path], dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"] as const)
    await session.send("Input.dispatchDragEvent", { type, x: 200, y: 300, data });
}

test.each([
  ["a wide screen", { width: 1280, height: 800 }],
  ["a phone", { width: 390, height: 844 }],
])("a photo and eight pictures like it are there before any script, on %s", async (_, viewport) => {
  const page = await browser.newPage();
  await page.setViewport(viewport);
  await page.setJavaScriptEnabled(false);
  await page.goto(server.url);
  const widths = (selector: string) =>
    page.$$eval(selector, (all) => all.map((one) => (one as HTMLImageElement).naturalWidth * Number(one.checkVisibility())));
  expect(await widths("#welcome img")).toEqual([128]);
  expect(await widths("#strip img")).toEqual(Array(8).fill(128));
  expect(await widths("#stored")).toEqual([128]);
  const { top, bottom } = await page.$eval("#stored", (one) => one.getBoundingClientRect().toJSON() as DOMRect);
  expect(top).toBeGreaterThan(0);
  expect(bottom).toBeLessThan(viewport.height);
  await page.close();
});

test("Play has the photo of a training that was begun before Play was opened", () =>
  visit(LONG, async (page) => {
    await start(page);
    await waitFor(page, isState("training"));
    await page.click("#to-play");
    await waitFor(page, `document.getElementById("document-name").textContent === "tulips" && ${isShown(0)}`);
    expect(await page.evaluate("document.body.dataset.source")).toBe("photo");
  }));

test("trains the bundled photo to the end, makes samples by seed, and saves picture and model", () =>
  visit(TINY, async (page) => {
    await start(page);
    await waitFor(page, isDone);
    expect(await textOf(page, "#plan")).toBe("Your settings: 3 scales up to 30×30 px, 2 iterations each, 4 channels.");
    expect(await progress(page)).toBe(1);
    expect(await page.$$eval("#scales li", (items) => items.map((item) => item.textContent))).toEqual([
      "1 · 25×25",
      "2 · 28×28",
      "3 · 30×30",
    ]);
    expect(await page.$$eval("#scales canvas", (all) => all.length)).toBe(3);
    expect(await textOf(page, "#legend")).toMatch(/D real -?\d.*Reconstruction \d+\.\d+$/);

    const first = await play(page);
    expect(first).toMatchObject({ width: 30, height: 30 });
    expect(new Set(first.data).size).toBeGreaterThan(20); // not blank
    const second = await newSample(page, "#new-sample", 1);
    expect(second.data).not.toEqual(first.data);
    await page.$eval("#sample-seed", (input) => {
      (input as HTMLInputElement).value = "0";
    });
    expect((await newSample(page, "#show-sample", 0)).data).toEqual(first.data);

    const png = await downloaded(page, "#save-sample", "tulips-seed-0.png");
    expect(readPng(png).data).toEqual(first.data);
    const model = readModel(await savedModel(page, "tulips"));
    expect(model.scales.length).toBe(3);
    expect(model.options).toMatchObject({ seed: 7, maxSize: 30, iterations: 2, channels: 4 });
    expect(await page.$eval("#problem", (box) => (box as HTMLElement).hidden)).toBe(true);
  }));

test("a pause holds the training, resuming goes on, stopping ends it; leaving meanwhile asks first", () =>
  visit(LONG, async (page) => {
    const pause = () => textOf(page, "#pause");
    await start(page);
    await waitFor(page, `${isFilled("preview")} && ${isFilled("reconstruction")}`);
    expect(await textOf(page, "#status")).toMatch(/^Scale 1 of 3, 25×25 px · iteration \d+ of 5000/);
    expect(await page.$eval("#choices", (e) => (e as HTMLFieldSetElement).disabled)).toBe(true);

    await page.click("#pause");
    expect(await pause()).toBe("Resume");
    expect(await textOf(page, "#status")).toMatch(/^Paused: Scale 1/);
    await new Promise((resolve) => setTimeout(resolve, 2000)); // so that messages on the way arrive
    const held = await progress(page);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(await progress(page)).toBe(held);

    await page.click("#pause");
    expect(await pause()).toBe("Pause");
    await waitFor(page, `document.getElementById("progress").value > ${held}`);

    const left = page.waitForNavigation();
    const asked = new Promise((resolve) => page.once("dialog", (dialog) => resolve(dialog.type())));
    await page.click("#pause"); // the browser asks only after a click on the page
    void page.reload().catch(() => {});
    expect(await asked).toBe("beforeunload");
    await left;

    await start(page);
    await waitFor(page, isFilled("preview"));
    await page.click("#stop");
    await waitFor(page, isState("idle"));
    expect(await textOf(page, "#status")).toBe("Ended before the first scale was done.");
    expect(await page.$("#play-model:disabled")).not.toBeNull();
  }));

test("a finished scale makes samples while the next one trains", () =>
  visit("view=train&photo=tulips&maxSize=30&iterations=40&channels=4", async (page) => {
    await start(page);
    await waitFor(page, `document.querySelector("#play-model:enabled")`);
    await page.click("#pause");
    const picture = await play(page);
    expect(await textOf(page, "#results-hint")).toBe(`Picture 0, ${picture.width}×${picture.height} px, made by 1 of 3 scales.`);
    await page.click("#to-train");
    await page.click("#stop");
    await waitFor(page, isState("idle"));
    expect(await textOf(page, "#status")).toMatch(/^Ended after 1 of 3 scales/);
  }));

describe("instant pictures", () => {
  const isMade = `document.querySelectorAll("#strip button:enabled").length === 8`;
  const strip = (page: Page): Promise<Rgb8[]> =>
    page
      .$$eval("#strip canvas", (all) => all.map((canvas) => (canvas as HTMLCanvasElement).toDataURL()))
      .then((urls) => urls.map((url) => readPng(Buffer.from(url.slice(url.indexOf(",") + 1), "base64"))));

  test("of a photo that is dropped are there at once, the library's to the last bit; then more of them, and those of another photo", () =>
    visit("view=play", async (page) => {
      await choose(page, "large.png", striped(90, 90));
      await drop(page, "stripes.png", striped(40, 30)); // replaces the work on the larger photo
      await waitFor(page, `${isMade} && ${isShown(0)} && document.getElementById("document-name").textContent === "stripes"`);
      const shown = await strip(page);
      const { photo, options } = firstInstant(toPlanes(readPng(striped(40, 30))), 96);
      const shares = [new LocalShares()];
      for (const [seed, picture] of shown.entries()) {
        const request = { ...options, size: { width: 40, height: 30 }, seed, start: { kind: "noise" } as const };
        const found = await instantPicture([photo], request, (source) => ProcessorDenoiser.open(source, shares));
        expect(picture).toEqual(toRgb8(found));
      }
      await page.click("#strip li:nth-child(3) button");
      expect(readPng(await downloaded(page, "#save-sample", "stripes-instant-seed-2.png"))).toEqual(shown[2]);

      await page.$eval("#sample-seed", (input) => {
        (input as HTMLInputElement).value = "7";
      });
      await newSample(page, "#show-sample", 7);
      await newSample(page, "#new-sample", 8);
      await waitFor(page, isMade);
      for (const [i, picture] of (await strip(page)).entries()) expect(picture.data).not.toEqual(shown[i]!.data);

      await page.click("#to-train");
      await page.click("#gallery [value=clouds]");
      await waitFor(page, `document.getElementById("real").height === 124`);
      await page.click("#play-photo");
      await waitFor(page, `document.getElementById("document-name").textContent === "clouds" && ${isShown(0)}`);
      expect(await pixels(page, "picture")).toMatchObject({ width: 96 });
    }));

  test("are not made of a photo whose shape would take minutes, and the page says so", () =>
    visit("view=play", async (page) => {
      await choose(page, "long.png", striped(1200, 30));
      await waitFor(page, `!document.getElementById("problem").hidden`);
      expect(await textOf(page, "#problem")).toBe(
        "There are no instant pictures. A photo of 1200x30 is too long: pictures of its shape take minutes.",
      );
    }));
});

describe("a visitor's own photo", () => {
  const problem = (page: Page) => textOf(page, "#problem");
  const checked = (page: Page) => page.$eval("#gallery :checked", (radio) => (radio as HTMLInputElement).value);

  test("a file that is no picture, an empty, a small and a too large one each give one message and change nothing", () =>
    visit("view=train&photo=clouds", async (page) => {
      await waitFor(page, isFilled("real"));
      const before = await pixels(page, "real");
      const large = sharp({ create: { width: 10_001, height: 10_000, channels: 3, background: "#446688" } });
      for (const [name, bytes, message] of [
        [
          "large.png",
          await large.png({ compressionLevel: 1 }).toBuffer(),
          "“large.png” has 10001×10000 pixels; the limit is 100 megapixels.",
        ],
        ["notes.png", new TextEncoder().encode("no picture"), "“notes.png” is not a picture that this browser can read."],
        ["none.jpg", new Uint8Array(), "“none.jpg” is empty."],
        ["small.png", striped(40, 20), "“small” has 40×20 pixels; its short side needs at least 25."],
      ] as const) {
        await choose(page, name, bytes);
        await waitFor(page, `document.getElementById("problem").textContent.startsWith("${message}")`);
      }
      expect(await pixels(page, "real")).toEqual(before);
      expect(await checked(page)).toBe("clouds");
      // The next valid file removes the message.
      await choose(page, "good.png", striped(40, 30));
      await waitFor(page, `document.getElementById("problem").hidden`);
      expect(await pixels(page, "real")).toEqual(readPng(striped(40, 30)));
      expect(await checked(page)).toBe("own");
      expect(page.url()).toMatch(/photo=own$/); // not its name
    }));

  test("has the colours that the command line reads, whatever the file", () =>
    visit("view=train&photo=clouds", async (page) => {
      const bundled = readdirSync("photos").filter((name) => name.endsWith(".png"));
      const photos = bundled.map((name) => ({ name, bytes: readFileSync(join("photos", name)) }));
      const differences: [difference: number, name: string][] = [];
      for (const [i, { name, bytes }] of [...(await pictureCases()), ...photos].entries()) {
        if (name.endsWith(".tiff")) continue; // no browser but Safari opens it
        await choose(page, `${i}-${name}`, bytes);
        const canvas = `#gallery canvas[aria-label="your photo ${i}-${name.replace(/\.[^.]*$/, "")}"]`;
        const url = await (await page.waitForSelector(canvas, { timeout: LIMIT_MS }))!.evaluate((e) =>
          (e as HTMLCanvasElement).toDataURL(),
        );
        const shown = readPng(Buffer.from(url.slice(url.indexOf(",") + 1), "base64"));
        const read = flattened(await decodeLayer(bytes));
        expect([name, shown.width, shown.height]).toEqual([name, read.width, read.height]);
        const difference = read.data.reduce((most, v, at) => Math.max(most, Math.abs(v - shown.data[at]!)), 0);
        differences.push([difference, name]);
      }
      differences.sort(([a], [b]) => b - a);
      console.log(`largest differences to the browser, in levels of 255: ${differences.slice(0, 6).join(" ")}`);
      expect(differences.length).toBeGreaterThan(90);
      // A colour that a palette lacks may be anything.
      expect(differences.filter(([most, name]) => most > 2 && name !== "png-index-outside-palette.png")).toEqual([]);
    }));

  test("by drop and by paste", () =>
    visit("view=train", async (page) => {
      await waitFor(page, isFilled("real"));
      await drop(page, "dropped.png", striped(31, 30));
      await waitFor(page, `document.querySelector("#gallery :checked").value === "own"`);
      expect(await pixels(page, "real")).toEqual(readPng(striped(31, 30)));
      await page.evaluate(
        (bytes) => {
          const clipboardData = new DataTransfer();
          clipboardData.items.add(new File([new Uint8Array(bytes)], "pasted.png", { type: "image/png" }));
          document.body.dispatchEvent(new ClipboardEvent("paste", { bubbles: true, cancelable: true, clipboardData }));
        },
        [...striped(33, 30)],
      );
      await waitFor(page, `document.getElementById("real").width === 33`);
      expect(await pixels(page, "real")).toEqual(readPng(striped(33, 30)));
      expect(await problem(page)).toBe("");
    }));

  test("settings that don't fit it are refused in one line", () =>
    visit("view=train&photo=clouds&maxSize=30&iterations=2&channels=4", async (page) => {
      await start(page);
      await waitFor(page, `!document.getElementById("problem").hidden`);
      expect(await problem(page)).toMatch(
        /^A max size of 30 reduces this picture of 256x124 pixels to 30x15, .*\. Choose a max size of 52, or crop the picture\.$/,
      );
      await waitFor(page, isState("idle"));
      expect(await textOf(page, "#status")).toBe("Not started.");
    }));
});

describe("the address", () => {
  test("carries the settings both ways", () =>
    visit("view=train&photo=citrus&preset=preview&seed=5&iterations=9", async (page) => {
      await waitFor(page, isFilled("real"));
      const value = (id: string) => page.$eval(`#${id}`, (e) => (e as HTMLInputElement).value);
      const preset = () => page.$eval("#cards :checked", (e) => (e as HTMLInputElement).value);
      expect([await preset(), await value("seed"), await value("iterations"), await value("maxSize")]).toEqual([
        "preview",
        "5",
        "9",
        "",
      ]);
      await click(page, "#cards label:has([value=balanced])");
      await click(page, "#gallery [value=clouds]");
      expect(new URL(page.url()).hash).toBe("#view=train&photo=clouds&preset=balanced&seed=5&iterations=9");
    }));

  test("nonsense in it becomes the defaults", () =>
    visit(
      "view=train&photo=secret&preset=best&seed=x&maxSize=abc",
      async (page) => {
        await waitFor(page, isFilled("real"));
        const values = await page.$eval("#settings", (form) => Object.fromEntries(new FormData(form as HTMLFormElement)));
        expect(values).toMatchObject({ photo: "tulips", preset: "auto", seed: "0", maxSize: "" });
      },
      { expected: /cannot be parsed/ },
    ));
});

describe("without a GPU", () => {
  test("a browser that gives no adapter", async () => {
    const other = await launchBrowser({ flags: ["--disable-gpu", "--disable-software-rasterizer"] });
    try {
      const work = async (page: Page): Promise<void> => {
        await waitFor(page, `!document.getElementById("problem").hidden`);
        await waitFor(page, isFilled("real"));
        await page.click("#gallery [value=citrus]"); // choosing a photo does not remove the message
        await waitFor(page, `document.getElementById("real").height === 169`);
        await page.click("#play-photo");
        await waitFor(page, isShown(0));
        expect(await textOf(page, "#problem")).toMatch(/^This browser has WebGPU but offers no GPU\..*chrome:\/\/gpu/);
      };
      await visit("view=train", work, { in: other, expected: /WebGPU|adapter/ });
    } finally {
      await other.close();
    }
  });

  test("a page that is not secure", async () => {
    // The demo's server answers only to its own Host, so a site of another name stands before it.
    const { host: own } = new URL(server.url);
    const site = createServer(({ url = "/", headers }, response) => {
      get(`http://${own}${url}`, { headers: { ...headers, host: own } }, (file) => {
        response.writeHead(file.statusCode!, file.headers);
        file.pipe(response);
      });
    });
    await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
    const host = `demo.test:${(site.address() as AddressInfo).port}`;
    const other = await launchBrowser({ flags: ["--host-resolver-rules=MAP demo.test 127.0.0.1"] });
    try {
      const work = async (page: Page): Promise<void> => {
        await waitFor(page, `!document.getElementById("problem").hidden`);
        expect(await textOf(page, "#problem")).toBe(
          "WebGPU works on secure pages only. Open this page over https or on localhost.",
        );
        expect(await page.$eval("#start", (e) => (e as HTMLButtonElement).disabled)).toBe(true);
      };
      await visit("view=train", work, {
        in: other,
        at: `http://${host}/`,
        expected: /Cross-Origin-Opener-Policy header has been ignored/,
      });
    } finally {
      await other.close();
      site.closeAllConnections();
      site.close();
    }
  });

  test("a GPU that is lost while training and sampling: both go on by themselves", async () => {
    const other = await launchBrowser({
      flags: ["--disable-gpu-process-crash-limit", "--disable-domain-blocking-for-3d-apis"],
    });
    try {
      const session = await other.target().createCDPSession();
      const work = async (page: Page): Promise<void> => {
        await start(page);
        await waitFor(page, `document.querySelectorAll("#scales li").length === 1 && ${isState("training")}`);
        await page.click("#play-model");
        void session.send("Browser.crashGpuProcess").catch(() => {});
        // All at once, because it lasts for moments only.
        const said = `document.getElementById("status").textContent === ${JSON.stringify(RECOVERING)}`;
        await waitFor(page, `${isState("recovering")} && ${said} && document.getElementById("pause").disabled`);
        await waitFor(page, `document.getElementById("results-hint").textContent.includes("made by 1 of 3 scales")`);
        await waitFor(page, isDone);
        expect(await page.$eval("#problem", (box) => (box as HTMLElement).hidden)).toBe(true);
        expect(await page.$eval("#unfinished", (bar) => (bar as HTMLElement).hidden)).toBe(true);
      };
      await visit("view=train&photo=tulips&maxSize=30&iterations=60&channels=4", work, { in: other });
    } finally {
      await other.close();
    }
  });

  test.each([
    ["lostUntilReload", true, /^The GPU was lost, .*\. The training is saved: reload the page, then choose Continue\.$/],
    ["lostUntilReload", false, /^The GPU was lost, .*\. Download what you want to keep, then reload the page\.$/],
    [
      "lostUntilRestart",
      true,
      /^This browser offers no GPU .*\. The training is saved: restart the browser, then choose Continue\.$/,
    ],
  ] as const)("help after a loss: %s, with a kept training: %s", (problem, isKept, help) => {
    expect(explain(problem, "", "", isKept)).toMatch(help);
  });

  test.each([
    ["Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", /about:config/],
    ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36", /#enable-unsafe-webgpu/],
    ["Mozilla/5.0 (Linux; Android 10) AppleWebKit/537.36 Chrome/110.0.0.0 Mobile Safari/537.36", /version 121/],
    ["Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/100.0.0.0 Safari/537.36", /version 113/],
    ["Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 Version/17.0 Safari/605.1.15", /version 26/],
    ["curl/8", /Current versions/],
  ])("help for %s", (userAgent, help) => {
    expect(explain("missing", "", userAgent)).toMatch(help);
  });
});

test.each([
  [1, "about 5 s"],
  [41, "about 45 s"],
  [57, "about 1 min"],
  [59 * 60, "about 59 min"],
  [7_900, "about 2 h 10 min"],
])("%i s are %s", (seconds, words) => {
  expect(about(seconds)).toBe(words);
});
