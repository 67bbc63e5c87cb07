// What npm would publish: the built program and library with their types, and nothing that they don't use; and the repository's address in it.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { addressFields, MOST_BYTES, relativeLinks, sourceFrom, withAbsoluteLinks } from "../../harness/package/release.ts";
import { bin, exports, main, man, scripts, types, typesVersions } from "../../package.json";
import { buildCli } from "../command-line.ts";

interface Packed {
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { path: string }[];
}

test("the package holds what its manifest names, no sources, and not too much", () => {
  buildCli();
  const { stdout } = spawnSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { encoding: "utf8" });
  const [{ files, size, unpackedSize }] = JSON.parse(stdout) as [Packed];
  const paths = files.map(({ path }) => path);
  const targets = [main, ...man, ...Object.values(bin), exports["."].default, exports["./node"].default];
  expect(paths).toEqual(expect.arrayContaining(targets.map((path) => path.replace(/^\.\//, ""))));
  const known =
    /^(dist\/((chunks\/)?[\w-]+\.js|types\/[\w/-]+\.d\.ts|singan\.1)|package\.json|README\.md|CHANGELOG\.md|LICENSE)$/;
  expect(paths.filter((path) => !known.test(path) || path === "dist/demo-server.js")).toEqual([]);
  // Without the declarations, where npm run build was never run: npm run test:package measures the whole package.
  expect(size).toBeLessThan(MOST_BYTES.packed);
  expect(unpackedSize).toBeLessThan(MOST_BYTES.unpacked);
  // Resolvers without "exports" find the same types.
  expect([types, ...typesVersions["*"].node]).toEqual([exports["."].types, exports["./node"].types]);
});

const SOURCE = { repository: "some-one/singan.webgpu", commit: "0123abc" };

test("the repository's address is one setting, which is required", () => {
  expect(sourceFrom({ GITHUB_REPOSITORY: SOURCE.repository, GITHUB_SHA: SOURCE.commit })).toEqual(SOURCE);
  expect(addressFields(SOURCE)).toEqual({
    repository: { type: "git", url: "git+https://github.com/some-one/singan.webgpu.git" },
    homepage: "https://github.com/some-one/singan.webgpu#readme",
    bugs: { url: "https://github.com/some-one/singan.webgpu/issues" },
  });
  for (const env of [{}, { GITHUB_REPOSITORY: "https://github.com/a/b" }]) expect(() => sourceFrom(env)).toThrow(/OWNER\/NAME/);
});

test("every file that the README links to exists, and is linked by its address on GitHub in the package", () => {
  const readme = readFileSync("README.md", "utf8");
  const links = relativeLinks(readme);
  expect(links.length).toBeGreaterThan(10);
  expect(links.filter((link) => !existsSync(link.split("#")[0]!))).toEqual([]);
  expect(relativeLinks(withAbsoluteLinks(readme, SOURCE))).toEqual([]);
  expect(readme).not.toMatch(/<img|<a /); // those are not rewritten
  const text = "![a](x/y.png) [b](z.md#part) [c](#here) [d](https://example.org/e) ![](f.gif)";
  expect(withAbsoluteLinks(text, SOURCE)).toBe(
    "![a](https://raw.githubusercontent.com/some-one/singan.webgpu/0123abc/x/y.png) " +
      "[b](https://github.com/some-one/singan.webgpu/blob/0123abc/z.md#part) [c](#here) [d](https://example.org/e) " +
      "![](https://raw.githubusercontent.com/some-one/singan.webgpu/0123abc/f.gif)",
  );
});

test("the API reference has a heading for every export, and for nothing else", () => {
  const exported = (file: string): string[] =>
    [...readFileSync(file, "utf8").matchAll(/export (?:type )?\{([^}]*)\}/g)]
      .flatMap(([, names]) => names!.split(","))
      .map((name) => name.replace(/\btype\b/, "").trim())
      .filter(Boolean)
      .sort();
  const described = (file: string): string[] =>
    [...readFileSync(file, "utf8").matchAll(/^### (\w+)(?:\(\))?$/gm)].map(([, name]) => name!).sort();
  expect(described("docs/api/index.md")).toEqual(exported("src/index.ts"));
  expect(described("docs/api/node.md")).toEqual(exported("src/node/index.ts"));
});

test("the workflow that publishes runs scripts that exist, with the rights that provenance needs", () => {
  const { on, permissions, jobs } = parse(readFileSync(".github/workflows/publish.yml", "utf8"));
  expect(on).toEqual({ release: { types: ["published"] } });
  expect(permissions).toEqual({ contents: "read", "id-token": "write" });
  const steps: { run?: string }[] = Object.values<{ steps: [] }>(jobs).flatMap((job) => job.steps);
  const commands = steps.flatMap(({ run }) => (run ?? "").split("\n"));
  const called = commands.flatMap((line) => /^npm run ([\w:]+)/.exec(line)?.[1] ?? []);
  expect(called).toEqual(expect.arrayContaining(["check", "test:package", "release"]));
  expect(called.filter((name) => !(name in scripts))).toEqual([]);
  expect(commands.some((line) => /^npm publish out\/release\/singan-webgpu\.tgz\b.* --provenance\b/.test(line))).toBe(true);
});
