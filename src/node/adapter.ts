// Opens a WebGPU adapter in Node through Dawn (npm package webgpu): the computer's GPU, or else a browser's software driver.
import { findBrowser } from "./browser-paths.ts";
import { throttleEventLoop } from "./event-loop-throttle.ts";
import { hasDriverManifest, loadVulkan, softwareVulkanEnv } from "./vulkan.ts";

export class NoAdapterError extends Error {
  override name = "NoAdapterError";
}

const HINT =
  process.platform === "linux"
    ? "install a Vulkan driver (Debian: mesa-vulkan-drivers), or Chrome or Chromium, whose software driver is then used"
    : "update the graphics driver";

type Dawn = typeof import("webgpu");

/**
 * Dawn's instances: one, or two if the system's drivers find no device. They live as long as the process, because Dawn crashes or hangs when
 * an instance is garbage-collected before its adapter or device (webgpu 0.6.2: in 25 of 100 runs of a small program).
 */
const instances: GPU[] = [];

/**
 * Returns an adapter, and defines the WebGPU constants (GPUBufferUsage, GPUMapMode, …) as globals. For the main thread only: the Vulkan loader
 * does not see a worker's process.env. Throws NoAdapterError, one line with a hint, if there is no adapter.
 */
export async function openAdapter(): Promise<GPUAdapter> {
  const dawn = await importDawn();
  for (const [name, value] of Object.entries(dawn.globals)) {
    if (!(name in globalThis)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  throttleEventLoop(dawn.globals);
  const latest = instances.at(-1);
  const adapter = await (latest ? request(latest) : process.platform === "linux" ? openOnLinux(dawn) : request(start(dawn)));
  if (!adapter) throw new NoAdapterError(`no GPU adapter found: ${HINT}`);
  return adapter;
}

async function importDawn(): Promise<Dawn> {
  try {
    return await import("webgpu");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ERR_MODULE_NOT_FOUND")
      throw new NoAdapterError("WebGPU in Node needs the optional package webgpu, which is not installed: npm install webgpu");
    throw new NoAdapterError(
      `the package webgpu does not load on ${process.platform} ${process.arch}: ${message.split("\n")[0]}`,
    );
  }
}

/** Dawn prints its own warning if the Vulkan loader or a driver is missing, so this function asks Dawn only if both exist. */
async function openOnLinux(dawn: Dawn): Promise<GPUAdapter | null> {
  const browser = findBrowser();
  if (!loadVulkan(browser?.libraries ?? null)) return null;
  const adapter = hasDriverManifest() ? await request(start(dawn)) : null;
  const manifest = softwareVulkanEnv(undefined, browser)?.["VK_ICD_FILENAMES"];
  if (adapter || !manifest) return adapter;
  process.env["VK_ICD_FILENAMES"] = manifest;
  try {
    return await request(start(dawn));
  } finally {
    // The loader has read the variable by now, and child processes must not inherit it.
    delete process.env["VK_ICD_FILENAMES"];
  }
}

/** Exact timestamps: by default Dawn rounds them to 65 µs, as for web pages, which is longer than most kernels run. */
const DAWN_OPTIONS = ["disable-dawn-features=timestamp_quantization"];

function start(dawn: Dawn): GPU {
  const gpu = dawn.create(DAWN_OPTIONS);
  instances.push(gpu);
  return gpu;
}

const request = (gpu: GPU): Promise<GPUAdapter | null> => gpu.requestAdapter({ powerPreference: "high-performance" });
