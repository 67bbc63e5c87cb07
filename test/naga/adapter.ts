// Takes the place of src/node/adapter.ts where a program brings its own WebGPU.

export async function openAdapter(): Promise<GPUAdapter> {
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw new Error("there is no WebGPU adapter");
  return adapter;
}
