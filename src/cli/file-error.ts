// Errors of reading and writing files.

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
