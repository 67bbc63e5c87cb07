// Opens a WebGPU adapter in Node through Dawn (npm package webgpu): the computer's GPU, or else a software driver: the system's, a downloaded
// lavapipe, or that of a browser.
import { findBrowser } from "./browser-paths.ts";
import { throttleEventLoop } from "./event-loop-throttle.ts";
import { findLavapipe, librariesOf } from "./lavapipe.ts";
import { hasDriverManifest, loadLibraries, loadVulkan, softwareVulkanEnv, userChoseDriver } from "./vulkan.ts";

export class NoAdapterError extends Error {
  override name = "NoAdapterError";
}

const HINT =
  process.platform === "linux"
    ? "install a Vulkan driver (Debian: mesa-vulkan-drivers), or Chrome or Chromium, whose software driver is then used"
    : "update the graphics driver";

type Dawn = typeof import("webgpu");

interface Instance {
  readonly gpu: GPU;
  /** Where its driver is from. */
  readonly origin: string;
}

/**
 * Dawn's instances: one, and one more for every kind of driver that finds no device. They live as long as the process, because Dawn crashes or
 * hangs when an instance is garbage-collected before its adapter or device (webgpu 0.6.2: in 25 of 100 runs of a small program).
 */
const instances: Instance[] = [];
const origins = new WeakMap<GPUAdapter, string>();

/** Where the driver of an adapter of `openAdapter` is from. */
export const driverOrigin = (adapter: GPUAdapter): string => origins.get(adapter)!;

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
  const adapter = await (latest
    ? request(latest)
    : process.platform === "linux"
      ? openOnLinux(dawn)
      : request(start(dawn, systemOrigin())));
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
  const lavapipe = findLavapipe();
  const folders = [lavapipe?.folder, browser?.libraries].filter((folder) => typeof folder === "string");
  if (!loadVulkan(...folders)) return null;
  const adapter = hasDriverManifest() ? await request(start(dawn, systemOrigin())) : null;
  if (adapter) return adapter;
  if (userChoseDriver()) {
    const named = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"].filter((name) => process.env[name]);
    const values = named.map((name) => `${name}=${process.env[name]}`).join(" and ");
    throw new NoAdapterError(`no GPU adapter found by ${values}: unset ${named.join(" and ")} to use what is installed`);
  }
  if (lavapipe) {
    loadLibraries(librariesOf(lavapipe.folder));
    const { folder, manifest, origin } = lavapipe;
    const software = await openByManifest(dawn, manifest, `${folder}: ${origin}, downloaded; to remove it, delete the folder`);
    if (software) return software;
  }
  const manifest = softwareVulkanEnv(undefined, browser)?.["VK_ICD_FILENAMES"];
  return manifest ? openByManifest(dawn, manifest, `the browser ${browser?.executable}`) : null;
}

async function openByManifest(dawn: Dawn, manifest: string, origin: string): Promise<GPUAdapter | null> {
  process.env["VK_ICD_FILENAMES"] = manifest;
  try {
    return await request(start(dawn, origin));
  } finally {
    // The loader has read the variable by now, and child processes must not inherit it.
    delete process.env["VK_ICD_FILENAMES"];
  }
}

function systemOrigin(): string {
  const name = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"].find((variable) => process.env[variable]);
  return name ? `${name}: ${process.env[name]}` : "the system";
}

/** Exact timestamps: by default Dawn rounds them to 65 µs, as for web pages, which is longer than most kernels run. */
const DAWN_OPTIONS = ["disable-dawn-features=timestamp_quantization"];

function start(dawn: Dawn, origin: string): Instance {
  const instance = { gpu: dawn.create(DAWN_OPTIONS), origin };
  instances.push(instance);
  return instance;
}

async function request({ gpu, origin }: Instance): Promise<GPUAdapter | null> {
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (adapter) origins.set(adapter, origin);
  return adapter;
}
