// The lock on a training's folder, and what is left of it where its process was killed.

import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { LOCK_FILE, lockFolder, OWN_IDENTITY } from "../../src/cli/folder-lock.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "singan-lock-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("is held until it is given up", () => {
  const unlock = lockFolder(folder);
  expect(() => lockFolder(folder)).toThrow(`is in use by another training (process ${process.pid})`);
  unlock();
  lockFolder(folder)();
  expect(readdirSync(folder)).toEqual([]);
});

it("of a process that was killed while it wrote it is empty, and broken after a moment", () => {
  writeFileSync(join(folder, LOCK_FILE), "");
  const start = performance.now();
  lockFolder(folder)();
  expect(performance.now() - start).toBeGreaterThan(1000);
  expect(readdirSync(folder)).toEqual([]);
});

it.each([-1, 1])("that is empty is not waited for where the clock is wrong by %i hours", (hours) => {
  const file = join(folder, LOCK_FILE);
  writeFileSync(file, "");
  const time = new Date(Date.now() + hours * 3_600_000);
  utimesSync(file, time, time);
  const start = performance.now();
  lockFolder(folder)();
  expect(performance.now() - start).toBeLessThan(1000);
});

it("of a process that has ended is broken at once", () => {
  const [host] = OWN_IDENTITY.split(".");
  writeFileSync(join(folder, LOCK_FILE), `${host}.${2 ** 22 + 1}. 0`);
  lockFolder(folder)();
  expect(readdirSync(folder)).toEqual([]);
});
