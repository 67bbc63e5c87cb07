// Reads and decodes the files that commands take: photos, masks and models; and the errors of files.

import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { decodeLayer, pictureFormat } from "../image/decode.ts";
import { FORMAT_BYTES } from "../image/formats.ts";
import { ImageError } from "../image/image-error.ts";
import { flattened, type Layer, type Rgb8, type Size } from "../image/planes.ts";
import { ModelFileError } from "../singan/model/file-fields.ts";
import { type AnyModel, type Model, singanModel } from "../singan/model/model.ts";
import { requireModelStart } from "../singan/model/model-file.ts";
import { readModel } from "../singan/recipes.ts";
import { checkpointFiles } from "./checkpoint-folder.ts";
import { sizeText } from "./report.ts";
import type { Session } from "./session.ts";

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
  ELOOP: "its symbolic links form a circle",
  ENFILE: "too many open files",
  ENOMEM: "there is not enough memory",
  EIO: "the disk reports an error",
  ENXIO: "the device is not there",
  ENODEV: "the device is not there",
  EBUSY: "it is in use",
  ETXTBSY: "it is in use",
  ESTALE: "the file system is no longer there",
  ENOTCONN: "the file system is no longer there",
  ETIMEDOUT: "the file system does not answer",
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

/**
 * Reads a file; `what` names the expected kind in errors. `checkStart` is called with the first bytes, and may throw, before the rest is read.
 * Throws FileError if it is not a file, and the errors of readFileSync.
 */
export function readBytes(path: string, what: string, checkStart: (start: Uint8Array) => void = () => {}): Uint8Array {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats) throw new FileError(`there is no file ${shown(path)}${path.includes(NOT_UTF8) ? UNREADABLE_NAME : ""}`);
  if (stats.isDirectory()) throw new FileError(`${shown(path)} is a directory, not ${what}`);
  if (!stats.isFile()) throw new FileError(`${shown(path)} is not a regular file`);
  if (stats.size > MAX_BYTES) throw new FileError(`${shown(path)} is too large to be ${what}`);
  const file = openSync(path, "r");
  try {
    const start = new Uint8Array(FORMAT_BYTES);
    checkStart(start.subarray(0, readSync(file, start, 0, FORMAT_BYTES, 0)));
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

/** Node puts this letter where a name is not UTF-8, and can't open the file then. */
const NOT_UTF8 = "\ufffd";
const UNREADABLE_NAME = ": its name is not in UTF-8, so rename it";

function asFileError(path: string, error: unknown): FileError {
  if (error instanceof FileError) return error;
  if (error instanceof ImageError || error instanceof ModelFileError) return new FileError(`${shown(path)}: ${error.message}`);
  return new FileError(`can't read ${shown(path)}: ${reason(error)}`);
}

/** Reads a picture with its transparency. A large one is reduced, and the user told so. Throws FileError. */
export async function readLayer(path: string, session: Session): Promise<Layer> {
  try {
    const onReduced = (from: Size, to: Size) =>
      session.note(`${shown(basename(path))} has ${sizeText(from)} pixels: it is reduced to ${sizeText(to)} first`);
    return await decodeLayer(readBytes(path, "a picture", pictureFormat), { onReduced });
  } catch (error) {
    throw asFileError(path, error);
  }
}
/** Reads a picture, whose transparent parts count as white. Throws FileError. */
export const readPhoto = async (path: string, session: Session): Promise<Rgb8> => flattened(await readLayer(path, session));
/** Reads the picture of a mask, whose transparent parts count as black. Throws FileError. */
export const readMaskPicture = async (path: string, session: Session): Promise<Rgb8> =>
  flattened(await readLayer(path, session), [0, 0, 0]);
/** False also for what can't be reached. */
export function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
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
export function readAnyModelAt(path: string): AnyModel {
  try {
    return readModel(readBytes(path, "a model", requireModelStart));
  } catch (error) {
    throw asFileError(path, error);
  }
}
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
