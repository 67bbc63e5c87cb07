// singan doctor: whether this computer can train, and on what; answers most questions in a bug report.

import type { Gpu } from "../../gpu/device.ts";
import { openAdapter } from "../../node/adapter.ts";
import { findBrowser } from "../../node/browser-paths.ts";
import { selfTest } from "../../singan/training/self-test.ts";
import type { Args, Command } from "../args.ts";
import { openGpu } from "../gpu.ts";
import type { Session } from "../session.ts";
import { table } from "../table.ts";
import { doctorTuning, forgetTuning } from "../tuning.ts";
import { versions } from "../versions.ts";

export const doctorCommand: Command = {
  name: "doctor",
  summary: "check whether this computer can train, and on what",
  words: [],
  details: [
    "Fails where there is no WebGPU adapter, or where it computes wrong results.",
    "Which of several kernels is fastest is timed once per computer, by --tune or when a training first needs it, and\n" +
      "kept in the user's cache folder. SINGAN_TUNE=off in the environment does without.",
  ],
  groups: [
    {
      title: "Flags",
      flags: [
        { name: "tune", help: "find the fastest kernels for typical sizes, a minute at most, and show them" },
        { name: "reset", help: "forget what was timed before" },
      ],
    },
  ],
  examples: [
    ["singan doctor", "adapter, driver, limits, versions, a self-test"],
    ["singan doctor --json", "the same, to put into a bug report"],
    ["singan doctor --tune --reset", "time the kernels again, after a new driver"],
  ],
  run,
};

const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupStorageSize",
  "maxComputeWorkgroupsPerDimension",
] as const;

type Findings = Record<string, string | number | boolean | null>;

async function run(args: Args, session: Session): Promise<void> {
  if (args.has("reset")) await forgetTuning();
  const found: Findings = { ...versions(), browser: browser() };
  let tuning: string[][] | undefined;
  try {
    const gpu = await examine(found, session);
    if (args.has("tune")) tuning = await doctorTuning(gpu, session);
  } finally {
    if (args.has("json")) session.result(JSON.stringify({ ...found, tuning }));
    else {
      const rows = Object.entries(found).map(([name, value]) => [name, String(value ?? "none")]);
      for (const line of [...table(rows), ...(tuning ? ["", ...table(tuning)] : [])]) session.result(line);
    }
  }
}

/** Adds what the adapter tells. Throws where there is none or it fails the test. */
async function examine(found: Findings, session: Session): Promise<Gpu> {
  found["adapter"] = null;
  const adapter = await openAdapter();
  const gpu = await openGpu(session, adapter);
  const { vendor, architecture, device, description } = gpu.adapterInfo;
  found["adapter"] = [vendor, architecture, device].filter(Boolean).join(" ") || "unnamed";
  found["driver"] = description || "unnamed";
  found["software"] = gpu.isSoftware;
  found["features"] = [...adapter.features].sort().join(" ");
  for (const name of LIMITS) found[name] = adapter.limits[name] ?? null;
  found["self-test"] = "failed";
  await selfTest(gpu);
  found["self-test"] = "passed";
  return gpu;
}

function browser(): string | null {
  try {
    return findBrowser()?.executable ?? null;
  } catch (error) {
    return (error as Error).message;
  }
}
