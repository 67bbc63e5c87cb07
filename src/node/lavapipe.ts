// Mesa's lavapipe in this program's cache folder: a Vulkan driver that computes on the CPU, several times as fast as the SwiftShader of a browser.
// `npm run train` downloads it where there is no GPU (harness/obtain-lavapipe.ts); every program that opens an adapter finds it here.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "./tuning-file.ts";

export interface Lavapipe {
  /** Contains the driver, the libraries that it needs and the system lacked, and the driver's manifest. */
  readonly folder: string;
  readonly manifest: string;
  /** The package and the archive that it is from: "mesa-vulkan-drivers 25.0.7-2 (Debian:13/stable)". */
  readonly origin: string;
}

export const LAVAPIPE_LIBRARY = "libvulkan_lvp.so";
export const LAVAPIPE_MANIFEST = "lvp_icd.json";
export const LAVAPIPE_ORIGIN = "origin.txt";

/** The architecture is part of the name, because several computers may share a home folder. */
export const lavapipeFolder = (): string => join(cacheFolder(), `lavapipe-${process.arch}`);

/** The downloaded lavapipe, or null. It may no longer load, for example after an upgrade of the system. */
export function findLavapipe(folder: string = lavapipeFolder()): Lavapipe | null {
  try {
    const manifest = join(folder, LAVAPIPE_MANIFEST);
    return existsSync(manifest) ? { folder, manifest, origin: readFileSync(join(folder, LAVAPIPE_ORIGIN), "utf8").trim() } : null;
  } catch {
    return null;
  }
}

/** Variables that let any program find this driver, its libraries, and a Vulkan loader if the system has none. */
export function lavapipeEnv(
  { folder, manifest }: Lavapipe,
  { LD_LIBRARY_PATH: path }: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> {
  return { VK_ICD_FILENAMES: manifest, LD_LIBRARY_PATH: path ? `${folder}:${path}` : folder };
}

/** The libraries in a folder, without the drivers: their names have no version, and only the Vulkan loader loads them. */
export const librariesOf = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.includes(".so."))
    .map((name) => join(folder, name));
