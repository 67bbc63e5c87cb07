// npm run quality: trains what is missing, keeps what is finished.

import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Comparison, table } from "../../harness/quality/comparison.ts";
import { buildCli } from "../command-line.ts";

const BUDGET = ["--max-size", "27", "--iterations", "1", "--samples", "3"];
const folder = mkdtempSync(join(tmpdir(), "quality-"));
beforeAll(buildCli);
afterAll(() => rmSync(folder, { recursive: true }));

test("measures each training once, and shows means and deviations over the seeds", () => {
  const comparison = new Comparison(folder, BUDGET);
  const all = [1, 2].map((seed) => ({ photo: "photos/tulips.png", settings: "redrawn", seed }));
  const rows = all.map((training) => comparison.measured(training));
  const model = join(folder, "max-size-27-iterations-1-samples-3", "tulips", "redrawn-1", "model.safetensors");
  const { mtimeMs } = statSync(model);
  expect(all.map((training) => comparison.measured(training))).toEqual(rows);
  expect(statSync(model).mtimeMs).toBe(mtimeMs);
  const elsewhere = new Comparison(join(folder, "elsewhere"), BUDGET, rows);
  expect(all.map((training) => elsewhere.measured(training))).toEqual(rows);

  const [first, second] = rows.map(({ psnr }) => psnr!) as [number, number];
  expect(first).not.toBe(second);
  const lines = table(rows);
  expect(lines).toHaveLength(3);
  expect(lines[2]).toContain(`| tulips | redrawn | 2 |`);
  expect(lines[2]).toContain(`| ${((first + second) / 2).toFixed(1)} ± ${(Math.abs(first - second) / Math.SQRT2).toFixed(1)} |`);

  const others = ["instant-5-9", "injected-1"].map((settings) => ({ photo: "photos/tulips.png", settings, seed: 1 }));
  const [instant, injected] = others.map((training) => comparison.measured(training));
  expect(instant).toMatchObject({ photo: "tulips", settings: "instant-5-9" });
  expect([instant!.psnr, injected!.psnr]).toEqual([undefined, undefined]); // samples in a folder without a reconstruction
  expect(new Set([instant, injected, rows[0]].map((row) => row!.swd)).size).toBe(3);
  expect(table([...rows, instant!]).at(-1)).toMatch(/^\| tulips \| instant-5-9 \| 1 \|.* \| – \| – \|$/);

  const sheet = join(folder, "tulips.png");
  comparison.writeSheet(all, sheet);
  expect(existsSync(sheet)).toBe(true);
  expect(readFileSync(sheet).length).toBeGreaterThan(1000);
});
