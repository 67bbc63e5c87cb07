// Provides a Vulkan driver on Linux without a GPU: SwiftShader from an installed browser.
// Dawn opens the Vulkan loader by its name, libvulkan.so.1. The loader finds drivers through environment variables and folders.
import { constants } from "node:os";
import { posix } from "node:path";
import { type Browser, findBrowser, type Host, SWIFTSHADER_MANIFEST, thisHost } from "./browser-paths.ts";

const LOADER = "libvulkan.so.1";
const LOADER_FOLDERS = [
  "/usr/lib/x86_64-linux-gnu",
  "/usr/lib/aarch64-linux-gnu",
  "/lib/x86_64-linux-gnu",
  "/lib/aarch64-linux-gnu",
  "/usr/lib64",
  "/usr/lib",
  "/usr/local/lib",
];
/** glibc's dlopen flag that keeps a library in memory after dlclose. Node has no constant for it. */
const RTLD_NODELETE = 0x1000;

/**
 * Environment variables that let any WebGPU implementation in a child process find the browser's SwiftShader. They respect a driver that
 * the user chose (VK_DRIVER_FILES, VK_ICD_FILENAMES), and extend LD_LIBRARY_PATH only if the system has no Vulkan loader. Null if this is not
 * Linux, or if no browser has the libraries.
 */
export function softwareVulkanEnv(
  host: Host = thisHost(),
  browser: Browser | null = findBrowser(host),
): Record<string, string> | null {
  if (host.platform !== "linux" || !browser?.libraries) return null;
  const env: Record<string, string> = {};
  const path = host.env["LD_LIBRARY_PATH"];
  const folders = [...(path ?? "").split(":").filter(Boolean), ...LOADER_FOLDERS];
  if (!folders.some((folder) => host.exists(posix.join(folder, LOADER))))
    env["LD_LIBRARY_PATH"] = path ? `${browser.libraries}:${path}` : browser.libraries;
  if (!userChoseDriver(host)) env["VK_ICD_FILENAMES"] = posix.join(browser.libraries, SWIFTSHADER_MANIFEST);
  return env;
}

/** Whether the environment names drivers. Then no other driver is used. */
export const userChoseDriver = (host: Host = thisHost()): boolean =>
  Boolean(host.env["VK_DRIVER_FILES"] || host.env["VK_ICD_FILENAMES"]);

/** Whether the Vulkan loader would find the description of a driver. That driver may still find no device. */
export function hasDriverManifest(host: Host = thisHost()): boolean {
  if (userChoseDriver(host) || host.env["VK_ADD_DRIVER_FILES"]) return true;
  const data = (host.env["XDG_DATA_DIRS"] || "/usr/local/share:/usr/share").split(":");
  const config = (host.env["XDG_CONFIG_DIRS"] || "/etc/xdg").split(":");
  const own = [
    host.env["XDG_DATA_HOME"] || posix.join(host.home, ".local/share"),
    host.env["XDG_CONFIG_HOME"] || posix.join(host.home, ".config"),
  ];
  return [...config, "/etc", "/usr/local/etc", ...own, ...data]
    .map((folder) => posix.join(folder, "vulkan/icd.d"))
    .some((folder) => host.list(folder).some((name) => name.endsWith(".json")));
}

/**
 * Loads the Vulkan loader into this process, the system's or else the first of these folders, under the name by which Dawn opens it.
 * LD_LIBRARY_PATH would have an effect only on a new process. Returns whether a loader is loaded. Linux only.
 */
export function loadVulkan(...folders: readonly string[]): boolean {
  return dlopen(LOADER) || folders.some((folder) => dlopen(posix.join(folder, LOADER)));
}

/**
 * Loads libraries that need each other into this process, in whatever order works. A driver that needs them then finds them by their names,
 * outside the folders that the system searches, too. Those that do not load are left out. Linux only.
 */
export function loadLibraries(files: readonly string[]): void {
  const waiting = files.filter((file) => !dlopen(file));
  if (waiting.length > 0 && waiting.length < files.length) loadLibraries(waiting);
}

function dlopen(file: string): boolean {
  try {
    process.dlopen({ exports: {} }, file, constants.dlopen.RTLD_NOW | RTLD_NODELETE);
    return true;
  } catch (error) {
    // Node reports that the library is no Node add-on and closes it. RTLD_NODELETE keeps it loaded.
    return error instanceof Error && error.message.includes("did not self-register");
  }
}
