// What each task does. Results are written as they come: the process may be killed at any moment.

import { spawn, spawnSync } from "node:child_process";
import { appendFileSync, closeSync, openSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Gpu } from "../../src/gpu/device.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { tuningFile } from "../../src/node/tuning-file.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { DEFAULTS } from "../../src/singan/model/config.ts";
import { profileScale } from "../../src/singan/recipes.ts";
import { goldenFolder } from "../../test/vectors/folder.ts";
import { caseNames, describeResult, runCase } from "../../test/vectors/run.ts";
import { PHOTO, PYRAMID, SCALES } from "../cases.ts";
import { environmentOf } from "../environment.ts";
import { nodeRuntime, replaceFile, say } from "../node.ts";
import { describe, recordLine } from "../records.ts";
import { runBench } from "../suite.ts";
import { tune } from "../tuning.ts";
import { FILES } from "./tasks.ts";
import { runTests } from "./test-runner.ts";
import { trainPhoto } from "./training.ts";

export interface TaskContext {
  /** Folder of the results. */
  readonly out: string;
  readonly budgetMs: number;
  readonly commit: string;
  /** Reports the adapter that was opened. */
  adapter(name: string): void;
  /** Reports a check that failed, in one line; the task goes on. */
  problem(line: string): void;
  /** Reports that there is nothing to do, and why. */
  skipped(why: string): void;
}

const carried = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Runs the task of this name. Throws where it can't go on. */
export async function runTask(name: string, context: TaskContext): Promise<void> {
  if (name === "pytorch") return pytorch(context);
  if (name === "kernels") return kernels(context);
  const gpuTask = GPU_TASKS[name];
  if (!gpuTask) throw new Error(`there is no task ${name}`);
  const gpu = await openDevice(await openAdapter());
  context.adapter(gpu.adapterName);
  try {
    await gpuTask(gpu, context);
    await gpu.finished(); // Dawn crashes where a process ends with work pending
  } finally {
    gpu.dispose();
  }
}

const GPU_TASKS: Readonly<Record<string, (gpu: Gpu, context: TaskContext) => Promise<void>>> = {
  vectors,
  tuned: (gpu, context) => bench(gpu, context, true),
  untuned: (gpu, context) => bench(gpu, context, false),
  profile,
  training: (gpu, { out }) =>
    trainPhoto(gpu, carried("photo.png"), join(out, FILES.training), (plan) => prepareKernels(gpu, out, plan)),
};

async function vectors(gpu: Gpu, context: TaskContext): Promise<void> {
  const read = goldenFolder(carried("golden"));
  for (const name of caseNames(read)) {
    const result = await runCase(gpu, read, name);
    tellCheck(context, FILES.vectors, describeResult(result), result.passed);
  }
}

/** Runs the tests of test/gpu/kernels.test.ts, which opens the GPU itself. */
async function kernels(context: TaskContext): Promise<void> {
  await import("../../test/gpu/kernels.test.ts");
  await runTests(
    (name) => say(`     ${name} …`), // so that the log names a test that hangs
    (name, error) =>
      tellCheck(context, FILES.kernels, error === null ? `ok   ${name}` : `FAIL ${name}: ${error}`, error === null),
  );
}

function tellCheck({ out, problem }: TaskContext, file: string, line: string, passed: boolean): void {
  say(line);
  appendFileSync(join(out, file), `${line}\n`);
  if (!passed) problem(line);
}

/** Rounds are short where the task has less than this. */
const THOROUGH_MS = 300_000;

async function bench(gpu: Gpu, { out, budgetMs, commit, skipped }: TaskContext, isTuned: boolean): Promise<void> {
  if (isTuned && gpu.isSoftware) return skipped("trainings on a software adapter do without tuning");
  const file = join(out, isTuned ? FILES.tuned : FILES.untuned);
  const environment = environmentOf(gpu, { runtime: nodeRuntime(), cores: availableParallelism(), commit });
  const options = {
    ...{ parts: ["convs", "steps"] as const, quick: budgetMs < THOROUGH_MS, variants: false, tune: isTuned },
    ...{ maxPixels: Number.MAX_SAFE_INTEGER, limitMs: 3000 },
  };
  await runBench(
    gpu,
    options,
    (measurement) => {
      say(describe(measurement));
      appendFileSync(file, `${recordLine(measurement, environment)}\n`);
    },
    [],
    tuningFile(join(out, FILES.tuning)),
  );
}

/** The kernels that a training would use here: tuned on hardware, with what an earlier task has found. */
async function prepareKernels(gpu: Gpu, out: string, plan: Parameters<typeof tune>[1]): Promise<void> {
  if (!gpu.isSoftware) await tune(gpu, plan, tuningFile(join(out, FILES.tuning)));
}

async function profile(gpu: Gpu, { out }: TaskContext): Promise<void> {
  await prepareKernels(gpu, out, { pyramid: PYRAMID, options: DEFAULTS });
  const { iterations: _, ...options } = DEFAULTS;
  const facts = {
    ...{ photo: `${PHOTO.width}x${PHOTO.height}`, adapter: { name: gpu.adapterName, isSoftware: gpu.isSoftware }, options },
  };
  const scales: object[] = [];
  for (const { scale, size } of SCALES) {
    const one = await profileScale(gpu, PYRAMID, DEFAULTS, scale);
    scales.push({ ...one, size: `${size.width}x${size.height}` });
    replaceFile(join(out, FILES.profile), `${JSON.stringify({ ...facts, scales })}\n`);
    say(`scale ${scale}: ${one.dispatches} dispatches, ${one.wallMs.toFixed(2)} ms, ${one.kernelMs.toFixed(2)} ms in kernels`);
  }
}

async function pytorch({ out, skipped }: TaskContext): Promise<void> {
  const probe = spawnSync("python3", ["-c", "import torch; assert torch.cuda.is_available()"], { stdio: "ignore" });
  if (probe.status !== 0) return skipped("there is no python3 with PyTorch and a CUDA GPU");
  const file = openSync(join(out, FILES.pytorch), "w");
  try {
    await new Promise<void>((resolve, reject) => {
      const python = spawn("python3", [carried("pytorch.py")], { stdio: ["ignore", file, "inherit"] });
      python.on("error", reject);
      python.on("close", (code) => (code === 0 ? resolve() : reject(new Error(`pytorch.py ended with ${code}`))));
    });
  } finally {
    closeSync(file);
  }
}
