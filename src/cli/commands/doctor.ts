// singan doctor: checks whether this computer can train, and collects what a bug report needs.

import type { Gpu } from "../../gpu/device.ts";
import { driverOrigin, openAdapter } from "../../node/adapter.ts";
import { findBrowser } from "../../node/browser-paths.ts";
import { planWithoutGpu, selfTest } from "../../singan/recipes.ts";
import type { Args, Command } from "../args.ts";
import { doctorTuning, forgetTuning, openGpu } from "../gpu.ts";
import { table, versions } from "../report.ts";
import type { Session } from "../session.ts";

export const doctorCommand: Command = {
  name: "doctor",
  summary: "check whether this computer can train, and on which adapter",
  words: [],
  details: [
    "Fails if there is no WebGPU adapter, or if the adapter computes wrong results.",
    "Several kernels compute the same result. The program times once which of them is fastest on this computer: with --tune,\n" +
      "or when a training on a GPU first needs it. It stores the times in the user's cache folder. With SINGAN_TUNE=off in the\n" +
      "environment trainings use the default kernels instead.",
  ],
  flags: {
    tune: "time the kernels for typical sizes, for at most a minute, and show the fastest",
    reset: "first delete the stored times",
  },
  examples: [
    ["singan doctor", "shows adapter, driver, limits, versions and a self-test"],
    ["singan doctor --json", "prints the same as JSON, for a bug report"],
    ["singan doctor --tune --reset", "times the kernels again, for example after a driver update"],
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

/** The kernels of a small training of this photo are tested. */
const TESTED_PHOTO = { width: 250, height: 188 };

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
      if (found["software"])
        session.result("The processor computes in the place of a GPU: trainings stay small and take minutes.");
    }
  }
}

/** Adds the adapter's properties and the result of the self-test to `found`. Throws if there is no adapter or it fails the test. */
async function examine(found: Findings, session: Session): Promise<Gpu> {
  found["adapter"] = null;
  const adapter = await openAdapter();
  const gpu = await openGpu(session, adapter);
  const { vendor, architecture, device, description } = gpu.adapterInfo;
  found["adapter"] = [vendor, architecture, device].filter(Boolean).join(" ") || "unnamed";
  found["driver"] = description || "unnamed";
  found["driver from"] = driverOrigin(adapter);
  found["software"] = gpu.isSoftware;
  found["features"] = [...adapter.features].sort().join(" ");
  for (const name of LIMITS) found[name] = adapter.limits[name] ?? null;
  found["self-test"] = "failed";
  const faults = await selfTest(gpu, planWithoutGpu(TESTED_PHOTO, { preset: "preview", options: {} }));
  found["self-test"] = faults.join("; ") || "passed";
  return gpu;
}

function browser(): string | null {
  try {
    return findBrowser()?.executable ?? null;
  } catch (error) {
    return (error as Error).message;
  }
}
