// The harness: a page computes on its GPU, and its errors reach the test. Also Node's adapter, compared with the page's.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { buildSync } from "esbuild";
import type { Browser } from "puppeteer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser } from "../../harness/browser.ts";
import { runInPage } from "../../harness/page.ts";
import { serve } from "../../harness/serve.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { type Doubled, driverBitsOn } from "./double.page.ts";

const ENTRY = "test/browser/double.page.ts";

describe("runInPage", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  test("computes on the page's GPU and carries JSON both ways", async () => {
    const { values } = await runInPage<Doubled>(ENTRY, "double", [1, -2.5, 1e30, 0, 7], { browser });
    expect(values).toEqual([2, -5, Math.fround(2 * Math.fround(1e30)), 0, 14]);
  });

  test("starts and closes a browser of its own where none is given", async () => {
    expect((await runInPage<Doubled>(ENTRY, "double", [21])).values).toEqual([42]);
  });

  test("the page and Node compute on the same kind of adapter, and software adapters to the same bits", async () => {
    const numbers = Array.from({ length: 1000 }, (_, i) => (i - 500) / 77);
    const adapter = await openAdapter();
    const { isFallback, architecture } = await runInPage<Doubled>(ENTRY, "double", [1], { browser });
    expect({ isFallback, architecture }).toEqual({
      isFallback: adapter.info.isFallbackAdapter,
      architecture: adapter.info.architecture,
    });
    const [inPage, inNode] = [
      await runInPage<number[]>(ENTRY, "driverBits", numbers, { browser }),
      await driverBitsOn(adapter, numbers),
    ];
    // WGSL allows exp an error of 3 + 2|x| units in the last place, and GPU drivers differ. With SwiftShader both use the same driver.
    const allowed = (x: number): number => (isFallback ? 0 : 2 * (3 + 2 * Math.abs(x)));
    const different = inPage.filter((bits, i) => Math.abs(bits - inNode[i]!) > allowed(numbers[i]!)).length;
    expect(different).toBe(0);
  });

  test("an error in the page rejects", async () => {
    await expect(runInPage(ENTRY, "fail", null, { browser })).rejects.toThrow("on purpose");
  });

  test("a rejection that nobody handles in the page rejects", async () => {
    await expect(runInPage(ENTRY, "failLater", null, { browser })).rejects.toThrow("forgotten");
  });

  test("an export that is not there rejects", async () => {
    await expect(runInPage(ENTRY, "missing", null, { browser })).rejects.toThrow("no function missing");
  });

  test("an entry that does not build rejects", async () => {
    await expect(runInPage("test/browser/missing.page.ts", "x", null, { browser })).rejects.toThrow("missing.page.ts");
  });

  test("the time limit ends a page that hangs; its console lines arrive; its page is closed", async () => {
    const lines: string[] = [];
    const before = (await browser.pages()).length;
    const run = runInPage(ENTRY, "hang", null, { browser, limitMs: 1500, onConsole: (line) => lines.push(line) });
    await expect(run).rejects.toThrow("hang of test/browser/double.page.ts took longer than 1500 ms");
    expect(lines).toEqual(["page: hanging"]);
    expect((await browser.pages()).length).toBe(before);
  });
});

describe("serve", () => {
  const folder = mkdtempSync(join(tmpdir(), "singan-serve-"));
  const root = join(folder, "root");
  mkdirSync(join(root, "sub"), { recursive: true });
  writeFileSync(join(folder, "secret.txt"), "secret");
  writeFileSync(join(root, "index.html"), "home");
  writeFileSync(join(root, "a b.js"), "1");
  symlinkSync(join(folder, "secret.txt"), join(root, "link.txt"));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Sends a path as it is: fetch would resolve `..` first. */
  const request = (url: string, path: string): Promise<{ status: number; type: string; body: string }> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(url);
      get({ hostname, port, path }, (response) => {
        let body = "";
        response.on("data", (chunk) => {
          body += chunk;
        });
        response.on("end", () => resolve({ status: response.statusCode!, type: response.headers["content-type"]!, body }));
      }).on("error", reject);
    });

  test.each([
    ["/", 200, "text/html; charset=utf-8", "home"],
    ["/a%20b.js?v=1", 200, "text/javascript; charset=utf-8", "1"],
    ["/missing.js", 404, "text/plain", "404\n"],
    ["/sub", 404, "text/plain", "404\n"],
    ["/../secret.txt", 404, "text/plain", "404\n"],
    ["/..%2fsecret.txt", 404, "text/plain", "404\n"],
    ["/sub/..%2f..%2fsecret.txt", 404, "text/plain", "404\n"],
    ["/link.txt", 404, "text/plain", "404\n"],
    ["/%", 404, "text/plain", "404\n"],
  ])("GET %s → %i", async (path, status, type, body) => {
    const server = await serve(root);
    expect(await request(server.url, path)).toEqual({ status, type, body });
    await server.close();
  });

  test("answers to the names of this computer with its port, and to no other Host", async () => {
    const server = await serve(root);
    const { port } = new URL(server.url);
    const statusFor = (host: string): Promise<number> =>
      new Promise((resolve, reject) => {
        get({ host: "127.0.0.1", port, path: "/", headers: { host } }, (response) => {
          response.resume();
          resolve(response.statusCode!);
        }).on("error", reject);
      });
    const own = ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"].map((name) => `${name}:${port}`);
    for (const host of own) expect([host, await statusFor(host)]).toEqual([host, 200]);
    for (const host of ["evil.example", `evil.example:${port}`, "127.0.0.1", "localhost:1", `localhost.evil.example:${port}`])
      expect([host, await statusFor(host)]).toEqual([host, 421]);
    await server.close();
  });

  test("every answer has a policy, keeps its type, and names no referrer", async () => {
    const server = await serve(root);
    for (const path of ["", "a%20b.js", "missing.js"]) {
      const { headers } = await fetch(server.url + path);
      expect(headers.get("content-security-policy")).toMatch(
        /^default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; img-src 'self' blob: data:; object-src 'none'; /,
      );
      expect(headers.get("content-security-policy")).not.toMatch(/'unsafe|\*|https?:/);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("referrer-policy")).toBe("no-referrer");
      expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
      expect(headers.get("cross-origin-embedder-policy")).toBe("require-corp");
    }
    await server.close();
  });

  test("text is sent compressed to those that ask for it", async () => {
    const text = "the same line again\n".repeat(1000);
    writeFileSync(join(root, "long.css"), text);
    writeFileSync(join(root, "long.png"), text);
    const server = await serve(root);
    const encoded = (path: string, accepted: string): Promise<[string | undefined, Buffer]> =>
      new Promise((resolve, reject) => {
        get(`${server.url}${path}`, { headers: { "accept-encoding": accepted } }, (response) => {
          const parts: Buffer[] = [];
          response.on("data", (part) => parts.push(part));
          response.on("end", () => resolve([response.headers["content-encoding"], Buffer.concat(parts)]));
        }).on("error", reject);
      });
    const [br, byBrotli] = await encoded("long.css", "gzip, deflate, br;q=1");
    const [gz, byGzip] = await encoded("long.css", "gzip");
    expect([br, brotliDecompressSync(byBrotli).toString()]).toEqual(["br", text]);
    expect([gz, gunzipSync(byGzip).toString()]).toEqual(["gzip", text]);
    expect(byBrotli.length).toBeLessThan(text.length / 50);
    for (const [path, accepted] of [
      ["long.css", "identity"],
      ["long.css", ""],
      ["long.png", "br"],
    ] as const)
      expect(await encoded(path, accepted)).toEqual([undefined, Buffer.from(text)]);
    await server.close();
  });

  test.skipIf(process.platform !== "linux")("300 downloads that are broken off leave no open file", async () => {
    writeFileSync(join(root, "large.bin"), new Uint8Array(8 << 20));
    const server = await serve(root);
    const openFiles = (): number =>
      readdirSync("/proc/self/fd").filter((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`).endsWith("large.bin");
        } catch {
          return false;
        }
      }).length;
    for (let i = 0; i < 300; i++) {
      await new Promise<void>((resolve, reject) => {
        const sent = get(`${server.url}large.bin`, (response) => {
          response.once("data", () => sent.destroy());
          response.once("close", resolve);
          response.on("error", () => {});
        });
        sent.on("error", reject);
      });
    }
    await expect.poll(openFiles).toBe(0);
    expect(await request(server.url, "/")).toMatchObject({ status: 200 });
    await server.close();
  });
});

describe("openAdapter", () => {
  test("needs no variables from outside, leaves none behind, prints nothing, and its process ends well: 10 times", () => {
    const program = `
      import { openAdapter } from "./src/node/adapter.ts";
      const before = JSON.stringify(process.env);
      const adapter = await openAdapter();
      const device = await (await openAdapter()).requestDevice();
      device.createBuffer({ size: 16, usage: GPUBufferUsage.STORAGE });
      globalThis.gc?.();
      await device.queue.onSubmittedWorkDone();
      device.destroy();
      console.log(adapter.info.architecture, before === JSON.stringify(process.env));`;
    const { outputFiles } = buildSync({
      stdin: { contents: program, resolveDir: "." },
      bundle: true,
      platform: "node",
      format: "esm",
      external: ["webgpu"],
      write: false,
    });
    const { LD_LIBRARY_PATH: _, VK_ICD_FILENAMES: __, ...env } = process.env;
    for (let i = 0; i < 10; i++) {
      const { status, stdout, stderr } = spawnSync(process.execPath, ["--expose-gc", "--input-type=module"], {
        input: outputFiles[0]!.text,
        env,
        encoding: "utf8",
      });
      const ours = stderr.replace(/^Warning: max.*artificially reduced.*\n/gm, ""); // Dawn's warnings about Mesa's limits
      expect({ status, stdout, ours }).toEqual({ status: 0, stdout: expect.stringMatching(/^\S* true\n$/), ours: "" });
    }
  });
});
