// Writes the results of a command as a transaction: it replaces the old results at the end of the run, or not at all.

import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type Planes, toRgb8 } from "../image/planes.ts";
import { encodePng } from "../image/png.ts";
import { FileError, reason, shown } from "./read-files.ts";
import type { Session } from "./session.ts";

/**
 * Makes a folder and its missing parents, and returns the topmost that it made. Node's recursive mkdir would never return on a file system that
 * refuses, such as /proc.
 */
function makeFolders(path: string): string | undefined {
  const missing: string[] = [];
  for (let at = path; !existsSync(at); at = dirname(at)) missing.unshift(at);
  for (const folder of missing) mkdirSync(folder);
  if (!statSync(path).isDirectory()) throw Object.assign(new Error("not a directory"), { code: "EEXIST" });
  return missing[0];
}

/**
 * A folder for results. Files are first written to a temporary folder inside it, so the old results do not change before `commit`. At any time
 * every file is either the whole old one or the whole new one. `discard` removes what this run has made; after `commit` it does nothing.
 */
export class OutputFolder {
  readonly #names: string[] = [];
  #staging: string | null = null;
  #created: string | undefined;

  private constructor(readonly path: string) {}

  /**
   * Makes the folder, and checks before any work that files of these names can be written. What is not committed is discarded at the end of
   * the session. Throws FileError.
   */
  static open(session: Session, path: string, names: readonly string[]): OutputFolder {
    const folder = new OutputFolder(path);
    try {
      folder.#created = makeFolders(resolve(path));
      folder.#staging = mkdtempSync(join(path, ".singan-"));
      for (const name of names) {
        if (statSync(join(path, name), { throwIfNoEntry: false })?.isDirectory())
          throw new FileError(`${shown(join(path, name))} is a directory`);
        const parent = dirname(join(path, name));
        if (existsSync(parent) && !statSync(parent).isDirectory())
          throw new FileError(`${shown(parent)} is a file, not a directory`);
      }
      session.onExit(() => folder.discard());
      return folder;
    } catch (error) {
      folder.discard();
      if (error instanceof FileError) throw error;
      throw new FileError(`can't write to ${shown(path)}: ${reason(error)}`);
    }
  }

  /** Writes a file, which `commit` will publish. `name` may contain folders. Throws FileError. */
  write(name: string, data: Uint8Array | string): void {
    const path = this.#stagingPath(name);
    this.#orUnwritable(name, () => writeFileSync(path, data));
    this.#keep(name);
  }

  /** Writes a picture as a PNG, as `write` does. */
  writePicture(name: string, picture: Planes): void {
    this.write(name, encodePng(toRgb8(picture)));
  }

  /** As `write`, for a file that the callback writes piece by piece to the given path. Throws FileError if a system call fails in it. */
  async writing(name: string, write: (path: string) => Promise<void>): Promise<void> {
    const path = this.#stagingPath(name);
    try {
      await write(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall) throw this.#unwritable(name, error);
      throw error;
    }
    this.#keep(name);
  }

  #stagingPath(name: string): string {
    const path = join(this.#staging!, name);
    this.#orUnwritable(name, () => mkdirSync(dirname(path), { recursive: true }));
    return path;
  }

  #keep(name: string): void {
    this.#orUnwritable(name, () => {
      const file = openSync(join(this.#staging!, name), "r+");
      fsyncSync(file);
      closeSync(file);
    });
    this.#names.push(name);
  }

  #orUnwritable(name: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      throw this.#unwritable(name, error);
    }
  }

  #unwritable(name: string, error: unknown): FileError {
    return new FileError(`can't write ${shown(join(this.path, name))}: ${reason(error)}`);
  }

  /**
   * Moves the written files to the folder and returns their paths in the order of writing. Deletes the other files in `stale.folder` whose names
   * match, which are results of earlier runs. Throws FileError.
   */
  commit(stale?: { readonly folder: string; readonly names: RegExp }): string[] {
    try {
      for (const name of this.#names) {
        mkdirSync(dirname(join(this.path, name)), { recursive: true });
        renameSync(join(this.#staging!, name), join(this.path, name));
      }
      if (stale && existsSync(join(this.path, stale.folder))) {
        const old = readdirSync(join(this.path, stale.folder)).filter((name) => stale.names.test(name));
        for (const name of old) if (!this.#names.includes(join(stale.folder, name))) rmSync(join(this.path, stale.folder, name));
      }
    } catch (error) {
      throw new FileError(`can't write to ${shown(this.path)}: ${reason(error)}`);
    }
    this.#created = undefined;
    this.discard();
    return this.#names.map((name) => join(this.path, name));
  }

  discard(): void {
    if (this.#staging) rmSync(this.#staging, { recursive: true, force: true });
    this.#staging = null;
    // Removes the folders that this run has made, innermost first, as long as they are empty.
    for (let folder = resolve(this.path); this.#created && folder.startsWith(this.#created); folder = dirname(folder)) {
      try {
        rmdirSync(folder);
      } catch {
        break;
      }
    }
    this.#created = undefined;
  }
}
