// Folders that several processes make at the same moment.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makeFolders } from "../../src/cli/file-system.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "singan-folders-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("are made once, and no process fails", async () => {
  const program = join(folder, "make.mjs");
  const entry = { contents: `export * from "./src/cli/file-system.ts"`, resolveDir: process.cwd() };
  buildSync({ stdin: entry, bundle: true, platform: "node", format: "esm", outfile: join(folder, "lib.mjs") });
  // Both wait for the same moment, again and again.
  writeFileSync(
    program,
    `import { makeFolders } from "./lib.mjs";
     const start = Math.ceil(Date.now() / 1000 + 0.5) * 1000;
     for (let i = 0; i < 400; i++) { while (Date.now() < start + i) {} makeFolders(process.argv[2] + "/" + i + "/a/b/c"); }`,
  );
  const ends = [0, 1].map(
    () => new Promise((resolve) => spawn(process.execPath, [program, folder], { stdio: "ignore" }).on("close", resolve)),
  );
  expect(await Promise.all(ends)).toEqual([0, 0]);
});

it("are told apart from files, and the topmost that was made is named", () => {
  expect(makeFolders(join(folder, "x/y"))).toBe(join(folder, "x"));
  expect(makeFolders(join(folder, "x/y"))).toBeUndefined();
  writeFileSync(join(folder, "file"), "");
  expect(() => makeFolders(join(folder, "file"))).toThrow("not a directory");
});
