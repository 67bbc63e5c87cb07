// The benchmark's own arithmetic and command line; README.md and docs/benchmarks.md show what bench/results has.

import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { convFlops, convShapes, difference, SCALES } from "../../bench/cases.ts";
import { type Effort, Pace, quantile, summarize, TooSlow, timeAlternately } from "../../bench/measure.ts";
import { parseWords, UsageError } from "../../bench/options.ts";
import { describe as line, recordLine } from "../../bench/records.ts";

const effort: Effort = { sampleMs: 2, totalMs: 20, rounds: [3, 5], limitMs: 50 };
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

test("the tables of README.md and of the pages in docs are what bench/readme.mjs writes", () => {
  const { status, stderr } = spawnSync(process.execPath, ["bench/readme.mjs", "--check"], { encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});

test("quantiles lie between their neighbours", () => {
  expect([0, 0.25, 0.5, 1].map((q) => quantile([4, 1, 3, 2], q))).toEqual([1, 1.75, 2.5, 4]);
  expect(quantile([7], 0.75)).toBe(7);
  expect(() => quantile([], 0.5)).toThrow(RangeError);
  expect(summarize([2, 1, 3], 9)).toEqual({ medianMs: 2, p25Ms: 1.5, p75Ms: 2.5, rounds: 3, runs: 9 });
});

test("jobs alternate, after each has been warmed up", async () => {
  const calls: string[] = [];
  const job = (name: string) => async () => {
    calls.push(name);
    await sleep(3);
  };
  const { samples, runs } = await timeAlternately([job("a"), job("b")], effort);
  expect(runs).toEqual([1, 1]);
  expect(samples.map((s) => s.length)).toEqual([samples[0]!.length, samples[0]!.length]);
  const rounds = calls.slice(4).join("");
  expect(calls.slice(0, 4)).toEqual(["a", "a", "b", "b"]); // warm-up and calibration
  expect(rounds).toMatch(/^(ab){3,5}$/);
});

test("a short job is repeated within a sample", async () => {
  const counts: number[] = [];
  await timeAlternately([async (count) => void counts.push(count)], effort);
  expect(counts[0]).toBe(1);
  expect(counts.at(-1)).toBeGreaterThan(100);
});

test("work beyond the limit is measured once, and larger work is not begun", async () => {
  const pace = new Pace(effort);
  const slow = () => timeAlternately([() => sleep(60)], effort).then(() => ({ medianMs: 60 }));
  expect(await pace.attempt(100, slow)).toMatch(/^one run takes 0\.\d s$/);
  let begun = false;
  const larger = async () => {
    begun = true;
    return { medianMs: 1 };
  };
  expect(await pace.attempt(200, larger)).toMatch(/^one run would take about 0\.\d s$/);
  expect(begun).toBe(false);
  await expect(pace.attempt(0, () => Promise.reject(new Error("wrong numbers")))).rejects.toThrow("wrong numbers");
  expect(new TooSlow("one run takes", 1500).message).toBe("one run takes 1.5 s");
});

test("results are compared by size, and tiny ones with the largest", () => {
  const b = [Float32Array.of(3, 4), Float32Array.of(1e-9)];
  expect(difference(b, b)).toBe(0);
  expect(difference([[3, 4.5], [0]], b)).toBeCloseTo(0.1, 6);
  expect(difference([[3, 4], [0.005]], b)).toBeCloseTo(1, 6);
  expect(difference([[3], [0]], b)).toBe(Number.POSITIVE_INFINITY);
  expect(difference([[3, 4]], b)).toBe(Number.POSITIVE_INFINITY);
  expect(difference([[3, Number.NaN], [0]], b)).toBeNaN();
});

test("the pyramid is the paper's, 32 to 128 channels", () => {
  expect(SCALES[0]!.size).toEqual({ width: 34, height: 25 });
  expect(SCALES.at(-1)).toEqual({ scale: SCALES.length - 1, channels: 128, size: { width: 250, height: 188 } });
  expect(SCALES.map((s) => s.channels)).toEqual(SCALES.map((_, k) => 32 * 2 ** Math.min(2, Math.floor(k / 4))));
  expect(convFlops(convShapes({ scale: 0, channels: 2, size: { width: 5, height: 4 } }))).toBe(2 * 9 * 4 * 6);
});

test("words become options", () => {
  expect(parseWords([]).bench).toMatchObject({ parts: ["convs", "steps"], quick: false, variants: false, limitMs: 3000 });
  expect(parseWords(["--peers"]).bench.parts).toEqual(["convs", "steps", "peers"]);
  expect(parseWords(["--only", "peers,convs", "--limit", "0.5", "--max-pixels", "900"]).bench).toMatchObject({
    parts: ["peers", "convs"],
    limitMs: 500,
    maxPixels: 900,
  });
});

test.each([
  ["--nonsense"],
  ["word"],
  ["--only", "all"],
  ["--limit", "0"],
  ["--limit", "soon"],
  ["--max-pixels", "-1"],
  ["--out", ""],
])("wrong usage is one line: %s", (...words) => {
  expect(() => parseWords(words)).toThrow(UsageError);
  expect(() => parseWords(words)).toThrow(/^[^\n]+$/);
});

test("a record is one line of JSON that stands alone", () => {
  const environment = {
    ...{ adapter: "a GPU", isSoftware: false, driver: "1.2", runtime: "Node 20", cores: 2, commit: "abc", date: "2026-11-23" },
  };
  const timing = { medianMs: 1.23456789, p25Ms: 1, p75Ms: 2, rounds: 5, runs: 7 };
  const measured = { what: "conv2d", scale: 3, shape: "32 ch, 66x49", timing, gflops: 10, shareOfPeak: 0.25 } as const;
  expect(JSON.parse(recordLine(measured, environment))).toEqual({
    ...{
      what: "conv2d",
      scale: 3,
      shape: "32 ch, 66x49",
      median_ms: 1.2346,
      p25_ms: 1,
      p75_ms: 2,
      rounds: 5,
      runs: 7,
      gflops: 10,
    },
    ...{ share_of_peak: 0.25, adapter: "a GPU", software: false, driver: "1.2", runtime: "Node 20", cores: 2, commit: "abc" },
    date: "2026-11-23",
  });
  expect(line(measured)).toBe("conv2d  32 ch, 66x49  1.235 ms (1.00–2.00), 10.00 GFLOP/s, 25.0 % of peak");
  expect(line({ what: "dStep", scale: 8, shape: "128 ch", skipped: "one run takes 9.0 s" })).toBe(
    "dStep  128 ch  left out: one run takes 9.0 s",
  );
});
