// The folder that a command writes its results to: a transaction that replaces the old results at the end or not at all.

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
import { FileError, reason, shown } from "./file-error.ts";

/** Makes a folder and those above it; gives the topmost made. Node's recursive mkdir never returns where a file system refuses, as /proc does. */
function makeFolders(path: string): string | undefined {
  const missing: string[] = [];
  for (let at = path; !existsSync(at); at = dirname(at)) missing.unshift(at);
  for (const folder of missing) mkdirSync(folder);
  if (!statSync(path).isDirectory()) throw Object.assign(new Error("not a directory"), { code: "EEXIST" });
  return missing[0];
}

/**
 * A folder that results are written to, through a folder of its own inside: nothing of the old results changes before `commit`, and
 * each file is then whole, old or new. `discard` leaves no trace; it does nothing after `commit`.
 */
export class OutputFolder {
  readonly #names: string[] = [];
  #staging: string | null = null;
  #created: string | undefined;

  private constructor(readonly path: string) {}

  /** Makes sure, before any work, that `names` can be written. Throws FileError. */
  static open(path: string, names: readonly string[]): OutputFolder {
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
      return folder;
    } catch (error) {
      folder.discard();
      if (error instanceof FileError) throw error;
      throw new FileError(`can't write to ${shown(path)}: ${reason(error)}`);
    }
  }

  /** Keeps a file for `commit`; `name` may lie in a folder below. Throws FileError. */
  write(name: string, data: Uint8Array | string): void {
    const path = this.#place(name);
    this.#keep(name, () => writeFileSync(path, data));
  }

  /** Keeps a file that `write` makes piece by piece at the place it is told. Throws FileError where a system call fails in it. */
  async writing(name: string, write: (place: string) => Promise<void>): Promise<void> {
    const path = this.#place(name);
    try {
      await write(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall) throw this.#unwritable(name, error);
      throw error;
    }
    this.#keep(name, () => {});
  }

  #place(name: string): string {
    const path = join(this.#staging!, name);
    try {
      mkdirSync(dirname(path), { recursive: true });
    } catch (error) {
      throw this.#unwritable(name, error);
    }
    return path;
  }

  #keep(name: string, write: () => void): void {
    try {
      write();
      const file = openSync(join(this.#staging!, name), "r+");
      fsyncSync(file);
      closeSync(file);
      this.#names.push(name);
    } catch (error) {
      throw this.#unwritable(name, error);
    }
  }

  #unwritable(name: string, error: unknown): FileError {
    return new FileError(`can't write ${shown(join(this.path, name))}: ${reason(error)}`);
  }

  /**
   * Puts everything into place and returns the paths, in the order of writing. Older files in `folder` whose names match are taken away.
   * Throws FileError.
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
    // Folders made for this run, innermost first, as long as they are empty.
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
