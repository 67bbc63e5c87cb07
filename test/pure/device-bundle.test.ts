// The device bundle's supervisor with tasks made up for it: budgets, ends of every kind, the summary; and its command line.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { parseDeviceWords } from "../../bench/device/options.ts";
import { supervise } from "../../bench/device/supervisor.ts";
import { share, TASKS, type Task } from "../../bench/device/tasks.ts";
import { UsageError } from "../../bench/options.ts";

const out = mkdtempSync(join(tmpdir(), "device-"));
afterAll(() => rmSync(out, { recursive: true }));

const task = (name: string, weight = 1): Task => ({ part: name, name, what: "", weight, files: [`${name}.txt`] });

/** Runs the programs, one task each; returns the exit code and the summary's tasks. */
async function run(programs: Readonly<Record<string, string>>, budgetMs: number) {
  const code = await supervise({
    ...{ tasks: Object.keys(programs).map((name) => task(name)), budgetMs, out, facts: { commit: "abc" } },
    command: ({ name }) => [process.execPath, "-e", programs[name]!],
  });
  const { tasks } = JSON.parse(readFileSync(join(out, "summary.json"), "utf8"));
  return { code, tasks, text: readFileSync(join(out, "summary.txt"), "utf8") };
}

const write = (name: string): string => `require("fs").writeFileSync(${JSON.stringify(join(out, name))}, "some");`;
const send = (message: object): string => `process.send(${JSON.stringify(message)});`;
const HANG = "for (;;);";
const DEAF = `process.on("SIGTERM", () => {}); setInterval(() => {}, 1000);`;

test("tasks end in every way, and none costs the others", { timeout: 60_000 }, async () => {
  const programs = {
    fine: `${write("fine.txt")} ${send({ adapter: "a GPU" })} process.disconnect();`,
    broken: `console.error("first line"); console.error("the reason"); process.exitCode = 3; process.disconnect();`,
    idle: `${send({ skipped: "nothing to do" })} process.disconnect();`,
    crash: `process.kill(process.pid, "SIGSEGV");`,
    wrong: `${send({ problem: "conv2d: FAIL" })} ${send({ problem: "add: FAIL" })} ${HANG}`,
    hanging: `${write("hanging.txt")} ${HANG}`,
    deaf: DEAF,
  };
  const { code, tasks, text } = await run(programs, 9000);
  expect(code).toBe(1);
  const told = tasks.map(({ task, state, why, files }: Record<string, unknown>) => ({ task, state, why, files }));
  const why = "its time was over";
  expect(told).toEqual([
    { task: "fine", state: "done", files: ["fine.txt"] },
    { task: "broken", state: "failed", why: "the reason", files: [] },
    { task: "idle", state: "skipped", why: "nothing to do", files: [] },
    { task: "crash", state: "failed", why: "ended by SIGSEGV", files: [] },
    { task: "wrong", state: "failed", why: "conv2d: FAIL (and 1 more)", files: [] },
    { task: "hanging", state: "cut off", why, files: ["hanging.txt"] },
    { task: "deaf", state: "cut off", why, files: [] },
  ]);
  expect(text).toMatch(/^commit: abc\nadapter: a GPU\nbudgetMinutes: 0.15\n\nfine fine: done after .* s {2}\[fine.txt\]\n/);
});

test("a task that is cut off is no failure; old results go", async () => {
  const { code, tasks } = await run({ hanging: HANG }, 1000);
  expect({ code, tasks }).toMatchObject({ code: 0, tasks: [{ state: "cut off", files: [] }] });
});

test("time is split by weight, and what a task leaves goes to the later ones", () => {
  const tasks = [task("x", 1), task("y", 2), task("z", 1)];
  expect(share(tasks, 400)).toBe(100);
  expect(share(tasks.slice(1), 390)).toBe(260);
  expect(share(tasks.slice(2), 390)).toBe(390);
});

test("words become options", () => {
  expect(parseDeviceWords([])).toMatchObject({ budgetMs: 540_000, parts: ["a", "b", "c", "d", "e"], task: null });
  expect(parseDeviceWords(["--budget", "0.5", "--parts", "a,e", "--out", "x"])).toMatchObject({
    ...{ budgetMs: 30_000, parts: ["a", "e"], out: "x" },
  });
  expect(TASKS.map(({ part }) => part)).toEqual(TASKS.map(({ part }) => part).sort());
});

test.each([["--budget", "0"], ["--budget", "soon"], ["--parts", "f"], ["--parts", ""], ["--out", ""], ["word"], ["--nonsense"]])(
  "wrong usage is one line: %s %s",
  (...words) => {
    expect(() => parseDeviceWords(words)).toThrow(UsageError);
    expect(() => parseDeviceWords(words)).toThrow(/^[^\n]+$/);
  },
);
