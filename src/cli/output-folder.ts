// Writes the results of a command as a transaction: it replaces the old results at the end of the run, or not at all.

import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmdirSync, rmSync, statSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { type Planes, toLayer } from "../image/planes.ts";
import { encodeLayer } from "../image/png.ts";
import { makeFolders, syncPath, writeWhole } from "./file-system.ts";
import { hasEnded, lockFolder, OWN_IDENTITY } from "./folder-lock.ts";
import { FileError, reason, shown } from "./read-files.ts";
import type { Session } from "./session.ts";

/** Names of temporary folders begin so; the process that has made one follows. */
const STAGING = ".singan-";

/** What is left of runs that were killed; returns how many folders were removed. */
function removeRemains(path: string): number {
  const remains = readdirSync(path).filter((name) => {
    if (!name.startsWith(STAGING) || name.startsWith(`${STAGING}lock`)) return false;
    const identity = name.slice(STAGING.length).replace(/-[^-]*$/, "");
    return identity === "" || hasEnded(identity) || !identity.includes(".");
  });
  for (const name of remains) rmSync(join(path, name), { recursive: true, force: true });
  return remains.length;
}

export interface FolderOptions {
  /** Keep other processes that lock it out of the folder until the end of the session. */
  readonly isLocked?: boolean;
}

/**
 * A folder for results. Files are first written to a temporary folder inside it, so the old results do not change before `commit`. At any time
 * every file is either the whole old one or the whole new one. `discard` unlocks the folder and removes what was not committed.
 */
export class OutputFolder {
  readonly #names: string[] = [];
  #staging: string | null = null;
  #created: string | undefined;
  #unlock = (): void => {};

  private constructor(readonly path: string) {}

  /**
   * Makes the folder, and checks before any work that files of these names can be written. What is not committed is discarded at the end of
   * the session. Throws FileError.
   */
  static open(session: Session, path: string, names: readonly string[], { isLocked = false }: FolderOptions = {}): OutputFolder {
    const folder = new OutputFolder(path);
    try {
      folder.#created = makeFolders(resolve(path));
      if (isLocked) folder.#unlock = lockFolder(path);
      if (removeRemains(path) > 0) session.note(`removed from ${shown(path)} what a killed run had left there`);
      folder.#staging = mkdtempSync(join(path, `${STAGING}${OWN_IDENTITY}-`));
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
    this.#orUnwritable(name, () => writeWhole(path, data));
    this.#names.push(name);
  }

  /** Writes a picture as a PNG, with its transparency, as `write` does. */
  writePicture(name: string, picture: Planes): void {
    this.write(name, encodeLayer(toLayer(picture)));
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
    syncPath(path);
    this.#names.push(name);
  }

  #stagingPath(name: string): string {
    const path = join(this.#staging!, name);
    this.#orUnwritable(name, () => mkdirSync(dirname(path), { recursive: true }));
    return path;
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
   * match, which are results of earlier runs. `seal` is a file that tells that all others belong together: the old one is removed first, and
   * the new one, which must have been written last, is moved last. Throws FileError.
   */
  commit({ stale, seal }: { stale?: { folder: string; names: RegExp }; seal?: string } = {}): string[] {
    try {
      if (seal !== undefined) {
        rmSync(join(this.path, seal), { force: true });
        syncPath(this.path);
      }
      if (stale && existsSync(join(this.path, stale.folder))) {
        const old = readdirSync(join(this.path, stale.folder)).filter((name) => stale.names.test(name));
        for (const name of old) if (!this.#names.includes(join(stale.folder, name))) rmSync(join(this.path, stale.folder, name));
      }
      for (const name of this.#names) {
        if (name === seal) syncPath(this.path);
        mkdirSync(dirname(join(this.path, name)), { recursive: true });
        renameSync(join(this.#staging!, name), join(this.path, name));
      }
    } catch (error) {
      throw new FileError(`can't write to ${shown(this.path)}: ${reason(error)}`);
    }
    syncPath(this.path);
    this.#created = undefined;
    this.#removeStaging();
    return this.#names.map((name) => join(this.path, name));
  }

  /** Never throws: a disk that can't be written any more keeps the folder until the next run, and the results count. */
  #removeStaging(): void {
    try {
      if (this.#staging) rmSync(this.#staging, { recursive: true, force: true });
    } catch {
      // It is in a folder that has become read-only, or a file.
    }
    this.#staging = null;
  }

  discard(): void {
    this.#removeStaging();
    this.#unlock();
    this.#unlock = () => {};
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

/**
 * Does `write` with the folder, and where that can't be written with a new folder in another place, so that no result is lost for a full disk
 * or a vanished folder. Throws FileError where none can be written, and also where another one was, which it names.
 */
export async function writingElsewhere<T>(
  session: Session,
  folder: OutputFolder,
  names: readonly string[],
  write: (to: OutputFolder) => Promise<T>,
): Promise<T> {
  try {
    return await write(folder);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    for (const place of [process.cwd(), homedir(), tmpdir()]) {
      const path = await writeIn(place);
      if (path !== null) throw new FileError(`${error.message}; the results are in ${shown(path)} instead`);
    }
    throw error;
  }

  async function writeIn(place: string): Promise<string | null> {
    let path: string | null = null;
    try {
      path = mkdtempSync(join(place, `singan-${basename(resolve(folder.path))}-`));
      await write(OutputFolder.open(session, path, names));
      return path;
    } catch {
      if (path !== null) rmSync(path, { recursive: true, force: true });
      return null;
    }
  }
}
