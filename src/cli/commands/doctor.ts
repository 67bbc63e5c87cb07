// singan doctor: whether this computer can train, and on what; answers most questions in a bug report.

import { conv2d } from "../../autodiff/ops/conv.ts";
import { leaf } from "../../autodiff/tensor.ts";
import type { Gpu } from "../../gpu/device.ts";
import { openAdapter } from "../../node/adapter.ts";
import { findBrowser } from "../../node/browser-paths.ts";
import { compile, submit } from "../../runtime/program.ts";
import type { Args, Command } from "../args.ts";
import { openGpu } from "../gpu.ts";
import type { Session } from "../session.ts";
import { table } from "../table.ts";
import { versions } from "../versions.ts";

export const doctorCommand: Command = {
  name: "doctor",
  summary: "check whether this computer can train, and on what",
  words: [],
  groups: [],
  examples: [
    ["singan doctor", "adapter, driver, versions, a self-test"],
    ["singan doctor --json", "the same to put into a bug report"],
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
