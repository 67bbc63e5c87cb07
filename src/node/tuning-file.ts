// Stores the tuning tables in Node: one JSON file in the user's cache folder. If it is damaged or can't be written, kernels are timed again.

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { TuningStore, TuningTable } from "../runtime/tune.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** This program's folder in the user's cache folder, whose place depends on the operating system. */
export function cacheFolder(platform = process.platform, env: Environment = process.env, home = homedir()): string {
  const base =
    platform === "win32"
      ? (env["LOCALAPPDATA"] ?? join(home, "AppData", "Local"))
      : platform === "darwin"
        ? join(home, "Library", "Caches")
        : env["XDG_CACHE_HOME"] || join(home, ".cache");
  return join(base, "singan-webgpu");
}

/** A store that keeps the tables of all adapters in one file. */
export function tuningFile(path: string = join(cacheFolder(), "tuning.json")): TuningStore {
  const readAll = (): Record<string, TuningTable> => {
    try {
      const tables = JSON.parse(readFileSync(path, "utf8"));
      return isRecord(tables)
        ? Object.fromEntries(Object.entries(tables).filter((entry): entry is [string, TuningTable] => isTable(entry[1])))
        : {};
    } catch {
      return {};
    }
  };
  return {
    async read(adapter) {
      return readAll()[adapter] ?? {};
    },
    async write(adapter, table) {
      // Another process that reads meanwhile must see the whole old file or the whole new one.
      const draft = `${path}.${process.pid}`;
      try {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(draft, `${JSON.stringify({ ...readAll(), [adapter]: table }, null, 1)}\n`);
        renameSync(draft, path);
      } catch {
        remove(draft);
      }
    },
    async clear() {
      remove(path);
    },
  };
}

function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Part of the path is a file, or the folder can't be written: then it holds no table of ours.
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isTable = (value: unknown): value is TuningTable =>
  isRecord(value) &&
  Object.values(value).every((t) => isRecord(t) && typeof t["variant"] === "string" && typeof t["ms"] === "number");
