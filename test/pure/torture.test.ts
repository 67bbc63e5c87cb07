// The last line of `npm run torture` counts what really failed.

import { expect, test } from "vitest";
import { inPairs, type Row, seeded } from "../../harness/torture/row.ts";
import { runRows } from "../../harness/torture/tally.ts";

const row = (name: string, count: number, run: Row["run"]): Row => ({ name, count, run });

test("failures are counted and told, and a row that throws fails as a whole", async () => {
  const said: string[] = [];
  const rows = [
    row("good", 3, async () => []),
    row("bad", 4, async () => ["try 1: it broke", "try 3: it broke again"]),
    row("thrown", 2, async () => Promise.reject(new Error("no driver"))),
    row("worse", 1, async () => ["one", "two"]),
  ];
  const tally = await runRows(
    rows,
    ({ count }) => count,
    (line) => said.push(line.replace(/\d+ s/, "0 s")),
  );
  expect(tally).toEqual({ passed: 5, failed: 6 });
  expect(said).toEqual([
    "3 of 3  good  (0 s)",
    "2 of 4  bad  (0 s)",
    "    try 1: it broke",
    "    try 3: it broke again",
    "0 of 2  thrown  (0 s)",
    "    no driver",
    "0 of 1  worse  (0 s)",
    "    one",
    "    two",
    "5 passed, 6 failed",
  ]);
});

test("work in pairs is done for each index, and all its lines come back", async () => {
  const seen: number[] = [];
  const lines = await inPairs(5, async (i) => {
    seen.push(i);
    return i % 2 ? [`try ${i}`] : [];
  });
  expect([seen, lines.sort()]).toEqual([
    [0, 1, 2, 3, 4],
    ["try 1", "try 3"],
  ]);
});

test("random numbers are those of their seed", () => {
  const draw = (seed: number) => Array.from({ length: 4 }, seeded(seed));
  expect(draw(3)).toEqual(draw(3));
  expect(draw(3)).not.toEqual(draw(4));
  expect(draw(3).every((value) => value >= 0 && value < 1)).toBe(true);
});
