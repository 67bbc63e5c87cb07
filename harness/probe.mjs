// Writes the name of the adapter that Dawn finds, after a product of two matrices on it. Where there is none, or the product is wrong, it
// writes why and exits with 1. A process of its own, because Dawn reads the environment only at its start, and a driver may crash.
import { create, globals } from "webgpu";

const { GPUBufferUsage, GPUMapMode } = globals;
const SIDE = 16;
/** Every workgroup computes a line, by threads that share the line of `a`. */
const PRODUCT = `
  @group(0) @binding(0) var<storage, read> a: array<f32>;
  @group(0) @binding(1) var<storage, read> b: array<f32>;
  @group(0) @binding(2) var<storage, read_write> c: array<f32>;
  var<workgroup> line: array<f32, ${SIDE}>;
  @compute @workgroup_size(${SIDE})
  fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
    line[local.x] = a[group.x * ${SIDE} + local.x];
    workgroupBarrier();
    var sum = 0.0;
    for (var k = 0u; k < ${SIDE}; k++) { sum += line[k] * b[k * ${SIDE} + local.x]; }
    c[group.x * ${SIDE} + local.x] = sum;
  }`;

const gpu = create([]); // kept to the end: Dawn crashes when an instance is collected before its adapter
const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
const isRight = adapter && (await multipliesRight(await adapter.requestDevice()));
process.stdout.write(
  !adapter
    ? "no adapter"
    : isRight
      ? adapter.info.description || adapter.info.device || "unnamed adapter"
      : "it computes wrong values",
);
process.exit(isRight ? 0 : 1);

async function multipliesRight(device) {
  const values = (step) => Float32Array.from({ length: SIDE * SIDE }, (_, i) => ((i * step) % 13) - 6); // small: their product is exact
  const [a, b] = [values(5), values(7)];
  const { STORAGE, COPY_DST, COPY_SRC, MAP_READ } = GPUBufferUsage;
  const buffers = [a, b, null].map((data) => {
    const buffer = device.createBuffer({ size: a.byteLength, usage: STORAGE | COPY_DST | COPY_SRC });
    if (data) device.queue.writeBuffer(buffer, 0, data);
    return buffer;
  });
  const compute = { module: device.createShaderModule({ code: PRODUCT }) };
  const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute });
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
  const read = device.createBuffer({ size: a.byteLength, usage: MAP_READ | COPY_DST });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(SIDE);
  pass.end();
  encoder.copyBufferToBuffer(buffers[2], 0, read, 0, a.byteLength);
  device.queue.submit([encoder.finish()]);
  await read.mapAsync(GPUMapMode.READ);
  const c = new Float32Array(read.getMappedRange());
  return c.every((value, i) => {
    const [row, column] = [i - (i % SIDE), i % SIDE];
    const line = a.subarray(row, row + SIDE);
    return value === line.reduce((sum, x, k) => sum + x * b[k * SIDE + column], 0);
  });
}
