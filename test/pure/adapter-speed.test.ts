// The benchmark view's results: the stored ones, and those in links.

import { expect, test } from "vitest";
import { describeScale, SCALES } from "../../bench/cases.ts";
import { readResult, STEPS, type StoredStep, shortName, storedSpeeds, writeResult } from "../../src/demo/speed.ts";

const [small, large] = STEPS.map(({ shape }) => shape) as [string, string];
const stored = (adapter: string, shape: string, medianMs: number, gflops: number): StoredStep => ({
  ...{ adapter, shape, medianMs, gflops, runtime: "Node 20.20.2, webgpu 0.6.2", date: "2026-11-23" },
});

test("the steps are scales of the benchmark, with its shapes", () => {
  for (const { scale, shape } of STEPS) expect(describeScale(SCALES[scale]!)).toBe(shape);
});

test("stored results are grouped by adapter and runtime, the fastest first, and other shapes are left out", () => {
  const rows = [
    stored("slow (Mesa 25, software)", small, 50, 20),
    stored("fast (NVIDIA: 580)", small, 2, 900),
    stored("fast (NVIDIA: 580)", large, 8, 7000),
    stored("fast (NVIDIA: 580)", "32 ch, 34x25", 1, 9000),
    { ...stored("slow (Mesa 25, software)", small, 100, 10), runtime: "Chrome 156.0.0.0" },
  ];
  expect(storedSpeeds(rows)).toEqual([
    {
      ...{ adapter: "fast", where: "Node, 2026-11-23" },
      speeds: [
        { shape: small, perSecond: 500, gflops: 900 },
        { shape: large, perSecond: 125, gflops: 7000 },
      ],
    },
    { adapter: "slow (software)", where: "Node, 2026-11-23", speeds: [{ shape: small, perSecond: 20, gflops: 20 }] },
    { adapter: "slow (software)", where: "Chrome, 2026-11-23", speeds: [{ shape: small, perSecond: 10, gflops: 10 }] },
  ]);
});

test.each([
  ["nvidia-h100 (NVIDIA: 580.1 580.2)", "nvidia-h100"],
  ["llvmpipe-bits- (llvmpipe: Mesa 25.0.7-2~bpo12+1 (LLVM 15.0.6) 0.0.1, software)", "llvmpipe-bits- (software)"],
  ["google swiftshader (software)", "google swiftshader (software)"],
  ["apple metal-3", "apple metal-3"],
])("the short name of %s is %s", (name, short) => expect(shortName(name)).toBe(short));

test("a result in a link is read as it was written, to three digits", () => {
  const own = {
    adapter: "A & B <i> 🌷",
    speeds: [
      { shape: small, perSecond: 5.1734, gflops: 9.2664 },
      { shape: large, perSecond: 0.36512, gflops: 17181.4 },
    ],
  };
  expect(readResult(`#view=benchmark&${writeResult(own)}`)).toEqual({
    ...{ adapter: own.adapter, where: "from a link" },
    speeds: [
      { shape: small, perSecond: 5.17, gflops: 9.27 },
      { shape: large, perSecond: 0.365, gflops: 17181 },
    ],
  });
  expect(readResult(writeResult({ ...own, speeds: own.speeds.slice(1) }))?.speeds).toHaveLength(1);
});

test.each([
  "",
  "#adapter=x",
  "#speed1=1,2",
  "#adapter=x&speed1=1",
  "#adapter=x&speed1=-1,2",
  "#adapter=x&speed1=1e9,2",
  "#adapter=x&speed3=1,2",
  "#adapter=%20&speed1=1,2",
])("no result is read from %s", (hash) => expect(readResult(hash)).toBeNull());
