// Versions of what took part in a run: the program, Node, Dawn.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { version } from "../../package.json";

export const VERSION: string = version;

/** The installed package `webgpu`, Dawn for Node; null where it is not installed. */
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
