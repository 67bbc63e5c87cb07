// What the commands read and write: photo, model, and an output folder that is replaced at the end or not at all.

import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { decodeImage, decodeLayer, ImageError, type Layer } from "../image/decode.ts";
import type { Rgb8 } from "../image/planes.ts";
import { ModelFileError } from "../singan/model/file-fields.ts";
import { type AnyModel, type Model, singanModel } from "../singan/model/model.ts";
import { readModel } from "../singan/recipes.ts";

/** A file that can't be read or written; the message is one line that names it. */
export class FileError extends Error {
  override name = "FileError";
}

/** Largest file that is read whole. */
const MAX_BYTES = 2 ** 31 - 1;

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "not permitted",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  ENOTDIR: "a part of the path is a file",
  EEXIST: "it is a file",
  EISDIR: "it is a directory",
  ENAMETOOLONG: "the name is too long",
  EMFILE: "too many open files",
  ENOENT: "no folder can be made there",
};

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code && REASONS[code]) || message.split("\n")[0]!;
}

/** Paths come from the user and may hold anything: quoted where that would break the line. */
export const shown = (path: string): string => (/[\p{Cc}]/u.test(path) || path === "" ? JSON.stringify(path) : path);

/** Throws FileError where it is no file, or what readFileSync throws. */
export function readBytes(path: string, what: string): Uint8Array {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) throw new FileError(`there is no file ${shown(path)}`);
  if (stats.isDirectory()) throw new FileError(`${shown(path)} is a directory, not ${what}`);
  if (!stats.isFile()) throw new FileError(`${shown(path)} is not a regular file`);
  if (stats.size > MAX_BYTES) throw new FileError(`${shown(path)} is too large to be ${what}`);
  return readFileSync(path);
}

function reading<T>(path: string, what: string, decode: (bytes: Uint8Array) => T): T {
  try {
    return decode(readBytes(path, what));
  } catch (error) {
    if (error instanceof FileError) throw error;
    if (error instanceof ImageError || error instanceof ModelFileError) throw new FileError(`${shown(path)}: ${error.message}`);
    throw new FileError(`can't read ${shown(path)}: ${reason(error)}`);
  }
}

/** Throws FileError. */
export const readPhoto = (path: string): Rgb8 => reading(path, "a picture", (bytes) => decodeImage(bytes));
/** A mask's: what is transparent counts as black. Throws FileError. */
export const readMaskPicture = (path: string): Rgb8 =>
  reading(path, "a picture", (bytes) => decodeImage(bytes, { background: [0, 0, 0] }));
/** With its transparency. Throws FileError. */
export const readLayer = (path: string): Layer => reading(path, "a picture", (bytes) => decodeLayer(bytes));
/** Whether there is a directory of that path. */
export const isDirectory = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
/** Names of the files in a directory that end in .png, sorted; hidden ones are left out. Throws FileError. */
export function pngNames(path: string): string[] {
  try {
    return readdirSync(path)
      .filter((name) => /^[^.].*\.png$/.test(name))
      .sort();
  } catch (error) {
    throw new FileError(`can't read ${shown(path)}: ${reason(error)}`);
  }
}
/** What training calls its model in the folder that it writes. */
export const MODEL_FILE = "model.safetensors";
/** Where a model is: `path`, or the model in it where `path` is a folder that training wrote. */
export function modelPath(path: string): string {
  const inside = join(path, MODEL_FILE);
  return isDirectory(path) && existsSync(inside) ? inside : path;
}
/** Throws FileError. */
export const readAnyModelAt = (path: string): AnyModel => reading(path, "a model", readModel);
/** A model of the recipe singan, for commands that know no other. Throws FileError, and OptionError for another recipe. */
export const readModelAt = (path: string, what = "such command"): Model => singanModel(readAnyModelAt(path), what);

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
