// The versions of the program, of Node and of Dawn, for reports.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { version } from "../../package.json";

export const VERSION: string = version;

/** The version of the package `webgpu`, which is Dawn for Node. Null if it is not installed. */
export function dawnVersion(): string | null {
  try {
    const manifest = createRequire(import.meta.url).resolve("webgpu/package.json");
    return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
  } catch {
    return null;
  }
}

export const versions = () => ({
  "singan-webgpu": VERSION,
  node: process.versions.node,
  webgpu: dawnVersion(),
  platform: `${process.platform} ${process.arch}`,
});
