// What a sample takes is said before: its time after the first second of work, and its main memory before any.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { soundModel } from "../../harness/torture/model-cases.ts";
import { ShareDone } from "../../src/cli/progress.ts";
import { Session } from "../../src/cli/session.ts";
import { sampleBytes, writeModel } from "../../src/singan/recipes.ts";
import { refusal } from "../refusal.ts";

const FREE_BYTES = 2e9;
vi.mock("node:process", async (original) => ({ ...(await original<object>()), availableMemory: () => FREE_BYTES }));

const folder = mkdtempSync(join(tmpdir(), "singan-forecast-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The lines that work writes which has done these shares at these times, in seconds. */
function linesOf(parts: readonly (readonly [seconds: number, share: number])[], setup = {}): string[] {
  let written = "";
  let now = 0;
  const session = new Session({ write: () => {} }, { write: (text) => (written += text) }, {});
  const progress = new ShareDone(session, "sampling 1 picture", { now: () => 1000 * now, ...setup });
  for (const [seconds, share] of parts) {
    now = seconds;
    progress.show(share);
  }
  return written.split("\n").slice(0, -1);
}

/** Work of so many seconds, a hundredth of it at a time. */
const even = (seconds: number) => Array.from({ length: 100 }, (_, i) => [(seconds * (i + 1)) / 100, (i + 1) / 100] as const);

test("work of over 10 s is forecast once, after a second, and then says how much is left", () => {
  expect(linesOf(even(9))).toEqual(["sampling 1 picture  56 %"]);
  expect(linesOf(even(200)).slice(0, 3)).toEqual([
    "sampling 1 picture: about 3 min 20 s in all",
    "sampling 1 picture  3 %  3 min 14 s left",
    "sampling 1 picture  6 %  3 min 8 s left",
  ]);
});

test("what is done once at the beginning, and first parts that are slow for their share, make no forecast of hours", () => {
  const parts = [
    [7, 0.0001], // the kernels are compiled
    [9, 0.0003],
    [11, 0.06],
    [12, 0.12],
    [27, 1],
  ] as const;
  const from = { forecastFrom: 5 };
  expect(linesOf(parts, from)[1]).toMatch(/about \d+ h/);
  expect(linesOf(parts, { ...from, measuredShare: 0.05 })).toEqual([
    "sampling 1 picture  0 %",
    "sampling 1 picture: about 27 s in all",
    "sampling 1 picture  12 %  15 s left",
    "sampling 1 picture  100 %",
  ]);
  // The first of two equal parts tells how long both take.
  expect(linesOf([[30, 0.5], [60, 1]])[0]).toBe("sampling 1 picture: about 1 min 0 s in all"); // biome-ignore format: one case
  // Where it goes on as slowly, that is said before 5 % are done.
  expect(linesOf([[7, 0.0001], [38, 0.0201]], { ...from, measuredShare: 0.05 })[1]).toMatch(/about 26 min in all/); // biome-ignore format: one case
});

test("main memory holds two neighbouring stages; what does not fit is refused with numbers and the largest size", async () => {
  const model = soundModel();
  const size = { width: 24_000, height: 18_000 };
  // At least the stage before the finest, and at most that one and the finest.
  const finest = 12 * size.width * size.height;
  expect(sampleBytes(model, size)).toBeGreaterThan((model.scaleFactor ** 2 * finest) / 1.1);
  expect(sampleBytes(model, size)).toBeLessThan((1 + model.scaleFactor ** 2) * finest);
  const file = join(folder, "model.safetensors");
  writeFileSync(file, writeModel(model));
  const { status, line } = await refusal("sample", file, "--size", "24000x18000");
  expect(status).toBe(1);
  const [, needed, width, height] =
    /^a picture of 24000x18000 takes ([\d,]+) MB of main memory, and 2,000 MB are free: up to about --size (\d+)x(\d+) fits$/.exec(
      line,
    )!;
  expect(Number(needed!.replaceAll(",", ""))).toBe(Math.ceil(sampleBytes(model, size) / 1e6));
  const fitting = sampleBytes(model, { width: Number(width), height: Number(height) });
  expect(fitting).toBeLessThanOrEqual(1.001 * FREE_BYTES);
  expect(fitting).toBeGreaterThan(0.99 * FREE_BYTES);
});
