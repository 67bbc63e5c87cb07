// Runs in a page for harness.test.ts: doubles numbers in a compute shader, and describes the page's adapter.

export interface Doubled {
  readonly values: number[];
  readonly isFallback: boolean;
  readonly architecture: string;
}

const SHADER = `
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < arrayLength(&x)) { x[id.x] = 2.0 * x[id.x]; }
}`;

const EXP_SHADER = SHADER.replace("2.0 * x[id.x]", "exp(x[id.x])");

export async function double(numbers: number[]): Promise<Doubled> {
  const adapter = await requireAdapter();
  const values = await compute(adapter, SHADER, numbers);
  return { values: [...values], isFallback: adapter.info.isFallbackAdapter, architecture: adapter.info.architecture };
}

/** The bits of exp(numbers), which are equal on the same driver. */
export async function driverBits(numbers: number[]): Promise<number[]> {
  return driverBitsOn(await requireAdapter(), numbers);
}

export async function driverBitsOn(adapter: GPUAdapter, numbers: number[]): Promise<number[]> {
  return [...new Uint32Array((await compute(adapter, EXP_SHADER, numbers)).buffer)];
}

export async function fail(): Promise<void> {
  throw new Error("on purpose");
}

export async function failLater(): Promise<void> {
  void Promise.reject(new Error("forgotten"));
  await new Promise(() => {});
}

export async function hang(): Promise<void> {
  console.log("hanging");
  await new Promise(() => {});
}

async function requireAdapter(): Promise<GPUAdapter> {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw new Error("the page has no WebGPU adapter");
  return adapter;
}

async function compute(adapter: GPUAdapter, code: string, numbers: number[]): Promise<Float32Array<ArrayBuffer>> {
  const device = await adapter.requestDevice();
  const size = 4 * numbers.length;
  const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
  const buffer = device.createBuffer({ size, usage: STORAGE | COPY_SRC | COPY_DST });
  const staging = device.createBuffer({ size, usage: MAP_READ | COPY_DST });
  device.queue.writeBuffer(buffer, 0, new Float32Array(numbers));
  const pipeline = device.createComputePipeline({ layout: "auto", compute: { module: device.createShaderModule({ code }) } });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(
    0,
    device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer } }] }),
  );
  pass.dispatchWorkgroups(Math.ceil(numbers.length / 4));
  pass.end();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const result = new Float32Array(staging.getMappedRange().slice(0));
  staging.unmap();
  device.destroy();
  return result;
}
