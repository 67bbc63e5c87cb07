// Folders and files that a crash leaves whole: made, replaced, and brought to the disk.

import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a folder and its missing parents, and returns the topmost that it made. Node's recursive mkdir would never return on a file system that
 * refuses, such as /proc.
 */
export function makeFolders(path: string): string | undefined {
  const missing: string[] = [];
  for (let at = path; !existsSync(at); at = dirname(at)) missing.unshift(at);
  let first: string | undefined;
  for (const folder of missing) {
    try {
      mkdirSync(folder);
      first ??= folder;
    } catch (error) {
      // Another process may have made it at this moment.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
  if (!statSync(path).isDirectory()) throw Object.assign(new Error("not a directory"), { code: "EEXIST" });
  return first;
}

/** Writes a whole file and brings it to the disk. */
export function writeWhole(file: string, data: Uint8Array | string): void {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  const descriptor = openSync(file, "w");
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Replaces a file: at any time the old one or the new one is there as a whole. What a full disk leaves of the new one is removed. */
export function replaceFile(file: string, data: Uint8Array | string): void {
  const draft = `${file}.part`;
  try {
    writeWhole(draft, data);
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  syncPath(dirname(file));
}

/** Brings a file, or the names in a folder, to the disk, where the system can. */
export function syncPath(path: string): void {
  try {
    const descriptor = openSync(path, "r");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // Windows opens no folders; it keeps names without this.
  }
}
