// Runs the examples of docs/many-photos: with GNU parallel itself, and for Slurm and Kubernetes with the variables that they set.

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parse } from "yaml";
import { toRgb8 } from "../../src/image/planes.ts";
import { encodePng } from "../../src/image/png.ts";
import { buildCli, CLI } from "../command-line.ts";
import { tinyPhoto } from "../tiny-training.ts";

const ROOT = join(import.meta.dirname, "../..");
const EXAMPLES = join(ROOT, "docs/many-photos");
const TINY = ["--max-size", "31", "--min-size", "24", "--iterations", "1", "--channels", "4", "--samples", "1"];
let folder: string;

const isThere = (program: string): boolean => spawnSync(program, ["--version"], { stdio: "ignore" }).status === 0;

/** Installs Debian's package if this user can. Throws with instructions if GNU parallel is missing. */
function requireParallel(): void {
  if (isThere("parallel")) return;
  if (process.platform === "linux" && process.getuid?.() === 0) {
    spawnSync("apt-get", ["update"], { stdio: "ignore" });
    spawnSync("apt-get", ["install", "--yes", "--no-install-recommends", "parallel"], { stdio: "ignore" });
  }
  if (!isThere("parallel")) throw new Error("this test needs GNU parallel: install the package parallel");
}

beforeAll(() => {
  buildCli();
  requireParallel();
  folder = mkdtempSync(join(tmpdir(), "singan-photos-"));
  mkdirSync(join(folder, "photos"));
  for (const [i, name] of ["a.png", "b.png"].entries())
    writeFileSync(join(folder, "photos", name), encodePng(toRgb8(tinyPhoto(30 + i, 24))));
  // A program with the name that the examples use. It adds the flags of a small training if they have none.
  writeFileSync(join(folder, "singan"), `#!/bin/sh\nexec "${process.execPath}" "${CLI}" "$@" ${TINY.join(" ")}\n`, {
    mode: 0o755,
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(command: string, words: readonly string[], env: Record<string, string> = {}) {
  const ended = spawnSync(command, words, {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, SINGAN: join(folder, "singan"), ...env },
  });
  return { status: ended.status, out: ended.stdout, err: ended.stderr };
}
const modelOf = (...path: string[]) => join(folder, ...path, "model.safetensors");

it("GNU parallel trains every photo, and the second time nothing", () => {
  const first = run("sh", [join(EXAMPLES, "parallel.sh"), "photos", "all", "--seed", "3"]);
  expect([first.status, readdirSync(join(folder, "all")).sort()]).toEqual([0, ["a", "b"]]);
  const made = statSync(modelOf("all", "a")).mtimeMs;
  const second = run("sh", [join(EXAMPLES, "parallel.sh"), "photos", "all", "--seed", "3"]);
  expect([second.status, second.err.match(/is finished/g)?.length]).toEqual([0, 2]);
  expect(statSync(modelOf("all", "a")).mtimeMs).toBe(made);
});

it("a task of a Slurm array trains its line of the list; one that fails says so by its exit code", () => {
  writeFileSync(join(folder, "photos.txt"), "photos/none.png\nphotos/b.png\n");
  const task = (id: string) => run("sh", [join(EXAMPLES, "slurm.sh"), "photos.txt", "array"], { SLURM_ARRAY_TASK_ID: id });
  expect(task("1")).toMatchObject({ status: 1, err: expect.stringContaining("there is no file photos/none.png") });
  expect([task("2").status, readdirSync(join(folder, "array"))]).toEqual([0, ["b"]]);
});

it("an index of the Kubernetes Job trains its photo; the Job is an indexed one that bears failures", () => {
  const job = parse(readFileSync(join(EXAMPLES, "kubernetes.yaml"), "utf8"));
  expect(job).toMatchObject({
    apiVersion: "batch/v1",
    kind: "Job",
    spec: { completionMode: "Indexed", completions: 3, backoffLimitPerIndex: 2, template: { spec: { restartPolicy: "Never" } } },
  });
  expect(job.spec.parallelism).toBeLessThanOrEqual(job.spec.completions);
  const [{ command, args, env }] = job.spec.template.spec.containers;
  expect(env.map(({ name }: { name: string }) => name)).toEqual(["SINGAN", "DATA"]);
  cpSync(join(folder, "photos"), join(folder, "data/photos"), { recursive: true });
  const ended = run(command[0], [...command.slice(1), ...args], { DATA: join(folder, "data"), JOB_COMPLETION_INDEX: "1" });
  expect([ended.status, existsSync(modelOf("data/out/b")), existsSync(modelOf("data/out/a"))]).toEqual([0, true, false]);
});
