// The adapter's own peaks: multiply-adds on registers alone, and a copy from buffer to buffer. "Share of peak" is that of multiply-adds,
// whose kernel is written in several forms, because compilers differ; the fastest counts.

import type { Gpu } from "../src/gpu/device.ts";
import { type Effort, time } from "./measure.ts";
import type { Measurement } from "./records.ts";

const WG = 64;
const THREADS = { software: 2 ** 13, hardware: 2 ** 19 };
/** Multiply-adds per accumulator and pass of the loop, so that the loop itself costs little. */
const UNROLL = 8;
const COPY_BYTES = { software: 2 ** 25, hardware: 2 ** 28 }; // beyond any cache

/** Every thread copies several values, because a software driver spends time on every workgroup. */
const COPY_GROUPS = { software: 64, hardware: 65_535 };

interface Form {
  readonly width: 1 | 4;
  /** Independent chains of multiply-adds, to fill the pipeline of one thread. */
  readonly accumulators: number;
  readonly isFma: boolean;
}
const FORMS: readonly Form[] = [
  { width: 1, accumulators: 4, isFma: false },
  { width: 1, accumulators: 8, isFma: false },
  { width: 1, accumulators: 8, isFma: true },
  { width: 4, accumulators: 2, isFma: false },
  { width: 4, accumulators: 4, isFma: false },
  { width: 4, accumulators: 4, isFma: true },
];
const nameOf = ({ width, accumulators, isFma }: Form): string =>
  `${accumulators} x ${width === 1 ? "f32" : "vec4"}${isFma ? ", fma" : ""}`;

/** a ← a·k + c with k < 1, which stays finite. The sum is written, so that the compiler removes nothing. */
function multiplyAddShader({ width, accumulators, isFma }: Form): string {
  const type = width === 1 ? "f32" : "vec4<f32>";
  const names = Array.from({ length: accumulators }, (_, i) => `a${i}`);
  const step = (a: string): string => (isFma ? `${a} = fma(${a}, k, c);` : `${a} = ${a} * k + c;`);
  return `
struct Params { turns: u32 }
@group(0) @binding(0) var<storage, read_write> y: array<${type}>;
@group(0) @binding(1) var<uniform> params: Params;
@compute @workgroup_size(${WG}) fn main(@builtin(global_invocation_id) id: vec3u) {
  let k = ${type}(0.999 - f32(id.x & 63u) * 1e-5);
  let c = ${type}(0.001 + f32(id.x & 63u) * 1e-6);
  ${names.map((a, i) => `var ${a} = ${type}(${i}.5);`).join(" ")}
  for (var i = 0u; i < params.turns; i++) {
${Array.from({ length: UNROLL }, () => `    ${names.map(step).join(" ")}`).join("\n")}
  }
  y[id.x] = ${names.join(" + ")};
}`;
}

const COPY_SHADER = `
@group(0) @binding(0) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@compute @workgroup_size(${WG}) fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let stride = groups.x * ${WG}u;
  for (var i = id.x; i < arrayLength(&x); i += stride) { y[i] = x[i]; }
}`;

/** A job that runs the shader on buffers, without our own runtime. */
async function kernel(gpu: Gpu, code: string, buffers: readonly GPUBuffer[], groups: number) {
  const { device } = gpu;
  const module = device.createShaderModule({ code });
  const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint: "main" } });
  const bindGroup = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
  });
  return async (count: number): Promise<void> => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    for (let i = 0; i < count; i++) pass.dispatchWorkgroups(groups);
    pass.end();
    device.queue.submit([encoder.finish()]);
    await gpu.finished();
  };
}

async function multiplyAdds(gpu: Gpu, form: Form, effort: Effort): Promise<Measurement> {
  const threads = THREADS[gpu.isSoftware ? "software" : "hardware"];
  const result = gpu.alloc(threads * form.width * 4, "peak");
  const params = gpu.allocUniform(4, "peak params");
  try {
    const run = await kernel(gpu, multiplyAddShader(form), [result.buffer, params.buffer], threads / WG);
    let turns = 16;
    for (; ; turns *= 2) {
      gpu.write(params, Uint32Array.of(turns));
      await run(1);
      const start = performance.now();
      await run(1);
      if (performance.now() - start > effort.sampleMs) break;
    }
    const timing = await time(run, effort);
    const flops = 2 * threads * form.width * form.accumulators * UNROLL * turns;
    const [value] = await gpu.read([{ ...result, bytes: 4 }]);
    if (!Number.isFinite(value![0]!)) throw new Error(`the multiply-add kernel returned ${value![0]}`);
    return {
      what: "multiplyAdd",
      scale: null,
      shape: `${threads} threads x ${turns * UNROLL}`,
      variant: nameOf(form),
      timing,
      gflops: flops / timing.medianMs / 1e6,
    };
  } finally {
    for (const slice of [result, params]) gpu.free(slice);
  }
}

async function copy(gpu: Gpu, effort: Effort): Promise<Measurement> {
  const wanted = COPY_BYTES[gpu.isSoftware ? "software" : "hardware"];
  const bytes = Math.min(wanted, gpu.device.limits.maxStorageBufferBindingSize & ~255);
  const [from, to] = [gpu.alloc(bytes, "copied"), gpu.alloc(bytes, "copy")];
  try {
    const groups = Math.min(COPY_GROUPS[gpu.isSoftware ? "software" : "hardware"], bytes / 16 / WG);
    const timing = await time(await kernel(gpu, COPY_SHADER, [to.buffer, from.buffer], groups), effort);
    const gbps = (2 * bytes) / timing.medianMs / 1e6;
    return { what: "copy", scale: null, shape: `${bytes / 2 ** 20} MiB`, timing, gbps };
  } finally {
    for (const slice of [from, to]) gpu.free(slice);
  }
}

/** Measures the peaks; returns the highest rate of multiply-adds, in GFLOP/s (an addition and a multiplication each count). */
export async function measurePeak(gpu: Gpu, effort: Effort, report: (m: Measurement) => void): Promise<number> {
  let peak = 0;
  for (const form of FORMS) {
    const measured = await multiplyAdds(gpu, form, effort);
    report(measured);
    peak = Math.max(peak, measured.gflops!);
  }
  report(await copy(gpu, effort));
  return peak;
}
