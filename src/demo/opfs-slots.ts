// Stores the two checkpoints as files in the browser's origin private file system (OPFS). Works in workers only.

import type { Slot, SlotStore } from "../singan/training/checkpoints.ts";

const FOLDER = "singan-webgpu training";
const nameOf = (slot: Slot): string => `checkpoint-${slot}.safetensors`;

/** What TypeScript knows in workers only. */
interface SyncAccessHandle {
  write(bytes: Uint8Array, options: { readonly at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}
type WorkerFile = FileSystemFileHandle & { createSyncAccessHandle(): Promise<SyncAccessHandle> };

/** Opens the store. It and its methods throw DOMException where the browser forbids it or has no room. */
export async function openOpfsSlots(): Promise<SlotStore> {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle(FOLDER, { create: true });
  return {
    async read(slot) {
      const file = await unlessMissing(folder.getFileHandle(nameOf(slot)));
      const bytes = file && new Uint8Array(await (await file.getFile()).arrayBuffer());
      return bytes?.length ? bytes : null;
    },
    async write(slot, bytes) {
      const file = (await folder.getFileHandle(nameOf(slot), { create: true })) as WorkerFile;
      const access = await file.createSyncAccessHandle();
      try {
        access.truncate(0);
        if (access.write(bytes, { at: 0 }) < bytes.length) throw new DOMException("not all was written", "QuotaExceededError");
        access.flush();
      } catch (error) {
        access.truncate(0); // an empty slot is no damaged one
        throw error;
      } finally {
        access.close();
      }
    },
    async clear() {
      for (const slot of [0, 1] as const) await unlessMissing(folder.removeEntry(nameOf(slot)));
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
