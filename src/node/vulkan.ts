// A Vulkan driver on Linux without a GPU: SwiftShader, out of an installed browser.
// Dawn dlopens libvulkan.so.1 by that name; the loader then reads which drivers exist from environment variables and folders.
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
/** glibc's dlopen flag "stay in memory after dlclose", which Node has no name for. */
const RTLD_NODELETE = 0x1000;

/**
 * Variables with which a process that is STARTED with them finds the browser's SwiftShader, whatever its WebGPU implementation. A driver
 * that the user chose (VK_DRIVER_FILES, VK_ICD_FILENAMES) stays chosen; LD_LIBRARY_PATH is extended, and only where the system has no
 * Vulkan loader. Null where nothing can be done: not Linux, or no browser with the libraries.
 */
export function softwareVulkanEnv(
  host: Host = thisHost(),
  browser: Browser | null = findBrowser(host),
): Record<string, string> | null {
  if (host.platform !== "linux" || !browser?.libraries) return null;
  const env: Record<string, string> = {};
  const path = host.env["LD_LIBRARY_PATH"];
  const folders = [...(path ?? "").split(":").filter(Boolean), ...LOADER_FOLDERS];
  if (!folders.some((folder) => host.exists(posix.join(folder, LOADER)))) {
    env["LD_LIBRARY_PATH"] = path ? `${browser.libraries}:${path}` : browser.libraries;
  }
  if (!userChoseDriver(host)) env["VK_ICD_FILENAMES"] = posix.join(browser.libraries, SWIFTSHADER_MANIFEST);
  return env;
}

const userChoseDriver = (host: Host): boolean => Boolean(host.env["VK_DRIVER_FILES"] || host.env["VK_ICD_FILENAMES"]);

/** Whether the Vulkan loader would find the description of any driver (which need not have a device to drive). */
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
 * Loads the Vulkan loader into this process: the system's, else the browser's, under the name by which Dawn will ask for it, so that
 * no process has to be started again with LD_LIBRARY_PATH. Returns whether one is loaded. Linux only.
 */
export function loadVulkan(libraries: string | null): boolean {
  return dlopen(LOADER) || (libraries !== null && dlopen(posix.join(libraries, LOADER)));
}

function dlopen(file: string): boolean {
  try {
    process.dlopen({ exports: {} }, file, constants.dlopen.RTLD_NOW | RTLD_NODELETE);
    return true;
  } catch (error) {
    // Node complains that a loaded library is no Node add-on, and closes it again: RTLD_NODELETE keeps it.
    return error instanceof Error && error.message.includes("did not self-register");
  }
}
