// One malformed or odd file, and how it is put on the disk.

import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** What should happen: the file is read, it is refused in one line, or either. */
export type Expected = "read" | "refused" | "either";

export interface Case {
  readonly name: string;
  readonly expected: Expected;
  /** Makes it in a folder of its own and returns the path relative to that folder. */
  place(folder: string): string;
}

/** A file of these bytes. */
export const fileOf = (name: string, expected: Expected, bytes: Uint8Array, extension: string): Case => ({
  name,
  expected,
  place(folder) {
    const file = `case.${extension}`;
    writeFileSync(join(folder, file), bytes);
    return file;
  },
});

/** At most `count` of the cases, evenly spread, so that a short run has some of every kind. */
export const spread = (cases: readonly Case[], count: number): Case[] =>
  cases.length <= count ? [...cases] : Array.from({ length: count }, (_, i) => cases[Math.floor((i * cases.length) / count)]!);
