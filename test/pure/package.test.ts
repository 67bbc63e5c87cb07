// What npm would publish: the built program and library with their types, and nothing that they don't use.

import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { bin, exports, main, types, typesVersions } from "../../package.json";
import { buildCli } from "../command-line.ts";

test("the package holds what its manifest names, and no sources", () => {
  buildCli();
  const { stdout } = spawnSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { encoding: "utf8" });
  const files = (JSON.parse(stdout) as [{ files: { path: string }[] }])[0].files.map(({ path }) => path);
  const targets = [main, ...Object.values(bin), exports["."].default, exports["./node"].default];
  expect(files).toEqual(expect.arrayContaining(targets.map((path) => path.replace(/^\.\//, ""))));
  expect(files.filter((path) => /\.wgsl$|(?<!\.d)\.ts$|demo/.test(path.replace("dist/types/", "")))).toEqual([]);
  // Resolvers without "exports" find the same types.
  expect([types, ...typesVersions["*"].node]).toEqual([exports["."].types, exports["./node"].types]);
});
