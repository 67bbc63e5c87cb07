// Stores the two checkpoints as files in the browser's origin private file system (OPFS). Works in workers only.

import { SLOTS, type Slot, type SlotStore } from "../singan/training/checkpoints.ts";
import { openOpfsFolder } from "./opfs-folder.ts";

const FOLDER = "singan-webgpu training";
const nameOf = (slot: Slot): string => `checkpoint-${slot}.safetensors`;

/** Opens the store. It and its methods throw DOMException where the browser forbids it or has no room. */
export async function openOpfsSlots(): Promise<SlotStore> {
  const folder = await openOpfsFolder(FOLDER);
  return {
    read: (slot) => folder.read(nameOf(slot)),
    write: (slot, bytes) => folder.write(nameOf(slot), bytes),
    async clear() {
      for (const slot of SLOTS) await folder.remove(nameOf(slot));
    },
  };
}
