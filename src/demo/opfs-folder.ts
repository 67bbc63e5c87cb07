// A folder of files in the browser's origin private file system (OPFS). Works in workers only.

export interface FileFolder {
  names(): Promise<string[]>;
  /** The file's bytes; null where there is none, or an empty one. */
  read(name: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /** Replaces a file, and returns when it is on the disk. Where that fails, an empty file is left. */
  write(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Removes a file, where there is one. */
  remove(name: string): Promise<void>;
}

/** What TypeScript knows in workers only. */
interface SyncAccessHandle {
  write(bytes: Uint8Array, options: { readonly at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}
type WorkerFile = FileSystemFileHandle & { createSyncAccessHandle(): Promise<SyncAccessHandle> };
type Listed = FileSystemDirectoryHandle & { keys(): AsyncIterable<string> };

/** Opens a folder, and makes it where there is none. It and its methods throw DOMException where the browser forbids it or has no room. */
export async function openOpfsFolder(path: string): Promise<FileFolder> {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle(path, { create: true });
  return {
    async names() {
      const names: string[] = [];
      for await (const name of (folder as Listed).keys()) names.push(name);
      return names;
    },
    async read(name) {
      const file = await unlessMissing(folder.getFileHandle(name));
      const bytes = file && new Uint8Array(await (await file.getFile()).arrayBuffer());
      return bytes?.length ? bytes : null;
    },
    async write(name, bytes) {
      const file = (await folder.getFileHandle(name, { create: true })) as WorkerFile;
      const access = await file.createSyncAccessHandle();
      try {
        access.truncate(0);
        if (access.write(bytes, { at: 0 }) < bytes.length) throw new DOMException("not all was written", "QuotaExceededError");
        access.flush();
      } catch (error) {
        access.truncate(0); // an empty file is no damaged one
        throw error;
      } finally {
        access.close();
      }
    },
    async remove(name) {
      await unlessMissing(folder.removeEntry(name));
    },
  };
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof DOMException && error.name === "NotFoundError") return null;
    throw error;
  }
}

/** Why nothing could be stored, as the middle of a sentence. */
export function storageTrouble(error: unknown): string {
  if (error instanceof DOMException && error.name === "QuotaExceededError") return "no room is left";
  return (error instanceof Error ? error.message : String(error)).replace(/\.$/, "");
}
