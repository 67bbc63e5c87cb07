// Reads and decodes the files that commands take: photos, masks and models; and the errors of files.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { decodeImage, decodeLayer, ImageError, type Layer } from "../image/decode.ts";
import type { Rgb8 } from "../image/planes.ts";
import { ModelFileError } from "../singan/model/file-fields.ts";
import { type AnyModel, type Model, singanModel } from "../singan/model/model.ts";
import { readModel } from "../singan/recipes.ts";
import { checkpointFiles } from "./checkpoint-folder.ts";

/** A file can't be read or written. The message is one line that names it. */
export class FileError extends Error {
  override name = "FileError";
}

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

/** The reason of a failed system call, in a few words. */
export function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code && REASONS[code]) || message.split("\n")[0]!;
}

/** A path as text for a message. It is quoted if it is empty or has control characters, which would break the line. */
export const shown = (path: string): string => (/[\p{Cc}]/u.test(path) || path === "" ? JSON.stringify(path) : path);

/** The largest file that Node can read at once. */
const MAX_BYTES = 2 ** 31 - 1;

/** Reads a file; `what` names the expected kind in errors. Throws FileError if it is not a file, and the errors of readFileSync. */
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

/** Reads a picture, whose transparent parts count as white. Throws FileError. */
export const readPhoto = (path: string): Rgb8 => reading(path, "a picture", (bytes) => decodeImage(bytes));
/** Reads the picture of a mask, whose transparent parts count as black. Throws FileError. */
export const readMaskPicture = (path: string): Rgb8 =>
  reading(path, "a picture", (bytes) => decodeImage(bytes, { background: [0, 0, 0] }));
/** Reads a picture with its transparency. Throws FileError. */
export const readLayer = (path: string): Layer => reading(path, "a picture", (bytes) => decodeLayer(bytes));
export const isDirectory = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
/** The sorted names of the .png files in a directory, without hidden ones. Throws FileError. */
export function pngNames(path: string): string[] {
  try {
    return readdirSync(path)
      .filter((name) => /^[^.].*\.png$/.test(name))
      .sort();
  } catch (error) {
    throw new FileError(`can't read ${shown(path)}: ${reason(error)}`);
  }
}
/** The name of the model in a folder that training has written. */
export const MODEL_FILE = "model.safetensors";
/** The path of a model: `path` itself, or in a folder of a training the finished model, or else the newest checkpoint that can be read. */
export function modelPath(path: string): string {
  const inside = join(path, MODEL_FILE);
  if (!isDirectory(path)) return path;
  if (existsSync(inside)) return inside;
  const checkpoints = checkpointFiles(path).sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  const isReadable = (file: string) => {
    try {
      readAnyModelAt(file);
      return true;
    } catch {
      return false;
    }
  };
  return checkpoints.find(isReadable) ?? checkpoints[0] ?? path;
}
/** Reads a model of any recipe. Throws FileError. */
export const readAnyModelAt = (path: string): AnyModel => reading(path, "a model", readModel);
/** Reads a model for a command that supports the recipe singan only. Throws FileError, or OptionError for another recipe. */
export const readModelAt = (path: string, what = "such command"): Model => singanModel(readAnyModelAt(path), what);

/** Runs `check`; an error of `kind` becomes the one that `reword` makes of its message. */
export function rewording<T>(
  kind: abstract new (...args: never[]) => Error,
  reword: (message: string) => Error,
  check: () => T,
): T {
  try {
    return check();
  } catch (error) {
    throw error instanceof kind ? reword(error.message) : error;
  }
}
